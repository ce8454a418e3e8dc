'use strict';

/**
 * Loads the native half.
 *
 * @returns {typeof import('../binding.js')}
 */
function loadBinding() {
  try {
    return require('../binding.js');
  } catch (cause) {
    throw new Error(
      `chrome-sockets-tcp: no native module could be loaded for ${describePlatform()}. ` +
        'Installed from a registry: reinstall without --omit=optional, so that the package with ' +
        'the native module for this platform is fetched. In a checkout: install Rust ' +
        '(https://rustup.rs) and run `npm run build`.',
      { cause },
    );
  }
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
