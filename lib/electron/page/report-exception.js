'use strict';

/** The page's counterpart of ../../renderer/report-exception.js. */

// Taken before any script of the page could replace it.
const { reportError } = /** @type {any} */ (globalThis);

/**
 * Raises an exception of a callback or listener as an uncaught exception.
 *
 * @param {unknown} exception
 */
function reportException(exception) {
  reportError(exception);
}

module.exports = { reportException };
