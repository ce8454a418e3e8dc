'use strict';

/**
 * The layers of src/: a module imports only from layers below its own, and no modules import each
 * other. No file is too long.
 */

const { readFileSync, readdirSync } = require('node:fs');
const { join, sep } = require('node:path');
const { ROOT } = require('./support/child.js');

/** From the bottom up. ARCHITECTURE.md has the same list. */
const LAYERS = [
  ['copy', 'event', 'health', 'ids', 'net_error', 'ready', 'sync'],
  ['runtime'],
  ['wake'],
  ['net'],
  ['tls'],
  ['transport'],
  ['socket'],
  ['table'],
  ['binding'],
  ['lib'],
];

/** The most lines of a source file without its tests. */
const MAX_LINES = 450;

/** Modules of the tests, which may import everything. */
const TESTS = /(^|::)(tests|testing|fuzzing)(::|$)/;

/** Every source file but those of tests: its module (`tls::trust`) → its text up to its tests. */
const modules = new Map(
  readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.rs'))
    .map((file) => /** @type {const} */ ([moduleOf(file), withoutTests(file)]))
    .filter(([module]) => !TESTS.test(module)),
);

/** @param {string} file */
function moduleOf(file) {
  return file
    .replace(/(?:[\\/]mod)?\.rs$/, '')
    .split(sep)
    .join('::');
}

/** @param {string} file */
function withoutTests(file) {
  const text = readFileSync(join(ROOT, 'src', file), 'utf8');
  return text.split(/^#\[cfg\(.*\btest\b.*\)\]\n(?:#.*\n)*mod tests\b/m)[0];
}

/**
 * The paths of a use declaration: `a::{b, c::{self, D}}` has `a::b`, `a::c` and `a::c::D`.
 *
 * @param {string} tree
 * @returns {string[]}
 */
function paths(tree) {
  const [, prefix = '', list] = /^([\w:]*?)(?:::)?\{(.*)\}$/.exec(tree) ?? [];
  if (list === undefined) return [tree.replace(/(::)?\b(self|\*)$/, '')];
  const within = list.match(/(?:[^,{}]|\{(?:[^{}]|\{[^{}]*\})*\})+/g) ?? [];
  return within.flatMap((part) => paths(part)).map((path) => `${prefix}::${path}`);
}

/**
 * The modules that a module imports, by their own names.
 *
 * @param {string} module
 * @returns {string[]}
 */
function imports(module) {
  const code = String(modules.get(module)).replace(/^\s*\/\/.*$|\(in [\w:]+\)/gm, '');
  const uses = Array.from(code.matchAll(/^\s*(?:pub\(\w+\) )?use ((?:crate|super|self)::[^;]*);/gm))
    .map((match) => match[1].replaceAll(/\s/g, ''))
    .flatMap((tree) => paths(tree));
  const named = Array.from(code.matchAll(/\b(?:crate|super)(?:::\w+)+/g), ([path]) => path);
  const children = Array.from(code.matchAll(/^(?:pub(?:\(\w+\))? )?mod (\w+);/gm), (m) => m[1]);
  const calls = children.filter((child) => new RegExp(`(?<![:\\w])${child}::`).test(code));
  const own = module === 'lib' ? [] : module.split('::');
  const absolute = [...uses, ...named, ...calls.map((child) => `self::${child}`)].map((path) => {
    let parts = path.split('::').filter(Boolean);
    let base = /** @type {string[]} */ ([]);
    if (parts[0] === 'self') base = own;
    for (let up = own; parts[0] === 'super'; parts = parts.slice(1)) base = up = up.slice(0, -1);
    return [...base, ...parts.filter((part) => part !== 'crate' && part !== 'self')];
  });
  const found = absolute.map((parts) => {
    while (parts.length > 0 && !modules.has(parts.join('::'))) parts.pop();
    return parts.join('::') || 'lib';
  });
  return [...new Set(found)].filter((other) => other !== module);
}

/** @param {string} module */
function layerOf(module) {
  return LAYERS.findIndex((names) => names.includes(module.split('::')[0]));
}

test('every module belongs to a layer', () => {
  expect([...modules.keys()].filter((module) => layerOf(module) === -1)).toEqual([]);
  expect(modules.size).toBeGreaterThan(40);
});

test('a module imports only from its own layer and those below it', () => {
  const upward = [...modules.keys()].flatMap((module) =>
    imports(module)
      .filter((other) => layerOf(other) > layerOf(module))
      .map((other) => `${module} imports ${other}`),
  );
  expect(upward).toEqual([]);
});

test('no modules import each other', () => {
  const remaining = new Map([...modules.keys()].map((module) => [module, imports(module)]));
  for (let before = -1; before !== remaining.size;) {
    before = remaining.size;
    for (const [module, others] of remaining) {
      if (!others.some((other) => remaining.has(other))) remaining.delete(module);
    }
  }
  expect([...remaining.keys()]).toEqual([]);
});

test('every source file has at most its permitted number of lines', () => {
  const long = [...modules]
    .filter(([, text]) => text.split('\n').length > MAX_LINES)
    .map(([module]) => module);
  expect(long).toEqual([]);
});
