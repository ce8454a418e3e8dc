'use strict';

const tcp = require('../index.js');
const { showLastErrorOn } = require('./last-error.js');
const { SocketError } = require('./socket-error.js');

/** An object of our own: what a script does to `chrome.runtime` does not matter here. */
const runtime = /** @type {{ lastError?: { message: string } }} */ (showLastErrorOn({}));

/**
 * Calls a method of the API.
 *
 * @param {string} method
 * @param {unknown[]} args Without the callback.
 * @returns {Promise<any>} What the callback is given; rejects with a SocketError where lastError is
 *   set, with a TypeError for wrong arguments.
 */
function call(method, args) {
  return new Promise((resolve, reject) => {
    const callback = (/** @type {any} */ value) => {
      const message = runtime.lastError?.message;
      if (message === undefined) {
        resolve(value);
        return;
      }
      const code = typeof value === 'object' ? value.resultCode : value;
      reject(new SocketError(method, code, message));
    };
    /** @type {any} */ (tcp)[method](...args, callback);
  });
}

module.exports = { call };
