'use strict';

/**
 * The tables of the APIs: the declarations of Chromium's schemas
 * (extensions/common/api/sockets_tcp.webidl and sockets_tcp_server.idl). The argument checks, the
 * signatures in error messages, and the enumeration `DnsQueryType` are derived from them.
 *
 * A parameter reads `[optional] type name`, as Chromium prints it; dictionary members are all
 * optional.
 */

/**
 * @typedef {object} Schema
 * @property {string} namespace
 * @property {Record<string, string[]>} enumerations
 * @property {Record<string, string[]>} dictionaries
 * @property {Record<string, string[]>} methods A method returns a promise when its callback is optional and
 *   left out.
 */

const namespace = 'sockets.tcp';

/** @type {Record<string, string[]>} */
const enumerations = {
  DnsQueryType: ['any', 'ipv4', 'ipv6'],
};

/** @type {Record<string, string[]>} */
const dictionaries = {
  SocketProperties: ['boolean persistent', 'string name', 'integer bufferSize'],
  SecureOptions: ['TLSVersionConstraints tlsVersion'],
  TLSVersionConstraints: ['string min', 'string max'],
};

const methods = {
  close: ['integer socketId', 'optional function callback'],
  connect: [
    'integer socketId',
    'string peerAddress',
    'integer peerPort',
    'optional DnsQueryType dnsQueryType',
    'function callback',
  ],
  create: ['optional SocketProperties properties', 'optional function callback'],
  disconnect: ['integer socketId', 'optional function callback'],
  getInfo: ['integer socketId', 'optional function callback'],
  getSockets: ['optional function callback'],
  secure: ['integer socketId', 'optional SecureOptions options', 'function callback'],
  send: ['integer socketId', 'binary data', 'function callback'],
  setKeepAlive: [
    'integer socketId',
    'boolean enable',
    'optional integer delay',
    'function callback',
  ],
  setNoDelay: ['integer socketId', 'boolean noDelay', 'function callback'],
  setPaused: ['integer socketId', 'boolean paused', 'optional function callback'],
  update: ['integer socketId', 'SocketProperties properties', 'optional function callback'],
};

const tcp = { namespace, enumerations, dictionaries, methods };

const tcpServer = {
  namespace: 'sockets.tcpServer',
  enumerations: {},
  dictionaries: {
    SocketProperties: ['boolean persistent', 'string name'],
  },
  methods: {
    close: methods.close,
    create: methods.create,
    disconnect: methods.disconnect,
    getInfo: methods.getInfo,
    getSockets: methods.getSockets,
    listen: [
      'integer socketId',
      'string address',
      'integer port',
      'optional integer backlog',
      'function callback',
    ],
    setPaused: methods.setPaused,
    update: methods.update,
  },
};

/**
 * The object by which Chromium exposes an enumeration: upper-case keys, the strings as values.
 *
 * @param {string} name
 * @returns {Record<string, string>}
 */
function enumerationObject(name) {
  return Object.fromEntries(enumerations[name].map((value) => [value.toUpperCase(), value]));
}

module.exports = { tcp, tcpServer, enumerationObject };
