'use strict';

/** The page's counterpart of ../../raise.js. */

// Taken before any script of the page could replace it.
const { reportError } = /** @type {any} */ (globalThis);

/**
 * Raises an exception of a callback or listener as an uncaught exception.
 *
 * @param {unknown} exception
 */
function raise(exception) {
  reportError(exception);
}

module.exports = { raise };
