'use strict';

/**
 * `npm run test:checkout`: a clone of the last commit builds by `npm install`, and a project that
 * names the repository as its dependency gets a module that works. Takes as long as two builds.
 */

const { execFileSync } = require('node:child_process');
const { mkdirSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const root = path.join(__dirname, '..');
const scratch = mkdtempSync(path.join(tmpdir(), 'chrome-sockets-tcp-checkout-'));

/** npm is a batch file on Windows, which only a shell can start. */
const shell = process.platform === 'win32';

// npm's variables for scripts must not reach another project. Both builds share the compiled
// crates.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_')),
);
env.CARGO_TARGET_DIR ??= path.join(root, 'target');

/**
 * @param {string} cwd
 * @param {string} command
 * @param {string[]} args
 */
function run(cwd, command, args) {
  console.log(`> ${command} ${args.join(' ')}`);
  execFileSync(command, args, { cwd, env, shell, stdio: 'inherit' });
}

/** @param {string} folder A project's in which the module can be required. */
function answers(folder) {
  const code = `const tcp = require('chrome-sockets-tcp');
    tcp.create().then(({ socketId }) => tcp.close(socketId)).then(() => console.log('it answers'));`;
  const output = execFileSync(process.execPath, ['--eval', code], { cwd: folder, env }).toString();
  if (output !== 'it answers\n') throw new Error(`the module in ${folder} says: ${output}`);
  console.log(`${path.basename(folder)}: ${output}`);
}

const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];

try {
  const clone = path.join(scratch, 'clone');
  run(scratch, 'git', ['clone', '--quiet', '--depth', '1', pathToFileURL(root).href, clone]);
  run(clone, 'npm', ['install', ...quiet]);
  answers(clone);

  const project = path.join(scratch, 'project');
  mkdirSync(project);
  writeFileSync(path.join(project, 'package.json'), '{ "private": true }\n');
  run(project, 'npm', ['install', ...quiet, `git+${pathToFileURL(clone)}`]);
  answers(project);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
