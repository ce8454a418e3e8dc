'use strict';

const { addSink, removeSink, sinks } = require('./sinks.js');
const tcp = require('../index.js');
const { call } = require('./call.js');

/**
 * What a socket has received and nobody has taken. It lives from the first iterator of the socket to
 * the end of the connection, so that nothing is lost between two iterators: a read that is in flight
 * when a socket is paused still delivers.
 */
class Receiver {
  #socketId;
  /** @type {ArrayBuffer[]} */
  #queue = [];
  #waiting = 0;
  #limit = 0;
  #taken = false;
  /** @type {boolean | undefined} undefined: not known. */
  #paused;
  #wake = () => {};

  /** @type {number | undefined} The code of onReceiveError. */
  end;

  /** @param {number} socketId */
  constructor(socketId) {
    this.#socketId = socketId;
  }

  /**
   * @param {number} socketId
   * @returns {Receiver}
   */
  static of(socketId) {
    const known = sinks.get(socketId);
    if (known instanceof Receiver) return known;
    if (known) throw new Error(`received: a stream reads socket ${socketId}`);
    if (sinks.size > 0) tcp.getSockets(forgetAllBut);
    const receiver = new Receiver(socketId);
    addSink(socketId, receiver);
    return receiver;
  }

  /**
   * @param {number} limit More waiting bytes than this pause the socket. With 0 it is read only when
   *   somebody waits.
   */
  take(limit) {
    // Two iterators would each get a part.
    if (this.#taken) throw new Error(`received: socket ${this.#socketId} has an iterator already`);
    this.#taken = true;
    this.#limit = limit;
    this.#paused = undefined;
  }

  /** The iterator is done. What comes from here on stays with the peer, or waits here. */
  async release() {
    this.#taken = false;
    if (this.end === undefined) await this.pause(true).catch(() => removeSink(this.#socketId));
    else if (this.isEmpty) removeSink(this.#socketId);
  }

  get isEmpty() {
    return this.#queue.length === 0;
  }

  /** @param {ArrayBuffer} data */
  push(data) {
    this.#queue.push(data);
    this.#waiting += data.byteLength;
    // A socket that is gone needs no pause; the iterator finds out.
    if (this.#waiting > this.#limit) this.pause(true).catch(() => {});
    this.wake();
  }

  /** @returns {ArrayBuffer | undefined} */
  shift() {
    const data = this.#queue.shift();
    if (data) this.#waiting -= data.byteLength;
    return data;
  }

  /** @param {number} code */
  finish(code) {
    this.end = code;
    this.wake();
    if (!this.#taken && this.isEmpty) removeSink(this.#socketId);
  }

  wake() {
    this.#wake();
  }

  /** @param {boolean} wanted */
  async pause(wanted) {
    if (this.#paused === wanted) return;
    this.#paused = wanted;
    await call('setPaused', [this.#socketId, wanted]);
  }

  /** Leaves a read in flight, behind which none follows. */
  async #readOnce() {
    this.#paused = true;
    await Promise.all([false, true].map((paused) => call('setPaused', [this.#socketId, paused])));
  }

  /** Waits for data, the end or a wake-up. */
  async something() {
    const woken = new Promise((resolve) => (this.#wake = () => resolve(undefined)));
    if (this.#limit > 0) await this.pause(false);
    else await this.#readOnce();
    if (this.isEmpty && this.end === undefined) await woken;
  }
}

/**
 * Sockets that were closed while they were paused have no end to tell.
 *
 * @param {{ socketId: number }[]} infos Of the sockets that there are.
 */
function forgetAllBut(infos) {
  const known = new Set(infos.map(({ socketId }) => socketId));
  for (const [socketId, sink] of sinks) {
    if (sink instanceof Receiver && !known.has(socketId) && sink.isEmpty) removeSink(socketId);
  }
}

module.exports = { Receiver };
