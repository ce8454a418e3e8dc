'use strict';

/**
 * Tests the native module of another platform on this machine: `npm run test:windows` (wine),
 * `npm run test:musl` and `npm run test:arm64` (qemu), after `npm run cross` has built it. Runs the
 * demo, the tarballs, the conformance suite and jest in the Node of that platform, and compares the
 * failures with scripts/expected-failures.json. Arguments after the platform choose steps: `load`,
 * `demo`, `tarballs`, `conformance`, `jest`; further ones are files for jest.
 */

const { copyFileSync, existsSync, mkdirSync, mkdtempSync } = require('node:fs');
const { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { closeSync, openSync } = require('node:fs');
const { spawnSync } = require('node:child_process');
const { tmpdir } = require('node:os');
const path = require('node:path');

const { TARGETS } = require('./cross/targets.js');
const { FOLDER, ROOT, ToolError, copyCheckout, once, run } = require('./cross/tools.js');
const { worlds } = require('./cross/worlds.js');
const { packNativeModules, packRoot } = require('./packaging/packages.js');
const { complaintsAbout, conformanceSuite, jestSuite } = require('./suites.js');
const EXPECTED = require('./expected-failures.json');

/** @typedef {import('./cross/worlds.js').World} World */

const STEPS = ['load', 'demo', 'tarballs', 'conformance', 'jest'];

/** The time limit of a suite in an emulator, in milliseconds. */
const TIME_LIMIT = 1_500_000;

/** Windows' sockets, timers and processes take longer under wine, all the more so under qemu. */
const JEST_TIMEOUT = '--testTimeout=60000';

/**
 * A copy of the checkout with the native module of the platform alone.
 *
 * @param {string} name
 * @param {World} world
 */
function prepare(name, { target, resolver }) {
  const { platform } = TARGETS[target];
  const file = `chrome-sockets-tcp.${platform}.node`;
  const built = path.join(ROOT, `artifacts/bindings-${target}`, file);
  if (!existsSync(built)) throw new ToolError(`${built} is missing: npm run cross -- ${target}`);
  const tree = path.join(FOLDER, `tree-${name}`);
  copyCheckout(tree);
  copyFileSync(built, path.join(tree, file));
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(tree, 'node_modules'));
  run(process.execPath, ['scripts/preload.js'], { cwd: tree });
  return { tree, built, resolverFile: jestResolver(resolver) };
}

/**
 * The native module that jest needs on that platform, by the lock file.
 *
 * @param {string} name
 * @returns {string} the file
 */
function jestResolver(name) {
  const key = `node_modules/@unrs/resolver-${name}`;
  const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'));
  const { version, integrity } = lock.packages[key];
  const resolver = once(`resolver-${name}-${version}`, (folder) => {
    const [pack] = JSON.parse(
      run('npm', [
        'pack',
        '--json',
        '--pack-destination',
        folder,
        `@unrs/resolver-${name}@${version}`,
      ]),
    );
    if (pack.integrity !== integrity) throw new ToolError(`${key} is not that of the lock file`);
    const archive = path.join(
      folder,
      readdirSync(folder).filter((file) => file.endsWith('.tgz'))[0],
    );
    run('tar', ['-xzf', archive, '-C', folder, '--strip-components=1']);
  });
  const [file] = readdirSync(resolver).filter((entry) => entry.endsWith('.node'));
  return path.join(resolver, file);
}

/**
 * Runs a program of that platform. Its output is a file, because Node under wine cannot write to a
 * pipe.
 *
 * @param {World} world
 * @param {string} cwd
 * @param {string[]} args
 * @returns {string} Its output.
 */
function execute({ command, env }, cwd, args) {
  const folder = mkdtempSync(path.join(tmpdir(), 'chrome-sockets-tcp-cross-'));
  const log = path.join(folder, 'log');
  const output = openSync(log, 'w');
  try {
    const { status, error } = spawnSync(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', output, output],
      timeout: 120_000,
    });
    const text = readFileSync(log, 'utf8');
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${error ?? status}\n${text}`);
    return text;
  } finally {
    closeSync(output);
    rmSync(folder, { recursive: true });
  }
}

const LOAD = `
const tcp = require(process.argv[1] ?? './index.js');
tcp.create({}, ({ socketId }) => tcp.close(socketId, () => console.log('works')));`;

const IMPORT = `
import tcp from 'chrome-sockets-tcp';
import { create, close } from 'chrome-sockets-tcp/promises';
await close((await create()).socketId);
console.log(typeof tcp.connect === 'function' ? 'works' : 'is not the namespace');
`;

/** @param {World} world @param {string} cwd @param {string[]} args */
function expectWorks(world, cwd, args) {
  const text = execute(world, cwd, args);
  if (text.trim() !== 'works') throw new Error(`${args.join(' ')} printed: ${text}`);
}

/**
 * Installs the tarballs as npm of that platform would, from a choice of several platforms' packages.
 *
 * @param {World} world
 * @param {string} built
 * @param {string} tree
 */
function tryTarballs(world, built, tree) {
  const scratch = mkdtempSync(path.join(tmpdir(), 'chrome-sockets-tcp-tarballs-'));
  try {
    const others = Object.entries(TARGETS).map(([name, { platform }]) =>
      path.join(ROOT, `artifacts/bindings-${name}/chrome-sockets-tcp.${platform}.node`),
    );
    const modules = others.filter((file) => existsSync(file));
    const natives = packNativeModules(modules, scratch);
    const main = packRoot({}, scratch);
    const project = path.join(scratch, 'project');
    mkdirSync(project);
    const manifest = {
      private: true,
      dependencies: { 'chrome-sockets-tcp': `file:${main}` },
      optionalDependencies: Object.fromEntries(
        natives.map(({ name, tarball }) => [name, `file:${tarball}`]),
      ),
    };
    writeFileSync(path.join(project, 'package.json'), JSON.stringify(manifest));
    const options = [
      '--offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ];
    run('npm', ['install', ...options, ...world.npm], { cwd: project });
    const folder = path.join(project, 'node_modules');
    const installed = readdirSync(folder).filter((name) => name.startsWith('chrome-sockets-tcp-'));
    const [, platform] = path.basename(built).split('.');
    if (installed.join() !== `chrome-sockets-tcp-${platform}`) {
      throw new Error(`npm installed ${installed} of ${natives.map(({ name }) => name)}`);
    }
    writeFileSync(path.join(project, 'import.mjs'), IMPORT);
    expectWorks(world, project, ['--eval', LOAD, 'chrome-sockets-tcp']);
    expectWorks(world, project, ['import.mjs']);
    execute(world, project, [path.join(tree, 'examples/demo/run.js'), project]);
    rmSync(path.join(folder, installed[0]), { recursive: true });
    const failing = `try { require('chrome-sockets-tcp'); } catch ({ message }) { console.log(message); }`;
    const message = execute(world, project, ['--eval', failing]);
    if (!message.includes(`its package ${installed[0]} is not installed`)) {
      throw new Error(`without its package, the error is: ${message}`);
    }
    console.log(`tarballs: npm chose ${installed[0]} of ${natives.length}; require, import, demo`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Runs jest, and once more the tests that the emulator itself has kept from running.
 *
 * @param {World} world
 * @param {string[]} args
 * @param {import('./suites.js').Options} options
 * @returns {Promise<import('./suites.js').Result>}
 */
async function jestWithRepeats({ command, emulatorError }, args, options) {
  const first = await jestSuite([command], args, options);
  const kept = first.failed.filter((test) => emulatorError?.test(first.messages?.get(test) ?? ''));
  if (kept.length === 0) return first;
  console.log(`repeated, because the emulator failed:\n${kept.join('\n')}`);
  const names = kept.map((test) => test.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = `--testNamePattern=^(${names.join('|')})$`;
  const second = await jestSuite([command], [...args, pattern], options);
  const haveRun = second.passed + second.failed.length === kept.length;
  const stillFailed = haveRun ? second.failed : kept;
  return {
    ...first,
    passed: first.passed + second.passed,
    failed: [...first.failed.filter((test) => !kept.includes(test)), ...stillFailed],
    messages: new Map([...(first.messages ?? []), ...(second.messages ?? [])]),
  };
}

/**
 * @param {string} name of the platform
 * @param {Promise<import('./suites.js').Result>} suite
 * @param {string} title
 * @param {boolean} partial Whether only some tests run.
 */
async function judge(name, suite, title, partial = false) {
  const began = Date.now();
  const { passed, failed, messages, skipped = 0 } = await suite;
  /** @type {Record<string, import('./suites.js').Cause>} */
  const expected = /** @type {any} */ (EXPECTED)[`${name}: ${title}`] ?? {};
  const known = failed.filter((test) => test in expected).length;
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(
    `${title}: ${passed} pass, ${failed.length - known} fail, ${known} fail as expected, ` +
      `${skipped} skipped, ${seconds} s`,
  );
  const ran = partial
    ? Object.fromEntries(Object.entries(expected).filter(([test]) => failed.includes(test)))
    : expected;
  return complaintsAbout(`${name}: ${title}`, { failed, messages }, ran);
}

async function main() {
  const [name, ...rest] = process.argv.slice(2);
  if (!(name in worlds)) throw new ToolError(`expected one of ${Object.keys(worlds).join(', ')}`);
  const world = worlds[/** @type {keyof typeof worlds} */ (name)]();
  const chosen = rest.filter((argument) => STEPS.includes(argument));
  const files = rest.filter((argument) => !STEPS.includes(argument));
  const steps = chosen.length > 0 ? chosen : STEPS;
  const { tree, built, resolverFile } = prepare(name, world);
  const complaints = [];
  if (steps.includes('load')) {
    expectWorks(world, tree, ['--eval', LOAD]);
    console.log(
      `load: ${execute(world, tree, ['-p', 'process.platform + " " + process.arch']).trim()}`,
    );
  }
  if (steps.includes('demo')) {
    const text = execute(world, tree, ['examples/demo/run.js']);
    console.log(`demo: ${text.trim().split('\n').length} lines`);
  }
  if (steps.includes('tarballs')) tryTarballs(world, built, tree);
  const env = { ...world.env, ELECTRON_PATH: '', NAPI_RS_NATIVE_LIBRARY_PATH: resolverFile };
  if (steps.includes('conformance')) {
    const args = world.bridge ? ['--bridge'] : [];
    const options = { cwd: tree, env, limit: TIME_LIMIT };
    complaints.push(
      ...(await judge(name, conformanceSuite([world.command], args, options), 'conformance')),
    );
  }
  if (steps.includes('jest')) {
    // The files come first: an option that takes a list would take them as well.
    const args = [JEST_TIMEOUT, '--runInBand', ...files, ...world.jest];
    const options = { cwd: tree, env, limit: TIME_LIMIT };
    const suite = jestWithRepeats(world, args, options);
    complaints.push(...(await judge(name, suite, 'jest', files.length > 0)));
  }
  if (complaints.length > 0) throw new ToolError(complaints.join('\n'));
}

main().catch((error) => {
  console.error(error instanceof ToolError ? error.message : error);
  process.exitCode = 1;
});
