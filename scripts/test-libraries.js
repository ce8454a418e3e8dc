'use strict';

/**
 * The package with clients of protocols and in test runners (support/libraries), which are no
 * development dependencies: one of them compiles code when it is installed. Arguments go to jest.
 */

const { spawnSync } = require('node:child_process');
const { join } = require('node:path');
const { installTools } = require('./packaging/tools.js');

const ROOT = join(__dirname, '..');

installTools(join(ROOT, 'support', 'libraries'));
const jest = require.resolve('jest/bin/jest');
const args = ['--testMatch', '<rootDir>/__test__/libraries/*.slow.js', ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, [jest, ...args], { cwd: ROOT, stdio: 'inherit' });
process.exitCode = status ?? 1;
