'use strict';

/** Packs the package and the platforms' packages as they would be published. */

const { execFileSync } = require('node:child_process');
const { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } = require('node:fs');
const { rmSync, statSync, writeFileSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '../..');

/** npm is a batch file on Windows, which only a shell can start. */
const shell = process.platform === 'win32';

/** The scripts that npm runs when it installs the package from a registry. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];

/**
 * @param {string} cwd
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
function run(cwd, command, args, env = process.env) {
  const stdio = /** @type {const} */ (['ignore', 'pipe', 'inherit']);
  return execFileSync(command, args, { cwd, env, stdio, shell, encoding: 'utf8' });
}

/** @param {string} folder A package's. @param {string} scratch @returns {string} its tarball */
function pack(folder, scratch) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch];
  const [{ filename, unpackedSize }] = JSON.parse(run(folder, 'npm', args));
  const file = path.join(scratch, filename);
  const kibibytes = (/** @type {number} */ bytes) => `${Math.round(bytes / 1024)} KiB`;
  console.log(
    `${filename}: ${kibibytes(statSync(file).size)}, ${kibibytes(unpackedSize)} unpacked`,
  );
  return file;
}

/**
 * @param {string[]} modules Paths of native modules.
 * @param {string} scratch
 * @returns The platforms' packages, as `napi create-npm-dirs` makes them, with the modules in them.
 */
function packNativeModules(modules, scratch) {
  // The tool works inside one project only, so it gets one.
  const project = path.join(scratch, 'platforms');
  mkdirSync(project);
  copyFileSync(path.join(root, 'package.json'), path.join(project, 'package.json'));
  const cli = path.dirname(require.resolve('@napi-rs/cli/package.json'));
  run(project, process.execPath, [path.join(cli, 'dist', 'cli.js'), 'create-npm-dirs']);
  return modules.map((module) => {
    const [, platform] = path.basename(module).split('.');
    const folder = path.join(project, 'npm', platform);
    if (!existsSync(folder)) throw new Error(`package.json has no target for ${platform}`);
    copyFileSync(module, path.join(folder, path.basename(module)));
    const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    return { name, version, tarball: pack(folder, scratch) };
  });
}

/**
 * Packs the package itself, without a native module.
 *
 * @param {Record<string, string>} wishes its optional dependencies
 * @param {string} scratch
 */
function packRoot(wishes, scratch) {
  const whole = pack(root, scratch);
  run(scratch, 'tar', ['-xzf', path.basename(whole)]);
  rmSync(whole);
  const folder = path.join(scratch, 'package');
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.node')) rmSync(path.join(folder, name));
  }
  const file = path.join(folder, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  const scripts = Object.keys(manifest.scripts).filter((name) => INSTALL_SCRIPTS.includes(name));
  if (scripts.length > 0) throw new Error(`the package has the install scripts ${scripts}`);
  // npm compiles a package with this file when it installs it.
  if (existsSync(path.join(folder, 'binding.gyp'))) {
    throw new Error('the package has a binding.gyp');
  }
  if (manifest.dependencies) throw new Error('the package has dependencies');
  manifest.optionalDependencies = wishes;
  writeFileSync(file, JSON.stringify(manifest, null, 2));
  return pack(folder, scratch);
}

module.exports = { pack, packNativeModules, packRoot, root, run };
