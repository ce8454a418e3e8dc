'use strict';

/**
 * `npm run sanitize -- asan|tsan|miri|loom|valgrind`: the tests under sanitizers. Each builds in a
 * directory of its own under target/. The first three need features of nightly Rust, which
 * RUSTC_BOOTSTRAP enables in stable Rust.
 */

const { spawnSync } = require('node:child_process');
const { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const TARGET = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`;

/**
 * Tests without sockets and without cryptography in C, which Miri lacks, that take less than a
 * minute there.
 */
const PURE = [
  'copy::',
  'event::',
  'budget::',
  'busy_poll::',
  'net_error::',
  'framing::',
  'resolver::',
  'write_queue::',
  'policy::records::',
  'handshake::tests::a_host_is',
  'handshake::tests::tls_versions',
  'ready::tests::',
  'trust::tests::a_store_that_could_not',
  'verifier::certificate::tests::sequences',
  'verifier::certificate::tests::times',
  'verifier::names::',
  'verifier::modpow::tests::the_numbers',
  'verifier::modpow::tests::invalid_operands',
  'verifier::legacy_rsa::tests::a_key_with_exponent',
];

/**
 * `Arc<Cell<*mut dyn FnOnce()>>::new`, mangled. For each object, napi-rs keeps its finalizer in a
 * map of the thread. Where process.exit() or an uncaught exception ends the main thread, Node runs
 * no finalizers, and the map is freed before LeakSanitizer looks. There is no leak in a running
 * process, or when a worker ends. Not a suppression of LeakSanitizer's: looking names up for it
 * would make each end of a process slower than tests allow.
 */
const ENDS_OF_OBJECTS =
  / _R\w+5alloc4sync\w+3ArcI\w+4core4cell4CellO\w+3ops8function6FnOnceu\w+3new/;

/**
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env] Added to the current environment.
 * @returns {boolean} Whether it has succeeded.
 */
function run(command, args, env = {}) {
  console.log(`> ${command} ${args.join(' ')}`);
  const options = { cwd: root, env: { ...process.env, ...env } };
  const { status, error } = spawnSync(command, args, { ...options, stdio: 'inherit' });
  if (error) console.error(String(error));
  return status === 0;
}

/**
 * An empty directory for builds and reports.
 *
 * @param {string} name
 */
function reportsIn(name) {
  const directory = path.join(root, 'target', name, 'reports');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

/**
 * @param {string} directory
 * @param {(finding: string) => boolean} [concerns] Whether a finding is one of ours.
 * @returns {boolean} Whether no process has reported anything.
 */
function isQuiet(directory, concerns = () => true) {
  const texts = readdirSync(directory).map((name) =>
    readFileSync(path.join(directory, name), 'utf8'),
  );
  const findings = texts.flatMap((text) => text.split(/\n\n+/)).filter(concerns);
  for (const finding of findings) console.error(finding);
  return findings.length === 0;
}

/** @type {Record<string, (more: string[]) => boolean>} */
const kinds = {
  /** The JavaScript suite with an instrumented addon: invalid addresses and leaks. */
  asan(more) {
    const target = path.join(root, 'target', 'asan');
    const built = run('cargo', ['build', '--release', '--locked', '--target', TARGET], {
      CARGO_TARGET_DIR: target,
      RUSTC_BOOTSTRAP: '1',
      RUSTFLAGS: '-Zsanitizer=address -Cforce-frame-pointers=yes',
      CARGO_PROFILE_RELEASE_LTO: 'off',
      CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
      CARGO_PROFILE_RELEASE_DEBUG: '1',
      CARGO_PROFILE_RELEASE_STRIP: 'none',
    });
    if (!built) return false;
    const addon = path.join(target, 'chrome-sockets-tcp.node');
    copyFileSync(path.join(target, TARGET, 'release', 'libchrome_sockets_tcp.so'), addon);
    const library = spawnSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
    const reports = reportsIn('asan');
    const jest = require.resolve('jest/bin/jest');
    // Jest gives its worker processes half a second to end, and the search for leaks comes first.
    const leftOut = '--testPathIgnorePatterns=/jest[.]test[.]js$';
    const args = [jest, leftOut, '--runInBand', '--testTimeout=60000', ...more];
    const passed = run(process.execPath, args, {
      SANITIZED_ADDON: addon,
      NODE_OPTIONS: `--require=${path.join(__dirname, 'sanitize-addon.js')}`,
      LD_PRELOAD: library.stdout.trim(),
      // Leaks end no process with a code of their own: Node's would.
      ASAN_OPTIONS: `abort_on_error=1:exitcode=0:log_path=${path.join(reports, 'report')}`,
    });
    // Node, its OpenSSL and jest's resolver have leaks of their own, and V8 has them below our calls, too.
    const isOurs = (/** @type {string} */ text) =>
      text.includes('ERROR: AddressSanitizer') ||
      (/chrome_sockets_tcp|chrome-sockets-tcp\.node/.test(text.split(' v8::', 1)[0]) &&
        !ENDS_OF_OBJECTS.test(text));
    return isQuiet(reports, isOurs) && passed;
  },

  /**
   * The units beside the Rust code: data races. The standard library has to be built, too. Servers of
   * the tests run until the process ends.
   */
  tsan(more) {
    const reports = reportsIn('tsan');
    const args = ['test', '--locked', '-Zbuild-std', '--target', TARGET, '--lib', ...more];
    const passed = run('cargo', args, {
      CARGO_TARGET_DIR: path.join(root, 'target', 'tsan'),
      RUSTC_BOOTSTRAP: '1',
      RUSTFLAGS: '-Zsanitizer=thread',
      TSAN_OPTIONS: `report_thread_leaks=0:suppressions=${path.join(__dirname, 'sanitize-races.txt')}:log_path=${path.join(reports, 'report')}`,
    });
    return isQuiet(reports) && passed;
  },

  /**
   * Unit tests of pure code: undefined behaviour. Needs
   * `rustup +nightly component add miri rust-src`.
   */
  miri: (more) =>
    run('cargo', ['+nightly', 'miri', 'test', '--locked', '--lib', '--', ...PURE, ...more], {
      CARGO_TARGET_DIR: path.join(root, 'target', 'miri'),
    }),

  /** All thread interleavings of the hand-written concurrency. */
  loom: (more) =>
    run('cargo', ['test', '--locked', '--manifest-path', 'loom/Cargo.toml', ...more], {
      CARGO_TARGET_DIR: path.join(root, 'target', 'loom'),
      RUSTFLAGS: '--cfg loom',
    }),

  /** The demo in a Node without JIT compilation, for code that is not instrumented. */
  valgrind(more) {
    const reports = reportsIn('valgrind');
    const args = [
      '--quiet',
      '--trace-children=yes',
      '--error-exitcode=1',
      `--log-file=${path.join(reports, 'report.%p')}`,
      ...more,
      process.execPath,
      '--jitless',
      path.join(root, 'examples', 'demo', 'run.js'),
    ];
    const passed = run('valgrind', args, { NODE_OPTIONS: '--jitless' });
    // It writes a file for each process, which is empty without a finding.
    for (const report of readdirSync(reports)) {
      const file = path.join(reports, report);
      if (readFileSync(file).length === 0) rmSync(file);
    }
    return isQuiet(reports) && passed;
  },
};

const [kind, ...more] = process.argv.slice(2);
if (!Object.hasOwn(kinds, kind ?? '')) {
  console.error(`sanitize: expected one of ${Object.keys(kinds).join(', ')}`);
  process.exit(2);
}
const clean = kinds[kind](more);
console.log(`${kind}: ${clean ? 'no finding' : 'FAILED'}`);
process.exit(clean ? 0 : 1);
