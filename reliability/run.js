'use strict';

/**
 * `npm run reliability`: runs the suites beside this file, each in a process of its own, and prints
 * one table of their results. suite.d.ts describes a suite.
 */

const { fork } = require('node:child_process');
const { existsSync, mkdirSync, readdirSync, writeFileSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');
const { parseArgs } = require('node:util');
const { describeMachine } = require('../support/machine.js');

/**
 * @typedef {import('./suite.js').Row} Row
 * @typedef {import('./suite.js').Report} Report
 * @typedef {Row & { suite: string }} Line
 */

const USAGE = `npm run reliability -- [options]

  --long           run the long forms, which take hours in all
  --only A,B       run only these suites
  --parts A,B      run only these parts, in suites that have parts
  --seed N         seed of all random choices (default: a new one, which is printed)
  --suites FOLDER  folder of the suites (default: reliability)
  --out FILE       path of the JSON result (default: reliability/results/latest.json)`;

/** A suite is ended after this multiple of the time that it announces. */
const TIMEOUT_FACTOR = 2;

/** The time limit for the preparation of a suite, which precedes its own time limit. */
const PREPARATION_TIMEOUT_MS = 600_000;

/** @param {string} folder */
function suitesIn(folder) {
  const names = readdirSync(folder);
  return names.filter((name) => existsSync(join(folder, name, 'suite.js'))).sort();
}

/**
 * Ends a suite and all processes of its group.
 *
 * @param {import('node:child_process').ChildProcess} child
 */
function end(child) {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The processes have already ended.
  }
}

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.once(signal, () => {
    for (const child of running) end(child);
    process.kill(process.pid, signal);
  });
}

/**
 * @param {string} path of the suite's folder
 * @param {string} name
 * @param {{ long: boolean, seed: number, parts?: string[] }} options
 * @returns {Promise<Row[]>} If the suite fails to finish, one row with the reason.
 */
function runSuite(path, name, options) {
  return new Promise((fulfil) => {
    const child = fork(join(__dirname, 'suite-process.js'), [path, JSON.stringify(options)], {
      execArgv: ['--expose-gc'],
      detached: process.platform !== 'win32',
    });
    running.add(child);
    /** @type {Row[] | undefined} */
    let rows;
    let trouble = '';
    let timer = setTimeout(giveUp, PREPARATION_TIMEOUT_MS, 'is not prepared in time');
    /** @param {string} why */
    function giveUp(why) {
      trouble = why;
      end(child);
    }
    child.on('message', (/** @type {Report} */ report) => {
      if (report.begins) {
        const { title, seconds } = report.begins;
        process.stdout.write(`${name}: ${title}\n`);
        clearTimeout(timer);
        const limit = TIMEOUT_FACTOR * seconds;
        timer = setTimeout(giveUp, limit * 1000, `not done within ${limit} s`);
      }
      if (report.log) process.stdout.write(`  ${report.log}\n`);
      if (report.trouble) trouble = report.trouble;
      if (report.rows) rows = report.rows;
    });
    child.on('error', (error) => (trouble ||= String(error)));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      end(child);
      running.delete(child);
      if (rows && code === 0) fulfil(rows);
      else {
        fulfil([
          { what: 'the suite', figure: trouble || `ended with ${signal ?? code}`, ok: false },
        ]);
      }
    });
  });
}

/** @param {Row} row */
function verdict({ ok, leftOut }) {
  if (leftOut) return `left out: ${leftOut}`;
  return ok ? 'ok' : 'FAILED';
}

/** @param {Line[]} lines */
function table(lines) {
  const cells = lines.map((line) => [
    line.suite,
    line.what,
    line.figure,
    line.bound ?? '',
    verdict(line),
  ]);
  const all = [['suite', 'what', 'figure', 'bound', 'verdict'], ...cells];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map(
      (row) =>
        row
          .map((cell, column) => cell.padEnd(widths[column]))
          .join('  ')
          .trimEnd() + '\n',
    )
    .join('');
}

/** @param {string | undefined} list */
const words = (list) => list?.split(',').filter(Boolean);

/**
 * @param {any} values of the options
 * @returns {Promise<boolean>} whether every row passed
 */
async function run(values) {
  const folder = resolve(values.suites ?? __dirname);
  const all = suitesIn(folder);
  const chosen = words(values.only) ?? all;
  for (const name of chosen) {
    if (!all.includes(name)) throw new Error(`there is no suite ${name}, only ${all.join(', ')}`);
  }
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`${values.seed} is not a seed`);
  const options = { long: Boolean(values.long), seed, parts: words(values.parts) };
  process.stdout.write(`seed ${seed}\n`);

  /** @type {Line[]} */
  const lines = [];
  const begun = Date.now();
  for (const name of chosen) {
    const rows = await runSuite(join(folder, name), name, options);
    lines.push(...rows.map((row) => ({ suite: name, ...row })));
  }
  const seconds = Math.round((Date.now() - begun) / 1000);
  process.stdout.write(`\n${table(lines)}\n${seconds} s, seed ${seed}\n`);

  const out = resolve(values.out ?? join(__dirname, 'results', 'latest.json'));
  mkdirSync(dirname(out), { recursive: true });
  const result = { ...describeMachine(), ...options, seconds, rows: lines };
  writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`);
  return lines.length > 0 && lines.every(({ ok, leftOut }) => ok || leftOut);
}

async function main() {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' },
      long: { type: 'boolean' },
      only: { type: 'string' },
      parts: { type: 'string' },
      seed: { type: 'string' },
      suites: { type: 'string' },
      out: { type: 'string' },
    },
  });
  if (values.help) process.stdout.write(`${USAGE}\n`);
  else if (!(await run(values))) process.exitCode = 1;
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
