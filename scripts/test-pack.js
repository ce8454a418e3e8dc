'use strict';

/**
 * Packs the package and the one with this platform's native module as they would be published, installs
 * both into an empty project, and runs the demo there, without Rust or a C compiler on the PATH. Then
 * tries the tarballs with other package managers and with bundlers. Needs a build; prints the sizes.
 */

const { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { tryBundlers } = require('./packaging/bundlers.js');
const { tryManagers } = require('./packaging/managers.js');
const { packNativeModules, packRoot, root, run } = require('./packaging/packages.js');
const { installTools } = require('./packaging/tools.js');

const scratch = mkdtempSync(path.join(tmpdir(), 'chrome-sockets-tcp-pack-'));

async function main() {
  require('./preload.js');
  const modules = readdirSync(root).filter((name) => name.endsWith('.node'));
  if (modules.length !== 1) throw new Error(`expected one native module, found ${modules.length}`);
  const [native] = packNativeModules([path.join(root, modules[0])], scratch);
  const tarball = packRoot({ [native.name]: native.version }, scratch);
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
