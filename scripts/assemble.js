'use strict';

/**
 * `npm run assemble`: makes the packages of a release from the native modules in artifacts/: those of
 * the platforms in npm/, and the package itself in the root, which must contain no native module. Only
 * the release workflow runs it. Its errors name missing and superfluous files.
 */

const { execFileSync } = require('node:child_process');
const { existsSync, readdirSync, readFileSync, rmSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const {
  exports: entryPoints,
  files,
  napi,
} = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

/** @param {string} command */
function runNapi(command) {
  const cli = path.join(path.dirname(require.resolve('@napi-rs/cli/package.json')), 'dist/cli.js');
  execFileSync(process.execPath, [cli, command], { cwd: root, stdio: 'inherit' });
}

const isNative = (/** @type {string} */ file) => file.endsWith('.node');

/** @param {any} entry Of `exports`. @returns {string[]} The files that it names. */
function filesOf(entry) {
  return typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(filesOf);
}

/** @param {string[]} folders of packages @returns {string[][]} The files that npm would publish of each. */
function contentsOf(folders) {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', ...folders];
  const shell = process.platform === 'win32';
  /** @type {{ files: { path: string }[] }[]} */
  const packed = JSON.parse(execFileSync('npm', args, { cwd: root, shell, encoding: 'utf8' }));
  return packed.map(({ files: found }) => found.map((file) => file.path));
}

runNapi('create-npm-dirs');
runNapi('artifacts');
// That has put a copy of each here, too.
for (const name of readdirSync(root).filter(isNative)) rmSync(path.join(root, name));
require('./preload.js');
// For checkouts only; npm warns of it. The workflow packs without scripts/pack.js.
execFileSync('npm', ['pkg', 'delete', 'scripts.prepare'], {
  cwd: root,
  shell: process.platform === 'win32',
});

const platforms = readdirSync(path.join(root, 'npm'));
if (platforms.length !== napi.targets.length) {
  throw new Error(`${napi.targets.length} targets, but packages for ${platforms}`);
}
const [published, ...others] = contentsOf(['.', ...platforms.map((name) => `./npm/${name}`)]);
platforms.forEach((platform, index) => {
  const expected = `${napi.binaryName}.${platform}.node`;
  if (others[index].filter(isNative).join() !== expected) {
    throw new Error(`npm/${platform} should hold ${expected}, and holds ${others[index]}`);
  }
});
const native = published.filter(isNative);
if (native.length > 0) throw new Error(`the package itself holds ${native}`);
const missing = [...files, ...filesOf(entryPoints)].filter((/** @type {string} */ file) => {
  return !file.includes('*') && !existsSync(path.join(root, file));
});
if (missing.length > 0) throw new Error(`the package lacks ${missing}`);
console.log(
  `assembled ${platforms.length} packages, and the package itself of ${published.length} files`,
);
