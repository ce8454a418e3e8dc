'use strict';

const { IntrinsicPromise } = require('../base/intrinsics.js');
const { addConsumer, removeConsumer, consumers } = require('./data-consumers.js');
const tcp = require('../api/tcp.js');
const { call } = require('./call.js');

/** How many receivers there may be before those of closed sockets are looked for. */
const FIRST_SWEEP = 16;
let sweepAt = FIRST_SWEEP;

/**
 * @typedef {'claimed' | 'taken' | 'released'} Use `claimed`: an iterator exists and has not been
 *   asked yet. `taken`: it has been. `released`: it is done, and the socket is paused.
 */

/**
 * The bytes that a socket has received and no iterator has taken. A receiver lives from the first
 * iterator of the socket to the end of the connection, so that no byte is lost between two iterators:
 * a read that is in flight when a socket is paused still delivers.
 */
class Receiver {
  #socketId;
  /** @type {ArrayBuffer[]} */
  #queue = [];
  #waiting = 0;
  #limit = 0;
  /** @type {Use} */
  #use = 'claimed';
  /** How many pieces have come since the last iterator was done. */
  #unasked = 0;
  /** @type {boolean | undefined} undefined: not known. */
  #paused;
  #wake = () => {};

  /**
   * @type {{ failure: number | undefined } | undefined} The end of the connection, with a net error
   *   code if it was not in order.
   */
  end;

  /** Whether an iterator has ended with the connection, or a call of the application has ended it. */
  #told = false;

  /** @param {number} socketId */
  constructor(socketId) {
    this.#socketId = socketId;
  }

  /**
   * The receiver of a socket for an iterator that is about to be asked.
   *
   * @param {number} socketId
   * @param {number} limit More waiting bytes than this pause the socket. With 0 it is read only when
   *   an iterator waits.
   * @returns {Receiver}
   */
  static claim(socketId, limit) {
    const known = consumers.get(socketId);
    if (known && !(known instanceof Receiver)) {
      throw new Error(`received: a stream reads socket ${socketId}`);
    }
    if (!known && consumers.size >= sweepAt) tcp.getSockets(sweep);
    const receiver = known ?? new Receiver(socketId);
    if (!known) addConsumer(socketId, receiver);
    if (receiver.#use !== 'taken') {
      receiver.#use = 'claimed';
      receiver.#limit = limit;
      receiver.#paused = undefined;
    }
    return receiver;
  }

  /**
   * Takes the received data of a socket out of its receiver, for a stream that continues to read.
   *
   * @param {number} socketId
   * @returns {{ queue: ArrayBuffer[], end: Receiver['end'] }}
   */
  static surrender(socketId) {
    const known = consumers.get(socketId);
    if (!known) return { queue: [], end: undefined };
    if (!(known instanceof Receiver) || known.#use === 'taken') {
      throw new Error(`duplex: socket ${socketId} is being read already`);
    }
    removeConsumer(socketId);
    return { queue: known.#queue, end: known.end };
  }

  /**
   * A call of the application has ended the connection, which a paused socket does not report.
   *
   * @param {number} socketId
   */
  static ended(socketId) {
    const known = consumers.get(socketId);
    if (!(known instanceof Receiver)) return;
    if (known.#use === 'taken') known.finish();
    known.#told = true;
    removeConsumer(socketId);
  }

  /**
   * Drops the data that no iterator has taken: the socket has a new connection, or the application
   * has unpaused it for its listeners.
   *
   * @param {number} socketId
   */
  static discard(socketId) {
    const known = consumers.get(socketId);
    if (known instanceof Receiver && known.#use === 'released') removeConsumer(socketId);
  }

  /** The iterator begins. Two of them would each get a part of the bytes. */
  take() {
    if (this.#use === 'taken') {
      throw new Error(`received: socket ${this.#socketId} has an iterator already`);
    }
    const current = consumers.get(this.#socketId);
    if (this.end === undefined && current !== this) {
      if (current) throw new Error(`received: socket ${this.#socketId} is being read already`);
      addConsumer(this.#socketId, this);
    }
    // Bytes behind the end are those of another connection.
    if (this.end !== undefined) this.#remove();
    this.#use = 'taken';
  }

  /** The iterator is done. Bytes that come from here on stay with the peer, or wait here. */
  async release() {
    this.#use = 'released';
    this.#unasked = 0;
    if (this.end === undefined) await this.pause(true).catch(() => this.#remove());
    else if (!(this.isEmpty && this.#told)) await this.#keep();
  }

  /** Leaves the bytes and the end to the next iterator, unless the socket is closed or connected again. */
  async #keep() {
    if (!consumers.has(this.#socketId)) addConsumer(this.#socketId, this);
    const isOver = await call('getInfo', [this.#socketId]).then(
      ({ connected }) => !connected,
      () => false,
    );
    if (!isOver) this.#remove();
  }

  get isEmpty() {
    return this.#queue.length === 0;
  }

  /** @param {ArrayBuffer} data */
  push(data) {
    if (this.#use === 'released') {
      // A pause lets one piece through. With the second, or one behind the end, the application has
      // unpaused the socket itself, and its listeners have the bytes.
      this.#unasked += 1;
      if (this.#unasked > 1 || this.end !== undefined) {
        this.#remove();
        return;
      }
    }
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

  /** @param {number} [failure] */
  finish(failure) {
    this.end ??= { failure };
    this.wake();
    if (this.#use === 'taken') this.#remove();
    if (this.#use === 'released') void this.#keep();
  }

  /** @returns {Receiver['end']} The end of the connection, with which the iterator ends. */
  takeEnd() {
    this.#told = this.end !== undefined;
    return this.end;
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
    await IntrinsicPromise.all(
      [false, true].map((paused) => call('setPaused', [this.#socketId, paused])),
    );
  }

  /** Waits for data, the end or a wake-up. */
  async something() {
    const woken = new IntrinsicPromise((resolve) => (this.#wake = () => resolve(undefined)));
    if (this.#limit > 0) await this.pause(false);
    else await this.#readOnce();
    if (this.isEmpty && this.end === undefined) await woken;
  }

  #remove() {
    if (consumers.get(this.#socketId) === this) removeConsumer(this.#socketId);
  }
}

/**
 * Removes the receivers of closed sockets: one that was paused when it was closed has no end to tell.
 *
 * @param {{ socketId: number }[]} infos Of the sockets that there are.
 */
function sweep(infos) {
  const known = new Set(infos.map(({ socketId }) => socketId));
  for (const [socketId, consumer] of consumers) {
    if (consumer instanceof Receiver && !known.has(socketId)) removeConsumer(socketId);
  }
  sweepAt = Math.max(FIRST_SWEEP, 2 * consumers.size);
}

module.exports = { Receiver };
