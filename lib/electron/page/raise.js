'use strict';

/** In a page, what ../../raise.js is in Node. */

// Taken before any script of the page could replace it.
const { reportError } = /** @type {any} */ (globalThis);

/**
 * Raises what a callback or listener threw as an uncaught exception.
 *
 * @param {unknown} exception
 */
function raise(exception) {
  reportError(exception);
}

module.exports = { raise };
