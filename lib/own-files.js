'use strict';

/** Where the files stand that the code loads at run time: the native module and the preload script. */

const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const NAME = 'chrome-sockets-tcp';

/** The words for every error about a bundle. */
const ADVICE = `Mark ${NAME} as external in the configuration of the bundler`;

/**
 * @returns {{ folder: string, isBundle: boolean }} The folder of this package or, if this code was put
 *   into a bundle, the folder of the bundle.
 */
function ownFiles() {
  // An ES module has no such variable.
  if (typeof __dirname !== 'string') {
    throw new Error(`${NAME}: a bundle that is an ES module cannot load its files. ${ADVICE}.`);
  }
  const root = join(__dirname, '..');
  return isOurs(root) ? { folder: root, isBundle: false } : { folder: __dirname, isBundle: true };
}

/** @param {string} folder @returns {boolean} Whether it is the folder of this package. */
function isOurs(folder) {
  const manifest = join(folder, 'package.json');
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === NAME;
}

module.exports = { ADVICE, NAME, ownFiles };
