'use strict';

const { execFile } = require('node:child_process');
const { join } = require('node:path');

const ROOT = join(__dirname, '..', '..');

/** Windows starts programs more slowly, and wine needs seconds for each. */
const TIMEOUT = process.platform === 'win32' ? 60_000 : 10_000;

/**
 * Runs code in a Node of its own, in the package's folder.
 *
 * @param {string[]} args For node.
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {number} [options.timeout] Milliseconds after which the process is killed; its code is
 *   then null.
 * @returns {Promise<{ code: number | null, stdout: string, stderr: string }>}
 */
function runNode(args, { cwd = ROOT, timeout = TIMEOUT, env = process.env } = {}) {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      args,
      { cwd, env, timeout },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

module.exports = { ROOT, runNode };
