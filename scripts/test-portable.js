'use strict';

/**
 * `npm run test:portable`: the units beside the Rust code, with the readiness of macOS and Windows on
 * epoll. Only the module itself is compiled again.
 */

const { spawnSync } = require('node:child_process');
const path = require('node:path');

const root = path.join(__dirname, '..');
const build = ['rustc', '--locked', '--lib', '--profile', 'test', '--message-format', 'json'];
const portable = ['--', '--cfg', 'readiness="portable"'];

/** @param {string} command @param {string[]} args @param {import('node:child_process').StdioOptions} stdio */
function run(command, args, stdio) {
  const options = { cwd: root, stdio, maxBuffer: 64 * 1024 * 1024 };
  const { status, stdout, error } = spawnSync(command, args, options);
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
  return String(stdout);
}

const messages = run('cargo', [...build, ...portable], ['ignore', 'pipe', 'inherit']).trim();
const executables = messages
  .split('\n')
  .map((line) => JSON.parse(line))
  .filter(({ reason, executable }) => reason === 'compiler-artifact' && executable)
  .map(({ executable }) => executable);
if (executables.length !== 1) throw new Error(`${executables.length} programs with tests`);
run(executables[0], process.argv.slice(2), 'inherit');
