'use strict';

/** Small sends of one tick, gathered so that native code is called, and writes, once for all. */

/** Larger sends are worth a call of their own. */
const SMALL = 8192;

/** What is gathered at most, in bytes and in sends. */
const MOST_BYTES = 64 * 1024;
const MOST_SENDS = 1024;

const resolved = Promise.resolve();
const { then } = Promise.prototype;

class Sends {
  #native;

  /** @type {Uint8Array | undefined} The bytes of all gathered sends. */
  #bytes;
  /** The socket and the length of each. */
  #headers = new Int32Array(2 * MOST_SENDS);

  /** The number of the first request; those of the others follow it without a gap. */
  #first = 0;
  #count = 0;
  #length = 0;
  #scheduled = false;

  /**
   * @param {import('./namespace.js').NativeHalf} native
   */
  constructor(native) {
    this.#native = native;
  }

  /**
   * Sends bytes, which are copied.
   *
   * @param {number} request
   * @param {number} socketId
   * @param {Uint8Array} bytes
   */
  send(request, socketId, bytes) {
    const { length } = bytes;
    if (length > SMALL) {
      this.flush();
      this.#native.send(request, socketId, bytes);
      return;
    }
    if (this.#length + length > MOST_BYTES || this.#count === MOST_SENDS) this.flush();
    if (this.#count === 0) this.#first = request;
    this.#bytes ??= new Uint8Array(MOST_BYTES);
    this.#bytes.set(bytes, this.#length);
    this.#headers[2 * this.#count] = socketId;
    this.#headers[2 * this.#count + 1] = length;
    this.#length += length;
    this.#count += 1;
    this.#schedule();
  }

  /** Gives native code what was gathered. Every other call does so first, to keep its place. */
  flush() {
    if (this.#count === 0 || this.#bytes === undefined) return;
    const count = this.#count;
    this.#count = 0;
    this.#length = 0;
    this.#native.sendGathered(this.#first, count, this.#headers, this.#bytes);
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Not queueMicrotask, which fake timers replace, nor whatever may have replaced `then`.
    Reflect.apply(then, resolved, [this.#flushScheduled]);
  }

  #flushScheduled = () => {
    this.#scheduled = false;
    this.flush();
  };
}

module.exports = { Sends };
