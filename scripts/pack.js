'use strict';

/**
 * `npm pack` runs this before (`prepack`) and after (`postpack`): a tarball holds a native module and
 * the preload file and the vendored parser, and has no `prepare`, which is for checkouts and of which
 * npm warns its users.
 */

const { spawnSync } = require('node:child_process');
const { readdirSync, readFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const manifest = path.join(root, 'package.json');

const BEFORE = '    "setup": "node scripts/setup.js",\n';
const PREPARE = '    "prepare": "node scripts/setup.js",\n';

/** @param {(text: string) => string} change */
function editManifest(change) {
  writeFileSync(manifest, change(readFileSync(manifest, 'utf8')));
}

if (process.env.npm_lifecycle_event === 'postpack') {
  editManifest((text) => text.replace(PREPARE, '').replace(BEFORE, BEFORE + PREPARE));
  process.exit();
}

if (!readdirSync(root).some((file) => file.endsWith('.node'))) {
  console.error('pack: there is no native module yet, so it is built first');
  // npm's output about the tarball stays the only output.
  const stdio = /** @type {import('node:child_process').StdioOptions} */ (['ignore', 2, 2]);
  const { status } = spawnSync(process.execPath, [path.join(__dirname, 'setup.js')], { stdio });
  if (status !== 0) {
    console.error('pack: no tarball without a native module');
    process.exit(status || 1);
  }
}
require('./preload.js');
require('./vendor.js');
editManifest((text) => text.replace(PREPARE, ''));
