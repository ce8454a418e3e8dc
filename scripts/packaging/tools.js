'use strict';

/** The package managers and bundlers that the packed package is tried with. */

const { execFileSync } = require('node:child_process');
const { existsSync, readFileSync, statSync } = require('node:fs');
const { join } = require('node:path');

const FOLDER = join(__dirname, '..', '..', 'support', 'packaging');
const MODULES = join(FOLDER, 'node_modules');

/** npm is a batch file on Windows, which only a shell can start. */
const shell = process.platform === 'win32';

/**
 * Installs the packages of a lock file unless they are installed.
 *
 * @param {string} [folder]
 */
function installTools(folder = FOLDER) {
  const installed = join(folder, 'node_modules', '.package-lock.json');
  const wanted = join(folder, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error'];
  execFileSync('npm', args, { cwd: folder, stdio: 'inherit', shell });
}

/**
 * @param {string} name of a package
 * @param {string[]} path of a file in it
 */
const fileOf = (name, ...path) => join(MODULES, name, ...path);

/** @param {string} name of a package */
const versionOf = (name) => JSON.parse(readFileSync(fileOf(name, 'package.json'), 'utf8')).version;

/** Loads a tool in this process. @param {string} name */
const load = (name) => require(require.resolve(name, { paths: [FOLDER] }));

/**
 * Runs Node.
 *
 * @param {string} cwd
 * @param {string[]} args
 * @returns {string} Its output.
 */
function runNode(cwd, args) {
  try {
    const stdio = /** @type {const} */ (['ignore', 'pipe', 'pipe']);
    const options = /** @type {const} */ ({ cwd, stdio, encoding: 'utf8', timeout: 120_000 });
    return execFileSync(process.execPath, args, options);
  } catch (/** @type {any} */ error) {
    throw new Error(`node ${args.join(' ')} failed:\n${error.stdout}${error.stderr}`, {
      cause: error,
    });
  }
}

module.exports = { fileOf, installTools, load, runNode, versionOf };
