'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { ROOT } = require('./support/child.js');

/** @param {string} folder @returns {[string, string][]} The packages of its lock file, with their versions. */
const lockedIn = (folder) => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, folder, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).map(([path, { version }]) => [
    path.replace(/^node_modules\//, ''),
    version,
  ]);
};

/** The packages that are named with a version. */
const text = readFileSync(join(ROOT, 'docs', 'tried.md'), 'utf8');
const rows = [...text.matchAll(/^\| `(@?[^@`]+)@([^`]+)` /gm)].map(([, ...row]) => row);

test('docs/tried.md has the versions of the lock files', () => {
  expect(rows.length).toBeGreaterThan(20);
  const folders = ['support/packaging', 'support/libraries', '.'];
  const locked = Object.fromEntries(folders.flatMap(lockedIn));
  for (const [name, version] of rows) expect([name, version]).toEqual([name, locked[name]]);
});

test('docs/tried.md has every library and tool of the slow tests', () => {
  const listed = rows.map(([name]) => name);
  for (const folder of ['libraries', 'packaging']) {
    const file = join(ROOT, 'support', folder, 'package.json');
    const { dependencies } = JSON.parse(readFileSync(file, 'utf8'));
    const names = Object.keys(dependencies).filter((name) => !name.startsWith('@rollup/'));
    expect(listed).toEqual(expect.arrayContaining(names));
  }
});
