'use strict';

/**
 * The promise of a call without a callback.
 *
 * A Chrome App leaves out callbacks that do not matter to it, as in `close(socketId)` on a socket
 * that may be gone. In Chrome the worst result is a message on the console; in Node an unhandled
 * rejection would end the process. The rejection of a promise that no code has looked at is
 * therefore delivered to `unhandledRejection` listeners if there are any, and is otherwise printed
 * in Chromium's words for a failed call without a callback.
 */

const { IntrinsicPromise } = require('../base/intrinsics.js');
const { reportUnchecked } = require('./last-error.js');

/**
 * The promises that some code has looked at. `await`, `then` and every other consumer first reads
 * the promise's constructor.
 *
 * @type {WeakSet<object>}
 */
const seen = new WeakSet();

/** In a renderer of Electron an unhandled rejection does not end the process. */
const isRenderer = /** @type {any} */ (process).type === 'renderer';

const prototype = Object.create(IntrinsicPromise.prototype, {
  constructor: {
    get() {
      seen.add(this);
      return IntrinsicPromise;
    },
    configurable: true,
  },
});

class CallPromise {
  /** @type {(value: unknown) => void} */
  resolve = () => {};

  /** @type {(error: Error) => void} */
  #reject = () => {};

  promise = Object.setPrototypeOf(
    new IntrinsicPromise((resolve, reject) => {
      this.resolve = resolve;
      this.#reject = reject;
    }),
    prototype,
  );

  /**
   * @param {string} message
   */
  reject(message) {
    const unseen = !seen.has(this.promise);
    this.#reject(new Error(message));
    if (unseen && !isRenderer && process.listenerCount('unhandledRejection') === 0) {
      this.promise.catch(() => {});
      reportUnchecked(message);
    }
  }
}

module.exports = { CallPromise };
