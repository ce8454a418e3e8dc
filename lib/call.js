'use strict';

const tcp = require('../index.js');
const { showLastErrorOn } = require('./last-error.js');
const { SocketError } = require('./socket-error.js');

/** An object of our own, so that scripts that change `chrome.runtime` have no effect here. */
const runtime = /** @type {{ lastError?: { message: string } }} */ (showLastErrorOn({}));

/**
 * Calls a method of the API.
 *
 * @param {string} method
 * @param {unknown[]} args Without the callback.
 * @returns {Promise<any>} The argument of the callback; rejects with a SocketError where lastError is set,
 *   and with a TypeError for invalid arguments.
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
