'use strict';

/**
 * The promise of a call that was made without a callback.
 *
 * A Chrome App leaves callbacks out where it does not care, as in `close(socketId)` on a socket
 * that is gone already, and at worst finds a message on the console. It must not find its process
 * ended by an unhandled rejection. So the rejection of a promise that nobody has looked at goes to
 * those who listen for unhandled rejections, and if there are none, to the console, in the words in
 * which Chromium reports the failure of a call without a callback.
 */

/**
 * The promises that somebody has looked at: `await`, `then` and everything else that takes a
 * promise's result begins with reading its constructor.
 *
 * @type {WeakSet<object>}
 */
const seen = new WeakSet();

/** In a renderer of Electron a rejection is the page's affair and ends nothing. */
const isRenderer = /** @type {any} */ (process).type === 'renderer';

const prototype = Object.create(Promise.prototype, {
  constructor: {
    get() {
      seen.add(this);
      return Promise;
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
    new Promise((resolve, reject) => {
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
      console.error(`Unchecked runtime.lastError: ${message}`);
    }
  }
}

module.exports = { CallPromise };
