'use strict';

/**
 * Permissions apply to the host as the application wrote it, so the main process canonicalizes it.
 */
const canonicalHost = (/** @type {string} */ host) => host;

module.exports = { canonicalHost };
