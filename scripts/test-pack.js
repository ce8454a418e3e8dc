'use strict';

/**
 * Packs the package and the one with this platform's native module as they would be published, installs
 * both into an empty project, and runs the demo there, without Rust or a C compiler on the PATH. Then
 * tries the tarballs with other package managers and with bundlers. Needs a build; prints the sizes.
 */

const { execFileSync } = require('node:child_process');
const { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync } = require('node:fs');
const { readFileSync, rmSync, statSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { tryBundlers } = require('./packaging/bundlers.js');
const { tryManagers } = require('./packaging/managers.js');
const { installTools } = require('./packaging/tools.js');

const root = path.join(__dirname, '..');
const scratch = mkdtempSync(path.join(tmpdir(), 'chrome-sockets-tcp-pack-'));

/** npm is a batch file on Windows, which only a shell can start. */
const shell = process.platform === 'win32';

/** What npm would run when it installs the package from a registry. */
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

/** @param {string} folder A package's; gives the path of its tarball. */
function pack(folder) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch];
  const [{ filename, unpackedSize }] = JSON.parse(run(folder, 'npm', args));
  const file = path.join(scratch, filename);
  const kibibytes = (/** @type {number} */ bytes) => `${Math.round(bytes / 1024)} KiB`;
  console.log(
    `${filename}: ${kibibytes(statSync(file).size)}, ${kibibytes(unpackedSize)} unpacked`,
  );
  return file;
}

/** The platform's package, as `napi create-npm-dirs` makes it, with the native module in it. */
function packNativeModule() {
  const modules = readdirSync(root).filter((name) => name.endsWith('.node'));
  if (modules.length !== 1) throw new Error(`expected one native module, found ${modules.length}`);
  const [, platform] = modules[0].split('.');
  // The tool works inside one project only, so it gets one.
  const project = path.join(scratch, 'platforms');
  mkdirSync(project);
  copyFileSync(path.join(root, 'package.json'), path.join(project, 'package.json'));
  const cli = path.dirname(require.resolve('@napi-rs/cli/package.json'));
  run(project, process.execPath, [path.join(cli, 'dist', 'cli.js'), 'create-npm-dirs']);
  const folders = path.join(project, 'npm');
  const folder = path.join(folders, platform);
  if (!existsSync(folder)) throw new Error(`package.json has no target for ${platform}`);
  copyFileSync(path.join(root, modules[0]), path.join(folder, modules[0]));
  const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  return { name, version, tarball: pack(folder) };
}

/** The package itself, without a native module but with a wish for it. */
function packRoot(/** @type {{ name: string, version: string }} */ native) {
  const whole = pack(root);
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
  manifest.optionalDependencies = { [native.name]: native.version };
  writeFileSync(file, JSON.stringify(manifest, null, 2));
  return pack(folder);
}

async function main() {
  require('./preload.js');
  const native = packNativeModule();
  const tarball = packRoot(native);
  const project = path.join(scratch, 'project');
  mkdirSync(project);
  writeFileSync(path.join(project, 'package.json'), '{ "private": true }\n');
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error'];
  run(project, 'npm', ['install', ...quiet, tarball, native.tarball]);
  const installed = path.join(project, 'node_modules', 'chrome-sockets-tcp');
  const stray = readdirSync(installed).filter((name) => name.endsWith('.node'));
  if (stray.length > 0) throw new Error(`the package itself holds ${stray}`);

  const env = { ...process.env, PATH: path.dirname(process.execPath) };
  console.log(
    run(project, process.execPath, [path.join(root, 'examples', 'demo', 'run.js'), project], env),
  );

  installTools();
  tryManagers(scratch, { main: tarball, native });
  await tryBundlers(project);
}

void main().finally(() => rmSync(scratch, { recursive: true, force: true }));
