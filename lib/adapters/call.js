'use strict';

const tcp = require('../api/tcp.js');
const { IntrinsicPromise } = require('../base/intrinsics.js');
const { showLastErrorOn } = require('../renderer/last-error.js');
const { SocketError } = require('./socket-error.js');

/** An object of our own, so that scripts that change `chrome.runtime` have no effect here. */
const runtime = /** @type {{ lastError?: { message: string } }} */ (showLastErrorOn({}));

/** The methods behind which a socket has no peer. */
const ENDS = new Set(['close', 'disconnect']);

/** How many peers may be known before those of sockets that are gone are looked for. */
const FIRST_SWEEP = 64;
let sweepAt = FIRST_SWEEP;

/** To what each socket was connected by {@link call}. @type {Map<number, { host: string, port: number }>} */
const peers = new Map();

/**
 * @param {number} socketId
 * @returns {{ socketId: number, host?: string, port?: number }} What errors say of a socket.
 */
function describeSocket(socketId) {
  return { socketId, ...peers.get(socketId) };
}

/**
 * @param {string} method
 * @param {any[]} args
 * @returns {{ socketId?: number, host?: string, port?: number }}
 */
function circumstancesOf(method, [socketId, host, port]) {
  if (method === 'connect' || method === 'listen') return { socketId, host, port };
  return typeof socketId === 'number' ? describeSocket(socketId) : {};
}

/** @param {any[]} args Of a `connect()` that has succeeded. */
function notePeer([socketId, host, port]) {
  if (peers.size >= sweepAt) tcp.getSockets(sweep);
  peers.set(socketId, { host, port });
}

/**
 * Forgets the peers of sockets that were closed in another way than by {@link call}.
 *
 * @param {{ socketId: number }[]} infos Of the sockets that there are.
 */
function sweep(infos) {
  const open = new Set(infos.map(({ socketId }) => socketId));
  for (const socketId of peers.keys()) if (!open.has(socketId)) peers.delete(socketId);
  sweepAt = Math.max(FIRST_SWEEP, 2 * peers.size);
}

/**
 * Calls a method of the API.
 *
 * @param {string} method
 * @param {unknown[]} args Without the callback.
 * @param {object} [trace] The stack that an error gets.
 * @param {object} [api] The namespace.
 * @returns {Promise<any>} The argument of the callback; rejects with a SocketError where lastError is set,
 *   and with a TypeError for invalid arguments.
 */
function call(method, args, trace, api = tcp) {
  return new IntrinsicPromise((resolve, reject) => {
    const callback = (/** @type {any} */ value) => {
      const message = runtime.lastError?.message;
      if (api === tcp && ENDS.has(method)) peers.delete(/** @type {number} */ (args[0]));
      if (message === undefined) {
        if (method === 'connect') notePeer(args);
        resolve(value);
        return;
      }
      const code = typeof value === 'object' ? value.resultCode : value;
      reject(new SocketError(method, code, { message, trace, ...circumstancesOf(method, args) }));
    };
    /** @type {any} */ (api)[method](...args, callback);
  });
}

module.exports = { call, describeSocket };
