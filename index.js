'use strict';

/**
 * `chrome.sockets.tcp`. This file is the renderer's half of what Chromium does: it checks arguments,
 * keeps callbacks and promises, and builds the objects that the application sees. The browser's
 * half, the sockets themselves, is native code (src/), which answers every call later and in order.
 */

const { parsers, bytesOf } = require('./lib/arguments.js');
const { loadBinding } = require('./lib/binding.js');
const { canonicalHost } = require('./lib/canonical-host.js');
const { createEvent } = require('./lib/event.js');
const { Requests } = require('./lib/requests.js');
const { enumerationObject } = require('./lib/schema.js');
const { Sends } = require('./lib/sends.js');

// ---- The native half ----------------------------------------------------------------------------

const { TcpSockets, takeTrustWarnings } = loadBinding();
const native = new TcpSockets();

const ADDRESS_FAMILIES = /** @type {Record<string, number>} */ ({ any: 0, ipv4: 4, ipv6: 6 });

/** A dictionary that was left out. Whatever stands on Object.prototype is no part of it. */
const NO_MEMBERS = Object.freeze(Object.create(null));

// ---- Events and requests ------------------------------------------------------------------------

const onReceive = createEvent();
const onReceiveError = createEvent();
const requests = new Requests(native, { onReceive, onReceiveError });
const sends = new Sends(native, requests);

/** @type {Requests['begin']} */
function begin(callback, answer) {
  sends.flush();
  return requests.begin(callback, answer);
}

// ---- What callbacks are given -------------------------------------------------------------------
// Members stand in alphabetical order, as Chromium's do.

const nothing = () => [];

/** @type {import('./lib/requests.js').Answer} */
const resultCode = (code) => [code];

/** @type {import('./lib/requests.js').Answer} */
const securedResultCode = (code) => {
  // The trust anchors are loaded by the first handshake; what was wrong with them is said once.
  for (const warning of takeTrustWarnings()) process.emitWarning(warning);
  return [code];
};

/** @type {import('./lib/requests.js').Answer} */
const value = (_code, known) => [known];

/** @type {import('./lib/requests.js').Answer} */
const sendInfo = (code, bytesSent) => [
  code === 0 ? { bytesSent, resultCode: code } : { resultCode: code },
];

const SOCKET_INFO_MEMBERS = /** @type {const} */ ([
  'bufferSize',
  'connected',
  'localAddress',
  'localPort',
  'name',
  'paused',
  'peerAddress',
  'peerPort',
  'persistent',
  'socketId',
]);

/**
 * @param {import('./binding.js').SocketInfo} info
 * @returns {object}
 */
function socketInfo(info) {
  /** @type {Record<string, unknown>} */
  const result = {};
  for (const member of SOCKET_INFO_MEMBERS) {
    if (Object.hasOwn(info, member)) result[member] = info[member];
  }
  return result;
}

// ---- The namespace ------------------------------------------------------------------------------
// Rest parameters give the functions the length 0 that Chromium's have.

const tcp = {
  onReceiveError,
  onReceive,

  /** @param {unknown[]} args */
  close(...args) {
    const [socketId, callback] = parsers.close(args);
    const { id, promise } = begin(callback, nothing);
    native.close(id, socketId);
    return promise;
  },

  /** @param {unknown[]} args */
  connect(...args) {
    const [socketId, peerAddress, peerPort, dnsQueryType, callback] = parsers.connect(args);
    const { id } = begin(callback, resultCode);
    const family = ADDRESS_FAMILIES[dnsQueryType ?? 'any'];
    // Chromium narrows the port to 16 bits without a check.
    native.connect(id, socketId, canonicalHost(peerAddress), peerPort & 0xffff, family);
  },

  /** @param {unknown[]} args */
  create(...args) {
    const [properties = NO_MEMBERS, callback] = parsers.create(args);
    const { persistent, name, bufferSize } = properties;
    const request = begin(callback, value);
    request.value = { socketId: native.create(request.id, persistent, name, bufferSize) };
    return request.promise;
  },

  /** @param {unknown[]} args */
  disconnect(...args) {
    const [socketId, callback] = parsers.disconnect(args);
    const { id, promise } = begin(callback, nothing);
    native.disconnect(id, socketId);
    return promise;
  },

  /** @param {unknown[]} args */
  getInfo(...args) {
    const [socketId, callback] = parsers.getInfo(args);
    const request = begin(callback, value);
    const info = native.getInfo(request.id, socketId);
    if (info) request.value = socketInfo(info);
    return request.promise;
  },

  /** @param {unknown[]} args */
  getSockets(...args) {
    const [callback] = parsers.getSockets(args);
    const request = begin(callback, value);
    request.value = Array.from(native.getSockets(request.id), socketInfo);
    return request.promise;
  },

  /** @param {unknown[]} args */
  secure(...args) {
    const [socketId, options, callback] = parsers.secure(args);
    const { min, max } = options?.tlsVersion ?? NO_MEMBERS;
    const { id } = begin(callback, securedResultCode);
    native.secure(id, socketId, min, max);
  },

  /** @param {unknown[]} args */
  send(...args) {
    const [socketId, data, callback] = parsers.send(args);
    const bytes = bytesOf(data);
    const request = requests.begin(callback, sendInfo);
    request.value = bytes.length;
    sends.send(request.id, socketId, bytes);
  },

  /** @param {unknown[]} args */
  setKeepAlive(...args) {
    const [socketId, enable, delay = 0, callback] = parsers.setKeepAlive(args);
    const { id } = begin(callback, resultCode);
    native.setKeepAlive(id, socketId, enable, delay);
  },

  /** @param {unknown[]} args */
  setNoDelay(...args) {
    const [socketId, noDelay, callback] = parsers.setNoDelay(args);
    const { id } = begin(callback, resultCode);
    native.setNoDelay(id, socketId, noDelay);
  },

  /** @param {unknown[]} args */
  setPaused(...args) {
    const [socketId, paused, callback] = parsers.setPaused(args);
    const { id, promise } = begin(callback, nothing);
    native.setPaused(id, socketId, paused);
    return promise;
  },

  /** @param {unknown[]} args */
  update(...args) {
    const [socketId, properties, callback] = parsers.update(args);
    const { persistent, name, bufferSize } = properties;
    const { id, promise } = begin(callback, nothing);
    native.update(id, socketId, persistent, name, bufferSize);
    return promise;
  },

  DnsQueryType: enumerationObject('DnsQueryType'),
};

module.exports = tcp;
