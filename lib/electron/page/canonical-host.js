'use strict';

/** Permissions apply to what the application has written, so the main process makes it canonical. */
const canonicalHost = (/** @type {string} */ host) => host;

module.exports = { canonicalHost };
