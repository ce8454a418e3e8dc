'use strict';

/**
 * Loads the native module. In a checkout it stands beside package.json; npm installs it as a package of
 * its own, an optional dependency for this platform. A bundler may copy it beside its bundle.
 *
 * The loader that napi-rs generates is not used: environment variables make it load any file, and
 * bundlers follow its requires of every platform's package.
 */

const { existsSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join } = require('node:path');
const { neutralContext } = require('../base/context.js');
const { bindings } = require('./copies.js');
const { ADVICE, NAME, ownFiles } = require('./own-files.js');

/** The platforms whose module this process may be able to load. @returns {string[]} */
function platforms() {
  const { platform, arch } = process;
  switch (platform) {
    case 'darwin':
      return ['darwin-universal', `darwin-${arch}`];
    case 'win32':
      return [`win32-${arch}-msvc`, `win32-${arch}-gnu`];
    case 'linux':
      return [`linux-${arch}-gnu`, `linux-${arch}-musl`];
    default:
      return [`${platform}-${arch}`];
  }
}

/** The package that npm installs here. @returns {string} */
function packageOfPlatform() {
  const fitting = platforms().filter((platform) => {
    if (process.platform === 'linux') return platform.endsWith(isMusl() ? 'musl' : 'gnu');
    return platform.startsWith('win32')
      ? platform.endsWith('msvc')
      : !platform.endsWith('universal');
  });
  return `${NAME}-${fitting[0]}`;
}

/**
 * Loads the native module.
 *
 * @returns {typeof import('../../binding.js')}
 */
function loadBinding() {
  try {
    // The module makes handles of its own, which keep the context in which it is loaded.
    return neutralContext().runInAsyncScope(loadOnce);
  } catch (/** @type {any} */ cause) {
    throw new Error(
      `chrome-sockets-tcp: no native module could be loaded for ${describePlatform()}: ` +
        explain(cause),
      { cause },
    );
  }
}

/**
 * Loads the native module, unless another copy of this version has: each file that is loaded counts its
 * sockets from 1, and the ids of two copies would be the same.
 *
 * @returns {typeof import('../../binding.js')}
 */
function loadOnce() {
  const { folder, isBundle, version } = ownFiles();
  const key = version ?? `the bundle in ${folder}`;
  const known = bindings.get(key);
  if (known) return known.binding;
  const binding = load(folder, isBundle);
  for (const [other, { folder: place }] of bindings) {
    process.emitWarning(
      `${NAME} is loaded from ${place} (${other}) and from ${folder} (${key}). ` +
        'Sockets of the two may have the same ids.',
    );
  }
  bindings.set(key, { binding, folder });
  return binding;
}

/**
 * @param {string} folder
 * @param {boolean} isBundle
 * @returns {typeof import('../../binding.js')}
 */
function load(folder, isBundle) {
  // Bundlers leave this alone, so that the module is loaded from the disk at run time.
  const requireFromDisk = createRequire(join(folder, 'binding.js'));
  const found = platforms().flatMap((platform) => {
    const file = join(folder, `${NAME}.${platform}.node`);
    return existsSync(file) ? [file] : resolveIn(requireFromDisk, `${NAME}-${platform}`);
  });
  if (found.length === 0) throw new NotFound(isBundle ? folder : undefined);
  // npm installs the package of the right C library only; other installers may install both.
  const fits = (/** @type {string} */ file) => /[.-]musl\b/.test(file) === isMusl();
  const [first] = found.length > 1 && process.platform === 'linux' ? found.filter(fits) : found;
  return requireFromDisk(first);
}

/**
 * @param {NodeJS.Require} requireFromDisk
 * @param {string} name of a package
 * @returns {string[]} Its main file; none if it is not installed.
 */
function resolveIn(requireFromDisk, name) {
  try {
    return [requireFromDisk.resolve(name)];
  } catch {
    return [];
  }
}

/** No file and no package has the native module. */
class NotFound extends Error {
  /** @param {string | undefined} bundle The folder of the bundle, if there is one. */
  constructor(bundle) {
    super(
      bundle === undefined
        ? `its package ${packageOfPlatform()} is not installed. From a registry: reinstall without ` +
            '--omit=optional, which leaves it out, on the platform where it runs. In a checkout: install ' +
            'Rust (https://rustup.rs) and run `npm run build`.'
        : `the bundle in ${bundle} does not contain it. ${ADVICE}, or copy the file ${NAME}.*.node of its ` +
            'package beside the bundle.',
    );
  }
}

/**
 * @param {Error} error
 * @returns {string} The reason, and a remedy if one is known.
 */
function explain({ message }) {
  // Windows ends its reasons with CRLF, and Node adds the file on the next line.
  if (!/addons is disabled/.test(message)) return message.trim().replace(/\s*[\r\n]+\s*/g, ' ');
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
  const libc = platform === 'linux' ? ` (${isMusl() ? 'musl' : glibcVersion()})` : '';
  return `${platform} ${arch}${libc}, Node.js ${version}`;
}

/** @returns {string | undefined} The version of glibc, if this process uses it. */
function glibcVersion() {
  const report = /** @type {any} */ (process.report);
  const { excludeNetwork } = report;
  // Otherwise the report looks up the names of all connected addresses.
  report.excludeNetwork = true;
  const { glibcVersionRuntime: version } = report.getReport().header;
  report.excludeNetwork = excludeNetwork;
  return version && `glibc ${version}`;
}

const isMusl = () => glibcVersion() === undefined;

module.exports = { loadBinding };
