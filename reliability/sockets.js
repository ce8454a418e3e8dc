'use strict';

/** The API for the suites: promises, and one receiver function for each socket. */

const tcp = require('../index.js');
const runtime = require('../entry/runtime.js');

/**
 * @typedef {object} Receiver
 * @property {(data: ArrayBuffer) => void} data
 * @property {(code: number) => void} [end]
 *
 * @typedef {{ host: string, port: number, tls?: boolean }} Target
 */

/** @type {Map<number, Receiver>} */
const receivers = new Map();

tcp.onReceive.addListener(({ socketId, data }) => receivers.get(socketId)?.data(data));
tcp.onReceiveError.addListener(({ socketId, resultCode }) => {
  receivers.get(socketId)?.end?.(resultCode);
});

/**
 * @param {string} method
 * @param {...any} args
 * @returns {Promise<any>} The first argument of the callback.
 */
function call(method, ...args) {
  return new Promise((resolve, reject) => {
    /** @type {any} */ (tcp)[method](...args, (/** @type {unknown[]} */ ...given) => {
      const message = runtime.lastError?.message;
      if (given.length === 0 && message) reject(new Error(`${method}: ${message}`));
      else resolve(given[0]);
    });
  });
}

/**
 * @param {Target} target
 * @param {object} [options]
 * @param {import('../index.js').SocketProperties} [options.properties]
 * @param {Receiver} [options.receiver]
 * @param {boolean} [options.paused] Whether the socket stays paused.
 * @returns {Promise<number>} The socket, connected and, if so, encrypted.
 */
async function open({ host, port, tls }, { properties = {}, receiver, paused = false } = {}) {
  const { socketId } = await call('create', properties);
  if (receiver) receivers.set(socketId, receiver);
  if (tls || paused) await call('setPaused', socketId, true);
  expect(await call('connect', socketId, host, port), 0, 'connect');
  if (tls) {
    expect(await call('secure', socketId), 0, 'secure');
    if (!paused) await call('setPaused', socketId, false);
  }
  return socketId;
}

/** @param {number} socketId */
async function close(socketId) {
  receivers.delete(socketId);
  await call('close', socketId);
}

/**
 * @param {number} socketId
 * @param {ArrayBuffer} data
 */
async function send(socketId, data) {
  const { resultCode, bytesSent } = await call('send', socketId, data);
  expect(resultCode, 0, 'send');
  expect(bytesSent, data.byteLength, 'bytes sent');
}

/**
 * @param {unknown} actual
 * @param {unknown} expected
 * @param {string} what
 */
function expect(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: expected ${expected}, found ${actual}`);
}

/**
 * Performs an action `count` times, `atOnce` at a time.
 *
 * @param {number} count
 * @param {number} atOnce
 * @param {(index: number) => Promise<void>} action
 */
async function repeat(count, atOnce, action) {
  let next = 0;
  const lane = async () => {
    while (next < count) await action(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

module.exports = { tcp, receivers, call, open, close, send, expect, repeat };
