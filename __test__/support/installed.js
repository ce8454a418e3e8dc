'use strict';

/** The package as npm installs it: without a native module, which is in a package of its own. */

const { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { ROOT } = require('./child.js');

/** @param {string} project The folder of a project, which gets a node_modules. */
function installInto(project) {
  const modules = join(project, 'node_modules');
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const native = readdirSync(ROOT).find((name) => name.endsWith('.node'));
  if (native === undefined) throw new Error('no native module was built');
  for (const name of ['package.json', ...manifest.files]) {
    if (name.includes('*')) continue;
    cpSync(join(ROOT, name), join(modules, manifest.name, name), { recursive: true });
  }
  const name = `${manifest.name}-${native.split('.')[1]}`;
  mkdirSync(join(modules, name));
  cpSync(join(ROOT, native), join(modules, name, native));
  writeFileSync(
    join(modules, name, 'package.json'),
    JSON.stringify({ name, version: manifest.version, main: native }),
  );
}

module.exports = { installInto };
