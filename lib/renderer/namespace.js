'use strict';

/**
 * The counterpart of Chromium's renderer: checks arguments, keeps callbacks and promises, and
 * builds the objects that the application sees. The native half (src/), the counterpart of the
 * browser process, runs here or in another process and answers every call later and in order.
 */

const { parsers, bytesOf } = require('./arguments.js');
const { canonicalHost } = require('./canonical-host.js');
const { createEvent } = require('./event.js');
const { Requests } = require('./requests.js');
const { enumerationObject } = require('./schema.js');
const { Sends } = require('./sends.js');
const { createServerNamespace } = require('./server-namespace.js');
const { nothing, resultCode, createInfo, infoAnswers, NO_MEMBERS } = require('./answers.js');

/**
 * @typedef {ReturnType<typeof import('../native/pump.js').createNative>} Native
 * @typedef {import('../../binding.js').SocketInfo} SocketInfo
 * @typedef {import('./requests.js').Answer} Answer
 *
 * @typedef {Omit<Native, 'create' | 'setWaker' | 'functions' | 'getInfo' | 'getSockets' | 'throttle'
 *   | 'holdLoop' | 'keepLoop' | 'keepsLoop' | 'reference' | 'setReferenced' | 'suspend'
 *   | 'takeFailure' | 'createServer' | 'getServerInfo' | 'getServers' | 'suspendServer' | 'takeAccepted'
 *   | 'describeSockets' | 'describeServers'> & {
 *   create(...args: Parameters<Native['create']>): number | null | void,
 *   createServer(...args: Parameters<Native['createServer']>): number | null | void,
 *   getServerInfo(...args: Parameters<Native['getServerInfo']>): SocketInfo | null | void,
 *   getServers(...args: Parameters<Native['getServers']>): SocketInfo[] | void,
 *   getInfo(...args: Parameters<Native['getInfo']>): SocketInfo | null | void,
 *   getSockets(...args: Parameters<Native['getSockets']>): SocketInfo[] | void,
 *   beforePost?(job: () => void): void,
 *   keepLoop?(): void,
 *   listen?(event: string, listening: boolean): void,
 * }} NativeHalf What answers. What a method does not return at once comes with the completion.
 *   `listen`, where there is one, is told which events somebody listens to. `beforePost`, where there is
 *   one, runs a job before it posts the calls of this tick.
 */

const ADDRESS_FAMILIES = /** @type {Record<string, number>} */ ({ any: 0, ipv4: 4, ipv6: 6 });

/** @type {Answer} */
const sendInfo = (code, bytesSent) => [
  code === 0 ? { bytesSent, resultCode: code } : { resultCode: code },
];

const { oneSocketInfo, allSocketInfos } = infoAnswers([
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

// ---- The namespace ------------------------------------------------------------------------------
// Rest parameters give the functions the length 0 that Chromium's have.

const always = () => true;

/**
 * @param {NativeHalf} native
 * @param {object} [hooks]
 * @param {(host: string, port: number) => boolean} [hooks.allowsConnect] Asked by each `connect()`,
 *   with the host as the application has written it.
 * @param {(address: string, port: number) => boolean} [hooks.allowsListen] The same of `listen()`.
 * @param {() => boolean} [hooks.returnsPromises] Asked by each call without a callback.
 * @param {() => void} [hooks.onSecured] Runs before the callback of each `secure()`.
 * @param {typeof import('../native/diagnostics.js').publishCall} [hooks.publishCall]
 * @param {typeof import('../native/diagnostics.js').publishReceiveError} [hooks.publishReceiveError]
 */
function createNamespaces(
  native,
  {
    allowsConnect = always,
    allowsListen = always,
    returnsPromises = always,
    onSecured,
    publishCall = (_method, _call, callback) => callback,
    publishReceiveError,
  } = {},
) {
  const onReceive = createEvent((listening) => listen('onReceive', listening));
  const onReceiveError = createEvent((listening) => listen('onReceiveError', listening));
  const onAccept = createEvent((listening) => listen('onAccept', listening));
  const onAcceptError = createEvent((listening) => listen('onAcceptError', listening));
  const requests = new Requests(
    native,
    { onReceive, onReceiveError, onAccept, onAcceptError },
    { returnsPromises, publishReceiveError },
  );
  const sends = new Sends(native);

  /**
   * @param {string} event
   * @param {boolean} listening
   */
  function listen(event, listening) {
    if (!native.listen) return;
    sends.flush();
    requests.attach();
    native.listen(event, listening);
  }

  /** @type {InstanceType<typeof Requests>['begin']} */
  function begin(callback, answer) {
    const request = requests.begin(callback, answer);
    sends.flush();
    return request;
  }

  /** @type {Answer} */
  const securedResultCode = (code) => {
    onSecured?.();
    return [code];
  };

  const tcpServer = createServerNamespace(
    native,
    { onAccept, onAcceptError },
    { begin, allowsListen, publishCall },
  );

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
      const host = canonicalHost(peerAddress);
      // Chromium narrows the port to 16 bits without a check.
      const port = peerPort & 0xffff;
      const { id } = begin(publishCall('connect', { socketId, host, port }, callback), resultCode);
      if (!allowsConnect(peerAddress, port)) {
        native.denyConnect(id, socketId, host);
        return;
      }
      native.connect(id, socketId, host, port, ADDRESS_FAMILIES[dnsQueryType ?? 'any']);
    },

    /** @param {unknown[]} args */
    create(...args) {
      const [properties = NO_MEMBERS, callback] = parsers.create(args);
      const { persistent, name, bufferSize } = properties;
      const request = begin(callback, createInfo);
      request.value = native.create(request.id, persistent, name, bufferSize);
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
      const request = begin(callback, oneSocketInfo);
      request.value = native.getInfo(request.id, socketId);
      return request.promise;
    },

    /** @param {unknown[]} args */
    getSockets(...args) {
      const [callback] = parsers.getSockets(args);
      const request = begin(callback, allSocketInfos);
      request.value = native.getSockets(request.id);
      return request.promise;
    },

    /** @param {unknown[]} args */
    secure(...args) {
      const [socketId, options, callback] = parsers.secure(args);
      const { min, max } = options?.tlsVersion ?? NO_MEMBERS;
      const { id } = begin(publishCall('secure', { socketId }, callback), securedResultCode);
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

  return { tcp, tcpServer };
}

module.exports = { createNamespaces, ADDRESS_FAMILIES };
