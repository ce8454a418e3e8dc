'use strict';

/**
 * The promise of a call without a callback. In a page an unhandled rejection ends no process, so it
 * needs no special treatment; see ../../call-promise.js.
 */
class CallPromise {
  /** @type {(value: unknown) => void} */
  resolve = () => {};

  /** @type {(error: Error) => void} */
  #reject = () => {};

  promise = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.#reject = reject;
  });

  /**
   * @param {string} message
   */
  reject(message) {
    this.#reject(new Error(message));
  }
}

module.exports = { CallPromise };
