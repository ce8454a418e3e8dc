'use strict';

/** The table of bounds in SECURITY.md agrees with the sources. */

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { boundOf } = require('../support/bounds.js');
const { ROOT } = require('./support/child.js');

const UNITS = { KiB: 1024, MiB: 1024 * 1024 };

const text = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8');
const section = text.split('## Bounds\n')[1].split('\n## ')[0];
const ROW = /^\| (.+?) +\| `(.+)`, `(\w+)` +\| (\d+)(?: (KiB|MiB))?\b.*\|$/gm;
const rows = Array.from(section.matchAll(ROW), (match) => match.slice(1));

test('every row of the table names a constant and its value', () => {
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  expect(rows).toHaveLength(lines.length - 2);
});

test.each(rows)('%s: %s, %s, is %s %s', (_what, file, name, number, unit) => {
  expect(boundOf(file, name)).toBe(Number(number) * (UNITS[unit] ?? 1));
});
