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
 * @property {TlsChoices} tls What native code was given, from which another configuration goes on.
 *
 * @typedef {{ where: string, certificate: import('node:crypto').X509Certificate }[]} Certificates
 *
 * @typedef {object} TlsChoices
 * @property {Certificates} ca
 * @property {{ chain: Certificates, key: Uint8Array } | undefined} identity
 * @property {string | undefined} keyLog
 */

/** @type {Settings} */
const settings = {
  permissions: undefined,
  tls: { ca: [], identity: undefined, keyLog: undefined },
};

module.exports = { native: new TcpSockets(), settings, takeTrustWarnings };
