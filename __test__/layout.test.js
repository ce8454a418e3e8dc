'use strict';

// The layout that ARCHITECTURE.md describes: entry points are façades over lib/, never the reverse.

const { execFileSync } = require('node:child_process');
const { readdirSync, readFileSync } = require('node:fs');
const { join, relative } = require('node:path');
const { ROOT } = require('./support/child.js');

/** @param {string} folder @returns {string[]} Its JavaScript files, with their paths in the project. */
const filesOf = (folder) =>
  readdirSync(join(ROOT, folder), { recursive: true })
    .map((file) => join(folder, String(file)))
    .filter((file) => /\.m?js$/.test(file));

/** @param {string} file @returns {string[]} The modules that it loads. Types in comments do not count. */
const importsOf = (file) =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\brequire\('([^']+)'\)|\bfrom '([^']+)'/g)]
    .map(([, required, imported]) => required ?? imported)
    .map((name) => (name.startsWith('.') ? relative(ROOT, join(ROOT, file, '..', name)) : name));

test('lib/ loads only files of lib/, Node and Electron', () => {
  const files = filesOf('lib');
  const imports = files.flatMap((file) => importsOf(file).map((name) => ({ file, name })));
  expect(imports.length).toBeGreaterThan(100);
  const others = imports.filter(
    ({ name }) => !name.startsWith(join('lib', '/')) && !/^(?:node:.+|electron)$/.test(name),
  );
  expect(others).toEqual([]);
});

/** Each folder of lib/ loads only files of itself and of the folders before it. */
const ROOMS = ['base', 'renderer', 'native', 'options', 'api', 'adapters', 'check', 'electron'];

test('the folders of lib/ have an import order', () => {
  const roomOf = (/** @type {string} */ file) => file.split(/[\\/]/)[1];
  const files = filesOf('lib');
  expect([...new Set(files.map(roomOf))].sort()).toEqual([...ROOMS].sort());
  const backwards = files.flatMap((file) =>
    importsOf(file)
      .filter((name) => name.startsWith(join('lib', '/')))
      .filter((name) => ROOMS.indexOf(roomOf(name)) > ROOMS.indexOf(roomOf(file)))
      .map((name) => ({ file, name })),
  );
  expect(backwards).toEqual([]);
});

test('the main process loads no file of lib/electron/page', () => {
  const page = join('lib', 'electron', 'page', '/');
  const files = filesOf(join('lib', 'electron')).filter((file) => !file.startsWith(page));
  const imports = files.flatMap((file) => importsOf(file).map((name) => ({ file, name })));
  expect(imports.length).toBeGreaterThan(20);
  expect(imports.filter(({ name }) => name.startsWith(page))).toEqual([]);
});

test('every entry point only loads its implementation', () => {
  for (const file of ['index.js', ...filesOf('entry')]) {
    const code = readFileSync(join(ROOT, file), 'utf8')
      .replace(/^\/\/.*\n/gm, '')
      // The names for Node's loader of ES modules.
      .replace(/^exports\.\w+ =\n(?: +exports\.\w+ =\n)+ +undefined;\n/m, '');
    expect([file, code]).toEqual([
      file,
      expect.stringMatching(
        /^(?:'use strict';\s+)?(?:module\.exports = )?(?:require\('[\w./-]+'\)|export \{ default \} from '\.\/runtime\.js');\n$/,
      ),
    ]);
    expect(importsOf(file)).toHaveLength(1);
  }
});

test('no file of lib/ has more than 450 lines', () => {
  const lengths = filesOf('lib').map((file) => ({
    file,
    lines: readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1,
  }));
  expect(lengths.length).toBeGreaterThan(50);
  expect(lengths.filter(({ lines }) => lines > 450)).toEqual([]);
});

test('the root has at most 40 tracked entries', () => {
  const tracked = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).split('\n');
  const entries = new Set(tracked.filter(Boolean).map((file) => file.split('/')[0]));
  expect(entries.size).toBeLessThanOrEqual(40);
});

/** Folders whose files must not load files of the tests. */
const SUITES = ['bench', 'conformance', 'examples', 'reliability', 'scripts', 'support'];

test('helpers that tests share with other suites are in support/', () => {
  const inFolder = (/** @type {string} */ name, /** @type {string} */ folder) =>
    name.startsWith(join(folder, '/'));
  const importsIn = (/** @type {string} */ folder) =>
    filesOf(folder)
      .filter((file) => !/node_modules|[\\/]target[\\/]/.test(file))
      .flatMap((file) => importsOf(file).map((name) => ({ file, name })));
  const suites = SUITES.flatMap(importsIn);
  expect(suites.length).toBeGreaterThan(500);
  expect(suites.filter(({ name }) => inFolder(name, '__test__'))).toEqual([]);

  // A test file may load the suite that it tests; its helpers may not.
  const helpers = importsIn(join('__test__', 'support'));
  const owned = ['bench', 'conformance', 'reliability'];
  expect(helpers.filter(({ name }) => owned.some((suite) => inFolder(name, suite)))).toEqual([]);
  for (const suite of owned) {
    const others = owned.filter((other) => other !== suite);
    const foreign = importsIn(suite).filter(({ name }) => others.some((o) => inFolder(name, o)));
    expect(foreign).toEqual([]);
  }
  const others = ['__test__', ...owned, 'examples'];
  expect(
    importsIn('support').filter(({ name }) => others.some((suite) => inFolder(name, suite))),
  ).toEqual([]);
});
