'use strict';

/** Helpers around the module: promises for callbacks, and a record of received data. */

const tcp = require('../../index.js');
const runtime = require('../../entry/runtime.js');
const { stats } = require('../../entry/stats.js');

/**
 * Calls a method with a callback.
 *
 * @param {string} method
 * @param {...unknown} args
 * @returns {Promise<{ args: any[], lastError: string | undefined }>} The arguments of the callback,
 *   and the message of lastError while it ran.
 */
function call(method, ...args) {
  return new Promise((resolve) => {
    const callback = (/** @type {any[]} */ ...given) =>
      resolve({ args: given, lastError: runtime.lastError?.message });
    /** @type {any} */ (tcp)[method](...args, callback);
  });
}

/**
 * Calls a method of whose callback only the one argument matters.
 *
 * @param {string} method
 * @param {...unknown} args
 */
async function result(method, ...args) {
  const { args: given } = await call(method, ...args);
  return given[0];
}

/** The events of one socket. */
class Inbox {
  /** @type {Buffer[]} */
  chunks = [];
  /** @type {number[]} */
  errors = [];

  #socketId;
  #notify = () => {};

  /** @param {number} socketId */
  constructor(socketId) {
    this.#socketId = socketId;
    tcp.onReceive.addListener(this.#onReceive);
    tcp.onReceiveError.addListener(this.#onReceiveError);
    inboxes.add(this);
  }

  #onReceive = (/** @type {any} */ { socketId, data }) => {
    if (socketId !== this.#socketId) return;
    this.chunks.push(Buffer.from(data));
    this.#notify();
  };

  #onReceiveError = (/** @type {any} */ { socketId, resultCode }) => {
    if (socketId !== this.#socketId) return;
    this.errors.push(resultCode);
    this.#notify();
  };

  get bytes() {
    return Buffer.concat(this.chunks);
  }

  /**
   * Waits, until the test's time limit, for something to be true of this inbox.
   *
   * @param {(inbox: this) => boolean} condition
   */
  async until(condition) {
    while (!condition(this)) {
      await new Promise((resolve) => {
        this.#notify = () => resolve(undefined);
      });
    }
  }

  /** @param {number} count Of bytes. */
  async untilReceived(count) {
    await this.until(() => this.chunks.reduce((sum, { length }) => sum + length, 0) >= count);
    return this.bytes;
  }

  /** @returns {Promise<number>} */
  async untilError() {
    await this.until(() => this.errors.length > 0);
    return this.errors[0];
  }

  stop() {
    tcp.onReceive.removeListener(this.#onReceive);
    tcp.onReceiveError.removeListener(this.#onReceiveError);
    inboxes.delete(this);
  }
}

/** @type {Set<Inbox>} */
const inboxes = new Set();

/**
 * A connected socket and its inbox.
 *
 * @param {number} port
 * @param {{ host?: string, paused?: boolean, properties?: object }} [options]
 */
async function connected(port, { host = '127.0.0.1', paused = false, properties = {} } = {}) {
  const { socketId } = await tcp.create(properties);
  const inbox = new Inbox(socketId);
  if (paused) await tcp.setPaused(socketId, true);
  const code = await result('connect', socketId, host, port);
  if (code !== 0) throw new Error(`connect gave ${code}`);
  return { socketId, inbox };
}

/** Closes the sockets that a test has left open. */
async function closeSockets() {
  for (const inbox of inboxes) inbox.stop();
  const sockets = await tcp.getSockets();
  await Promise.all(sockets.map(({ socketId }) => call('close', socketId)));
}

module.exports = { call, closeSockets, connected, Inbox, result, runtime, stats, tcp };
