'use strict';

/**
 * The table of the API: the declarations of Chromium's schema
 * (extensions/common/api/sockets_tcp.webidl). The argument checks, the signatures in error
 * messages, and the enumeration `DnsQueryType` are derived from it.
 *
 * A parameter reads `[optional] type name`, as Chromium prints it; dictionary members are all
 * optional.
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

/**
 * A method returns a promise when its callback is optional and left out.
 */
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

/**
 * The object by which Chromium exposes an enumeration: upper-case keys, the strings as values.
 *
 * @param {string} name
 * @returns {Record<string, string>}
 */
function enumerationObject(name) {
  return Object.fromEntries(enumerations[name].map((value) => [value.toUpperCase(), value]));
}

module.exports = { namespace, enumerations, dictionaries, methods, enumerationObject };
