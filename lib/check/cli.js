#!/usr/bin/env node
'use strict';

/** `npx chrome-sockets-tcp check DIR`. */

const { statSync } = require('node:fs');
const { resolve } = require('node:path');
const { parseArgs } = require('node:util');
const { escaped, fileProblem } = require('../base/shown.js');
const { check } = require('./check.js');
const { format } = require('./format.js');

const HELP = `Usage: npx chrome-sockets-tcp check [--json] [--all] [DIR]

Reads the manifest and the sources of a Chrome App, an NW.js app or a library in DIR (default: the
current folder) and lists each API of Chrome that they use, with file and line: provided by
chrome-sockets-tcp; available in Electron, Node or the Web; or nowhere. Runs none of the code.
node_modules is not read.

  --json   prints the report as JSON
  --all    lists every use instead of the first four of each API
  --help   prints this text

Exit codes: 0  every API is provided or can be replaced
            1  an API is available nowhere
            2  wrong arguments, or an application that could not be read whole
`;

/**
 * @param {string[]} args
 * @returns {number} The exit code.
 */
function main(args) {
  /** @type {any} */
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        all: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (/** @type {any} */ { message }) {
    return complain(escaped(message));
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [command, folder = '.', ...rest] = positionals;
  if (command === undefined) return complain('expected the command check');
  if (command !== 'check') return complain(`unknown command ${escaped(command)}, expected check`);
  if (rest.length > 0) return complain('expected one folder');
  const root = resolve(folder);
  try {
    if (!statSync(root).isDirectory()) return complain(`${escaped(folder)} is not a folder`);
    const report = check(root);
    process.stdout.write(
      values.json ? `${JSON.stringify(report, null, 2)}\n` : format(report, Boolean(values.all)),
    );
    if (!report.isComplete) return 2;
    return report.apis.some(({ where }) => where === 'nowhere') ? 1 : 0;
  } catch (/** @type {any} */ error) {
    if (typeof error?.code !== 'string') throw error;
    return complain(`${escaped(folder)} cannot be read (${fileProblem(error)})`);
  }
}

/** @param {string} problem */
function complain(problem) {
  process.stderr.write(`chrome-sockets-tcp: ${problem}. --help shows the usage.\n`);
  return 2;
}

process.exitCode = main(process.argv.slice(2));
