'use strict';

/**
 * Makes a fresh checkout ready: installs the development dependencies if they are missing or not
 * those of the lock file, and builds the native module (cargo knows whether there is anything to
 * do). Uses only Node's own modules, because no dependencies are installed yet.
 *
 * It is also the `prepare` script, which npm runs for `npm install` in a checkout or with the URL of
 * the repository, and never for packages from a registry. npm has installed the dependencies by then.
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

const { npm_lifecycle_event: event, npm_command: command = '' } = process.env;
const isPrepare = event === 'prepare';

// npm also prepares packages that it packs; scripts/pack.js does that already.
if (isPrepare && ['pack', 'publish'].includes(command)) process.exit();

if (spawnSync('cargo', ['--version']).status !== 0) {
  console.error('setup: Rust is needed to build the native module: https://rustup.rs');
  process.exit(1);
}
// Without scripts: no dependency needs one, and the own one is this.
if (!isPrepare && !dependenciesAreInstalled()) run('npm', ['ci', '--ignore-scripts']);
run('npm', ['run', 'build']);
run('npm', ['run', 'build:preload']);
run('npm', ['run', 'build:vendor']);
