'use strict';

/**
 * A socket table and its configuration. The module has one instance per environment (the main
 * thread, each worker) and one per application of Electron pages, so that configurations are
 * independent.
 */

const { loadBinding } = require('./binding.js');
const { createNative } = require('./pump.js');

const { takeTrustWarnings } = loadBinding();

/**
 * @typedef {object} Settings
 * @property {import('../options/manifest.js').Permissions | undefined} permissions undefined without a manifest.
 * @property {number | undefined} manifestVersion Set apart from a manifest.
 * @property {TlsChoices} tls The settings of native code, from which the next configuration starts.
 *
 * @typedef {{ where: string, certificate: import('node:crypto').X509Certificate }[]} Certificates
 *
 * @typedef {object} TlsChoices
 * @property {Certificates} ca
 * @property {{ chain: Certificates, key: import('node:crypto').KeyObject, where: string } | undefined}
 *   identity `where` names the key in errors.
 * @property {{ path: string, where: string } | undefined} keyLog
 */

/**
 * @typedef {{ native: ReturnType<typeof createNative>, settings: Settings }} Instance
 *
 * @returns {Instance}
 */
function createInstance() {
  return {
    native: createNative(),
    settings: {
      permissions: undefined,
      manifestVersion: undefined,
      tls: { ca: [], identity: undefined, keyLog: undefined },
    },
  };
}

/**
 * Whether a call without a callback returns a promise: not to an app of Manifest V2, where Chromium
 * gave promises to no extension (extensions/renderer/native_extension_bindings_system.cc).
 *
 * @param {Settings} settings
 * @returns {boolean}
 */
function returnsPromises({ manifestVersion, permissions }) {
  return (manifestVersion ?? permissions?.manifestVersion) !== 2;
}

/** Warns once about problems with the trust store, which the first handshake loads. */
function warnOfTrust() {
  for (const warning of takeTrustWarnings()) process.emitWarning(warning);
}

module.exports = { instance: createInstance(), createInstance, returnsPromises, warnOfTrust };
