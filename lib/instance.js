'use strict';

/**
 * This instance of the module: its sockets, and what `configure()` has set for it. There is one in
 * each environment (the main thread, each worker), so that what one configures is nothing to others.
 */

const { loadBinding } = require('./binding.js');

const { TcpSockets, takeTrustWarnings } = loadBinding();

/**
 * @typedef {object} Settings
 * @property {import('./manifest.js').Permissions | undefined} permissions undefined: everything is
 *   allowed.
 */

/** @type {Settings} */
const settings = { permissions: undefined };

module.exports = { native: new TcpSockets(), settings, takeTrustWarnings };
