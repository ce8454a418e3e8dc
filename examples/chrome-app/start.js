'use strict';

/** Starts main.js in the Electron that ELECTRON_PATH names or that is installed. */

const { spawnSync } = require('node:child_process');
const { join } = require('node:path');
const { electronPath, NO_ELECTRON } = require('../../support/electron.js');

const path = electronPath();
if (path === undefined) {
  console.error(NO_ELECTRON);
  process.exit(1);
}
const args = [join(__dirname, 'main.js'), ...process.argv.slice(2)];
const { status } = spawnSync(path, args, { stdio: 'inherit' });
process.exit(status ?? 1);
