'use strict';

/**
 * With these the generated loader requires another file in place of the native module. It gets to see
 * none of them: this process loads the module that was installed or built, and no other.
 */
const OVERRIDES = ['NAPI_RS_NATIVE_LIBRARY_PATH', 'NAPI_RS_FORCE_WASI', 'NAPI_RS_WASI_FLAVOR'];

/**
 * Loads the native half.
 *
 * @returns {typeof import('../binding.js')}
 */
function loadBinding() {
  try {
    return withoutOverrides(() => require('../binding.js'));
  } catch (cause) {
    throw new Error(
      `chrome-sockets-tcp: no native module could be loaded for ${describePlatform()}: ` +
        explain(cause),
      { cause },
    );
  }
}

/**
 * @template T
 * @param {() => T} load
 * @returns {T}
 */
function withoutOverrides(load) {
  const set = OVERRIDES.filter((name) => process.env[name] !== undefined);
  const values = set.map((name) => process.env[name]);
  for (const name of set) delete process.env[name];
  try {
    return load();
  } finally {
    set.forEach((name, index) => (process.env[name] = values[index]));
  }
}

/** What the loader says of each place where there is no module. */
const NOT_FOUND = /^Cannot find (?:module|native binding)/;

/**
 * @param {any} error What the generated loader threw; its causes are what each attempt threw.
 * @returns {string} The reason, and what to do about it.
 */
function explain(error) {
  const messages = [];
  for (let cause = error; cause; cause = cause.cause) messages.push(String(cause.message));
  const reason = messages.find((message) => !NOT_FOUND.test(message));
  if (reason === undefined) {
    return (
      'it is not there. Installed from a registry: reinstall without --omit=optional, so that the ' +
      'package with the native module for this platform is fetched. In a checkout: install Rust ' +
      '(https://rustup.rs) and run `npm run build`.'
    );
  }
  if (!/addons is disabled/.test(reason)) return reason;
  return /** @type {any} */ (process).permission
    ? 'the permission model of Node.js denies native modules. Add --allow-addons.'
    : 'the option --no-addons of Node.js denies native modules. Remove it from the command line, ' +
        'NODE_OPTIONS or the execArgv of the worker.';
}

/**
 * @returns {string}
 */
function describePlatform() {
  const { platform, arch, version } = process;
  return `${platform} ${arch}${platform === 'linux' ? ` (${libc()})` : ''}, Node.js ${version}`;
}

/**
 * @returns {string}
 */
function libc() {
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (
    process.report.getReport()
  );
  return header.glibcVersionRuntime ? `glibc ${header.glibcVersionRuntime}` : 'musl';
}

module.exports = { loadBinding };
