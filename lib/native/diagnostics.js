'use strict';

/**
 * Implements `NODE_DEBUG=chrome-sockets-tcp` and the channels of `node:diagnostics_channel`.
 * Neither shows payload or keys.
 */

const { channel } = require('node:diagnostics_channel');
const { COMPLETE, RECEIVE, RECEIVE_ERROR, ACCEPT, ACCEPT_ERROR } = require('../base/deliveries.js');
const { escaped } = require('../base/shown.js');

const start = {
  connect: channel('chrome-sockets-tcp.connect.start'),
  listen: channel('chrome-sockets-tcp.listen.start'),
  secure: channel('chrome-sockets-tcp.secure.start'),
};
const end = {
  connect: channel('chrome-sockets-tcp.connect.end'),
  listen: channel('chrome-sockets-tcp.listen.end'),
  secure: channel('chrome-sockets-tcp.secure.end'),
};
const receiveError = channel('chrome-sockets-tcp.receive-error');

/**
 * Publishes the start of a call and, by the callback that it returns, its end.
 *
 * @param {'connect' | 'listen' | 'secure'} method
 * @param {{ socketId: number, host?: string, port?: number }} call
 * @param {Function} callback
 * @returns {Function} The same callback if there is no subscriber.
 */
function publishCall(method, call, callback) {
  if (!start[method].hasSubscribers && !end[method].hasSubscribers) return callback;
  start[method].publish(call);
  return (/** @type {[] | [number]} */ ...args) => {
    end[method].publish({ ...call, resultCode: args[0] });
    Reflect.apply(callback, globalThis, args);
  };
}

/**
 * @param {number} socketId
 * @param {number | undefined} resultCode
 */
function publishReceiveError(socketId, resultCode) {
  if (receiveError.hasSubscribers) receiveError.publish({ socketId, resultCode });
}

// ---- NODE_DEBUG ---------------------------------------------------------------------------------

/** The text for the arguments behind the request and the socket. */
const details = /** @type {Record<string, (...args: any[]) => string>} */ ({
  connect: (host, port) => ` ${escaped(host)}:${port}`,
  denyConnect: (host) => ` ${escaped(host)}`,
  listenOn: (address, port) => ` ${escaped(address)}:${port}`,
  pauseServer: (paused) => ` ${paused}`,
  secure: (min, max) => ` ${min ?? ''}-${max ?? ''}`,
  send: (bytes) => ` ${bytes.length} bytes`,
  setKeepAlive: (enable, delay) => ` ${enable} ${delay}`,
  setNoDelay: (noDelay) => ` ${noDelay}`,
  setPaused: (paused) => ` ${paused}`,
});

/** Methods that are called too often, or without a call of the application. */
const UNTRACED = [
  'configureTls',
  'keepLoop',
  'limitConnect',
  'limitSockets',
  'reference',
  'spareDescriptors',
  'stats',
  'suspend',
  'suspendServer',
  'takeAccepted',
  'throttle',
];

/**
 * The native half, which logs every call of it and every delivery.
 *
 * @template {object} T
 * @param {T} native
 * @param {(text: string) => void} debug
 * @returns {T}
 */
function traced(native, debug) {
  /** The method and socket of each call that has not ended. @type {Map<number, string>} */
  const calls = new Map();
  /** @type {(name: string, args: any[], result: unknown) => void} */
  const logCall = (name, [request, socketId, ...rest], result) => {
    if (name === 'create' || name === 'createServer') {
      const made = result === null ? 'no socket' : `socket ${result}`;
      calls.set(request, name);
      debug(`${made}: ${name} (call ${request})`);
    } else if (name === 'sendGathered') {
      const [headers] = rest;
      for (let index = 0; index < socketId; index += 1) {
        const [socket, length] = headers.subarray(2 * index);
        calls.set(request + index, `socket ${socket}: send`);
        debug(`socket ${socket}: send ${length} bytes (call ${request + index})`);
      }
    } else {
      const socket = socketId === undefined ? '' : `socket ${socketId}: `;
      calls.set(request, socket + (name === 'denyConnect' ? 'connect' : name));
      debug(`${socket}${name}${details[name]?.(...rest) ?? ''} (call ${request})`);
    }
  };
  /** @type {(deliver: Function) => Function} */
  const tracedDeliver =
    (deliver) =>
    (/** @type {[number, number, number | undefined, any, any]} */ ...args) => {
      const [kind, id, code, payload, value] = args;
      if (kind === COMPLETE) {
        const failure = `${calls.get(id)} failed: ${payload} (call ${id})`;
        debug(payload === undefined ? `call ${id}: ${code}` : failure);
        calls.delete(id);
      }
      if (kind === RECEIVE) debug(`socket ${id}: received ${payload.byteLength} bytes`);
      if (kind === RECEIVE_ERROR) debug(`socket ${id}: receive error ${code}`);
      if (kind === ACCEPT) debug(`socket ${id}: accepted socket ${value}`);
      if (kind === ACCEPT_ERROR) debug(`socket ${id}: accept error ${code}`);
      return deliver(...args);
    };
  return new Proxy(native, {
    get(target, name) {
      const method = /** @type {any} */ (target)[name];
      if (typeof method !== 'function') return method;
      if (name === 'attach') {
        return (/** @type {Function} */ f) => method.call(target, tracedDeliver(f));
      }
      if (UNTRACED.includes(String(name))) return method.bind(target);
      return (/** @type {any[]} */ ...args) => {
        const result = method.apply(target, args);
        logCall(String(name), args, result);
        return result;
      };
    },
  });
}

/**
 * @param {(text: string) => void} debug
 * @returns {(text: string) => void} Writes each text once.
 */
function once(debug) {
  /** @type {Set<string>} */
  const said = new Set();
  return (text) => {
    if (said.has(text)) return;
    said.add(text);
    debug(text);
  };
}

module.exports = { once, publishCall, publishReceiveError, traced };
