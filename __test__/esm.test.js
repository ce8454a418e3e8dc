'use strict';

// ES modules can import by name whatever an entry point exports, so that no import which TypeScript
// accepts fails at run time (`npm run check:package` compares the types).

const { exports: entries, name } = require('../package.json');
const { runNode } = require('./support/child.js');

const importable = Object.keys(entries).filter(
  // Not modules for Node: a preload file, JSON, and one that needs Electron.
  (entry) => !/preload|json|electron|runtime/.test(entry),
);

const importAll = async (code) => {
  const { stdout, stderr } = await runNode(['--input-type=module', '--eval', code]);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
};

test.each(importable)('%s', async (entry) => {
  const specifier = JSON.stringify(name + entry.slice(1));
  const { named, required } = await importAll(`
    import { createRequire } from 'node:module';
    import * as module from ${specifier};
    const required = createRequire(import.meta.url)(${specifier});
    const named = Object.keys(module).filter((key) => module[key] === required[key]);
    console.log(JSON.stringify({ named, required: Object.keys(required) }));`);
  expect(named.sort()).toEqual(required.sort());
});

test('the methods work without the object that they come from', async () => {
  const codes = await importAll(`
    import { close, create, onReceive } from '${name}';
    import { ERR_CONNECTION_REFUSED } from '${name}/net-errors';
    const { socketId } = await create();
    await close(socketId);
    console.log(JSON.stringify([socketId, ERR_CONNECTION_REFUSED, onReceive.hasListeners()]));`);
  expect(codes).toEqual([1, -102, false]);
});

test('the object with lastError is a default export and the same as for require()', async () => {
  const result = await importAll(`
    import { createRequire } from 'node:module';
    import runtime, * as module from '${name}/runtime';
    const required = createRequire(import.meta.url)('${name}/runtime');
    console.log(JSON.stringify([runtime === required, Object.keys(module)]));`);
  expect(result).toEqual([true, ['default']]);
});

test('the Electron half exports by name', () => {
  const { readFileSync } = require('node:fs');
  const source = (/** @type {string} */ file) => readFileSync(require.resolve(file), 'utf8');
  expect(source('../entry/electron.js')).toMatch(
    /^module\.exports = require\('\.\.\/lib\/electron\/serve\.js'\);$/m,
  );
  expect(source('../lib/electron/serve.js')).toMatch(/^module\.exports = \{ serve, preload \};$/m);
});
