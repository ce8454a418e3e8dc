'use strict';

/**
 * The module in every runtime it is for: `npm run test:runtimes [-- name…]` runs the whole jest suite
 * in the Nodes that are supported, the conformance suite in everything else, prints one table, and
 * fails if anything fails that is not expected to, or passes that is. Runtimes come from the registry,
 * through npx; Electron from ELECTRON_PATH or the package `electron`.
 */

const path = require('node:path');
const { BUN_ARGUMENTS } = require('../support/bun.js');
const { complaintsAbout, conformanceSuite, jestSuite, run } = require('./suites.js');

const EXPECTED = require('./expected-failures.json');

/**
 * @typedef {object} Runtime
 * @property {string} name
 * @property {string[]} [npx] The arguments with which npx prints the path of the runtime.
 * @property {string[]} [flags] The flags before the path of a script.
 * @property {typeof jestSuite | typeof conformanceSuite} suite
 */

const NODE_PATH = ['-p', 'process.execPath'];

/** @type {Runtime[]} */
const RUNTIMES = [
  ...[18, 20, 22, 24, 26].map((version) => ({
    name: `Node ${version}`,
    npx: [`node@${version}`, ...NODE_PATH],
    suite: jestSuite,
  })),
  // The oldest that works. jest does not any more, there.
  { name: 'Node 16', npx: ['node@16', ...NODE_PATH], suite: conformanceSuite },
  { name: 'Electron', suite: conformanceSuite },
  { name: 'Bun', npx: BUN_ARGUMENTS, suite: conformanceSuite },
  {
    name: 'Deno',
    npx: ['deno', 'eval', 'console.log(Deno.execPath())'],
    flags: ['run', '--allow-all'],
    suite: conformanceSuite,
  },
];

/**
 * @param {Runtime} runtime
 * @returns {Promise<string[]>} The command that runs a script in it.
 */
async function find({ name, npx, flags = [] }) {
  if (npx) {
    const { code, output } = await run('npx', ['-y', ...npx]);
    if (code !== 0) throw new Error(`npx cannot fetch ${npx[0]}`);
    return [output.trim(), ...flags];
  }
  if (process.env.ELECTRON_PATH) return [process.env.ELECTRON_PATH];
  try {
    return [require('electron')];
  } catch {
    throw new Error(`no ${name} here; set ELECTRON_PATH`);
  }
}

/**
 * @param {string[]} command
 */
async function versionOf([command]) {
  const script = 'process.versions.electron || process.versions.bun || process.version';
  const isDeno = path.basename(command).startsWith('deno');
  const args = isDeno ? ['--version'] : ['-p', script];
  const { output } = await run(command, args, { env: { ELECTRON_RUN_AS_NODE: '1' } });
  return /\d+(\.\d+)+/.exec(output)?.[0] ?? '?';
}

/**
 * @param {Runtime} runtime
 * @returns {Promise<{ row: string[], complaints: string[] }>}
 */
async function examine(runtime) {
  const { name, suite } = runtime;
  const began = Date.now();
  let command;
  try {
    command = await find(runtime);
  } catch (error) {
    const reason = /** @type {Error} */ (error).message;
    // Electron's package is a download of its own that not everybody has.
    const complaints = runtime.npx ? [`${name}: ${reason}`] : [];
    return { row: [name, '', '', '', `skipped: ${reason}`], complaints };
  }
  const version = await versionOf(command);
  /** @type {Record<string, import('./suites.js').Cause>} */
  const expected = EXPECTED[name] ?? EXPECTED[`${name} ${version.split('.')[0]}`] ?? {};
  try {
    const result = await suite(command);
    const { passed, failed } = result;
    const complaints = complaintsAbout(name, result, expected);
    const took = `${Math.round((Date.now() - began) / 1000)} s`;
    const known = failed.filter((test) => test in expected).length;
    const failures = `${failed.length - known} (and ${known} expected)`;
    const suiteName = suite === jestSuite ? 'jest' : 'conformance';
    return { row: [name, version, suiteName, String(passed), failures, took], complaints };
  } catch (error) {
    const reason = /** @type {Error} */ (error).message;
    return { row: [name, version, '', '', reason], complaints: [`${name}: ${reason}`] };
  }
}

async function main() {
  const wanted = process.argv.slice(2);
  const rows = [['runtime', 'version', 'suite', 'pass', 'fail', 'time']];
  const complaints = [];
  for (const runtime of RUNTIMES) {
    if (wanted.length > 0 && !wanted.includes(runtime.name)) continue;
    const result = await examine(runtime);
    rows.push(result.row);
    complaints.push(...result.complaints);
    console.log(result.row.join(', '));
  }
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (/** @type {string[]} */ row) =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  console.log(`\n${rows.map(line).join('\n')}\n`);
  for (const [name, failures] of Object.entries(EXPECTED)) {
    for (const [test, reason] of Object.entries(failures)) {
      const ran = rows.some(([runtime]) => name.startsWith(runtime));
      if (ran) console.log(`${name}: ${test}\n    ${reason}`);
    }
  }
  if (complaints.length > 0) {
    console.error(`\n${complaints.join('\n')}`);
    process.exitCode = 1;
  }
}

void main();
