'use strict';

const { execFile } = require('node:child_process');
const { join } = require('node:path');

const ROOT = join(__dirname, '..', '..');

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
function runNode(args, { cwd = ROOT, timeout = 10_000, env = process.env } = {}) {
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
