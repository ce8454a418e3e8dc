'use strict';

/** Runs the suites in another runtime, and compares the failures with those that are expected. */

const { spawn } = require('node:child_process');
const { existsSync, mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');

const ROOT = path.join(__dirname, '..');

/** The time limit of a suite and of the download of a runtime, in milliseconds. */
const TIME_LIMIT = 300_000;

/** The characters of a failing suite's stderr that an error shows. */
const MAX_COMPLAINT = 4000;

/**
 * @typedef {object} Result
 * @property {number} passed
 * @property {string[]} failed The names of the tests.
 * @property {Map<string, string>} [messages] The messages of the failed tests, by their names.
 * @property {number} [skipped]
 *
 * @typedef {object} Options
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [cwd]
 * @property {number} [limit] in milliseconds
 */

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Options} [options]
 * @returns {Promise<{ code: number | null, output: string, complaint: string }>} Its stdout and the
 *   end of its stderr; the code is null if it was killed.
 */
function run(command, args, { env = {}, cwd = ROOT, limit = TIME_LIMIT } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, so that its children do not survive the time limit.
      detached: true,
    });
    const timer = setTimeout(
      () => process.kill(-(/** @type {number} */ (child.pid)), 'SIGKILL'),
      limit,
    );
    let output = '';
    let complaint = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (complaint = (complaint + data).slice(-MAX_COMPLAINT)));
    child.on('error', () => {});
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output, complaint });
    });
  });
}

/**
 * @param {string[]} command
 * @param {string[]} [args] for jest
 * @param {Options} [options]
 * @returns {Promise<Result>}
 */
async function jestSuite([node, ...flags], args = [], options = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'chrome-sockets-tcp-runtimes-'));
  try {
    const file = path.join(folder, 'results.json');
    const jest = ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${file}`];
    const { code, complaint } = await run(node, [...flags, ...jest, ...args], options);
    if (!existsSync(file)) {
      const end = code === null ? 'exceeded its time' : `ended with ${code}`;
      throw new Error(`jest ${end}\n${complaint}`);
    }
    const { numPassedTests, numPendingTests, testResults } = JSON.parse(readFileSync(file, 'utf8'));
    const failed = [];
    const messages = new Map();
    for (const { name, status, assertionResults } of testResults) {
      const tests = assertionResults.filter((test) => test.status === 'failed');
      failed.push(...tests.map((test) => test.fullName));
      for (const test of tests) messages.set(test.fullName, test.failureMessages.join('\n'));
      if (status === 'failed' && tests.length === 0) failed.push(path.win32.basename(name));
    }
    return { passed: numPassedTests, failed, messages, skipped: numPendingTests };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {string[]} command
 * @param {string[]} [args] for the suite
 * @param {Options} [options]
 * @returns {Promise<Result>}
 */
async function conformanceSuite(command, args = [], options = {}) {
  const suite = ['conformance/replay.mjs', '--runtime', command.join(' ')];
  const { output } = await run(process.execPath, [...suite, ...args], options);
  const summary = /^(\d+) of \d+ scenarios are identical to Chromium, (\d+) of/m.exec(output);
  if (!summary) throw new Error('the suite did not finish');
  const failed = output.match(/^[a-z]+: .+$/gm) ?? [];
  return { passed: Number(summary[1]) + Number(summary[2]), failed };
}

/**
 * Why a test fails. With `sometimes`, the cause depends on the machine's state, and the test may pass.
 *
 * @typedef {string | { sometimes: string }} Cause
 */

/**
 * @param {string} name of the runtime
 * @param {Pick<Result, 'failed' | 'messages'>} result
 * @param {Record<string, Cause>} expected The causes, by the tests' names.
 */
function complaintsAbout(name, { failed, messages = new Map() }, expected) {
  const unexpected = failed.filter((test) => !(test in expected));
  return [
    ...unexpected.map((test) => `${name}: fails: ${test}\n${messages.get(test) ?? ''}`.trimEnd()),
    ...Object.entries(expected)
      .filter(([test, cause]) => typeof cause === 'string' && !failed.includes(test))
      .map(([test]) => `${name}: passes, although it was expected to fail: ${test}`),
  ];
}

module.exports = { complaintsAbout, conformanceSuite, jestSuite, run };
