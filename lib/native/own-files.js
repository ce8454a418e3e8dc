'use strict';

/** Where the files stand that the code loads at run time: the native module and the preload script. */

const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const NAME = 'chrome-sockets-tcp';

/** The words for every error about a bundle. */
const ADVICE = `Mark ${NAME} as external in the configuration of the bundler`;

/**
 * @returns {{ folder: string, isBundle: boolean, version: string | undefined }} The folder of this
 *   package or, if this code was put into a bundle, the folder of the bundle, which does not tell the
 *   version.
 */
function ownFiles() {
  // An ES module has no such variable.
  if (typeof __dirname !== 'string') {
    throw new Error(`${NAME}: a bundle that is an ES module cannot load its files. ${ADVICE}.`);
  }
  const root = join(__dirname, '..', '..');
  const manifest = manifestOf(root);
  return manifest?.name === NAME
    ? { folder: root, isBundle: false, version: manifest.version }
    : { folder: __dirname, isBundle: true, version: undefined };
}

/**
 * @param {string} folder
 * @returns {{ name: string, version: string } | undefined}
 */
function manifestOf(folder) {
  const manifest = join(folder, 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')) : undefined;
}

/**
 * @param {string} name of a file that a script generates into `dist/`.
 * @returns {string} Its path; in a bundle, beside the bundle.
 */
function ownFile(name) {
  const { folder, isBundle } = ownFiles();
  return isBundle ? join(folder, name) : join(folder, 'dist', name);
}

module.exports = { ADVICE, NAME, ownFile, ownFiles };
