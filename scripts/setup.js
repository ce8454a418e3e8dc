'use strict';

/**
 * Makes a fresh checkout ready: installs the development dependencies if they are missing or not
 * those of the lock file, and builds the native module (cargo knows whether there is anything to
 * do). Uses nothing but Node and what comes with it, for there is nothing else yet.
 */

const { spawnSync } = require('node:child_process');
const { existsSync, statSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  console.log(`> ${command} ${args.join(' ')}`);
  // npm is a batch file on Windows, which only a shell can start.
  const shell = process.platform === 'win32';
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell });
  if (error || status !== 0) {
    console.error(`setup: ${command} ${args[0]} failed${error ? `: ${error.message}` : ''}`);
    process.exit(status || 1);
  }
}

function dependenciesAreInstalled() {
  const installed = path.join(root, 'node_modules', '.package-lock.json');
  const wanted = path.join(root, 'package-lock.json');
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs;
}

if (spawnSync('cargo', ['--version']).status !== 0) {
  console.error('setup: Rust is needed to build the native module: https://rustup.rs');
  process.exit(1);
}
if (!dependenciesAreInstalled()) run('npm', ['ci']);
run('npm', ['run', 'build']);
run('npm', ['run', 'build:preload']);
