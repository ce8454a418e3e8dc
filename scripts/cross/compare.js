'use strict';

/**
 * Builds a module a second time as another machine would: from a copy of the checkout at a path of
 * another length, with its own downloads of the tools and a copy of Cargo's registry, and nothing that is
 * built already. Both files must have the same bytes, and so must npm's tarballs of them.
 */

const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } = require('node:fs');
const path = require('node:path');

const {
  CARGO_HOME,
  FOLDER,
  ROOT,
  ToolError,
  copyCheckout,
  pythonTools,
  run,
} = require('./tools.js');
const { packNativeModules } = require('../packaging/packages.js');

const SECOND = path.join(FOLDER, 'second');

/** What Cargo reads in its folder. */
const OF_CARGO = ['config.toml', 'registry'];

/** @param {string[]} names of targets */
function buildAgain(names) {
  rmSync(SECOND, { recursive: true, force: true });
  const tree = path.join(SECOND, 'checkout');
  copyCheckout(tree);
  const home = path.join(SECOND, 'cargo');
  mkdirSync(home);
  for (const name of OF_CARGO.filter((entry) => existsSync(path.join(CARGO_HOME, entry)))) {
    cpSync(path.join(CARGO_HOME, name), path.join(home, name), { recursive: true });
  }
  const { status } = spawnSync(process.execPath, ['scripts/cross.js', ...names], {
    cwd: tree,
    stdio: 'inherit',
    env: { ...process.env, CARGO_HOME: home },
  });
  if (status !== 0) throw new ToolError('the second build failed');
  return tree;
}

/** @param {string} file @returns {Buffer} The tarball of the platform's package with this module. */
function packed(file) {
  const [{ tarball }] = packNativeModules([file], mkdtempSync(path.join(SECOND, 'tarball-')));
  return readFileSync(tarball);
}

/**
 * @param {string[]} names of targets
 * @param {(name: string) => string} artifact The file of a target that is built already.
 */
function compare(names, artifact) {
  const tree = buildAgain(names);
  const differences = names.flatMap((name) => {
    const first = artifact(name);
    const second = path.join(tree, path.relative(ROOT, first));
    const bytes = readFileSync(first);
    if (!bytes.equals(readFileSync(second))) {
      const python = path.join(pythonTools(), 'python');
      const found = run(python, [path.join(__dirname, 'differences.py'), first, second]);
      return [`${name}: two builds differ\n${found}`];
    }
    const sum = createHash('sha256').update(bytes).digest('hex');
    console.log(`${name}: both builds are the same ${bytes.length} bytes, SHA-256 ${sum}`);
    return packed(first).equals(packed(second)) ? [] : [`${name}: the tarballs differ`];
  });
  if (differences.length > 0) throw new ToolError(differences.join('\n').trimEnd());
  rmSync(SECOND, { recursive: true });
}

module.exports = { compare };
