'use strict';

/** Batches the small sends of one tick, so that they cost one native call and one system call. */

const { neutralContext } = require('../base/context.js');
const { IntrinsicPromise } = require('../base/intrinsics.js');

/** Larger sends are not batched. */
const SMALL_SEND = 8192;

/** The limits of a batch, in bytes and in sends. */
const MAX_BYTES = 64 * 1024;
const MAX_SENDS = 1024;

/** Lives as long as the module, so it keeps no store of the code that loads the module. */
const resolved = neutralContext().runInAsyncScope(() => IntrinsicPromise.resolve());
const { then } = IntrinsicPromise.prototype;

class Sends {
  #native;

  /** @type {Uint8Array | undefined} The bytes of all batched sends. */
  #bytes;
  /** The socket and the length of each send. */
  #headers = new Int32Array(2 * MAX_SENDS);

  /** The number of the first request; the others follow without gaps. */
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
    if (length > SMALL_SEND) {
      this.flush();
      this.#native.send(request, socketId, bytes);
      return;
    }
    if (this.#length + length > MAX_BYTES || this.#count === MAX_SENDS) this.flush();
    if (this.#count === 0) this.#first = request;
    this.#bytes ??= new Uint8Array(MAX_BYTES);
    this.#bytes.set(bytes, this.#length);
    this.#headers[2 * this.#count] = socketId;
    this.#headers[2 * this.#count + 1] = length;
    this.#length += length;
    this.#count += 1;
    this.#schedule();
  }

  /**
   * Passes the batch to native code. Every other call does this first, to keep the order of calls.
   */
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
    if (this.#native.beforePost) {
      this.#native.beforePost(this.#flushScheduled);
      return;
    }
    // queueMicrotask and `then` may be replaced, for example by fake timers.
    Reflect.apply(then, resolved, [this.#flushScheduled]);
  }

  #flushScheduled = () => {
    this.#scheduled = false;
    this.flush();
  };
}

module.exports = { Sends };
