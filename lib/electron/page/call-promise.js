'use strict';

/**
 * The promise of a call that was made without a callback. In a page nothing has to be done about one
 * that is rejected while nobody looks; see ../../call-promise.js.
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
