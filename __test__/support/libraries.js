'use strict';

/** The libraries of support/libraries, which are no development dependencies: ssh2 has an install script. */

const { join } = require('node:path');

const FOLDER = join(__dirname, '..', '..', 'support', 'libraries');

/** @param {string} name */
const resolveLibrary = (name) => require.resolve(name, { paths: [FOLDER] });

/** @param {string} name */
const loadLibrary = (name) => require(resolveLibrary(name));

module.exports = { FOLDER, loadLibrary, resolveLibrary };
