'use strict';

/**
 * Writes dist/electron-preload.js: the page's code and the code that installs it, in one file,
 * because a sandboxed preload file cannot require files of this package. `npm run setup` and `npm
 * pack` run it.
 */

const { mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { dirname, join, relative } = require('node:path');

const ROOT = join(__dirname, '..');
const LIB = join(ROOT, 'lib');
const RENDERER = join(LIB, 'renderer');
const PAGE = join(LIB, 'electron', 'page');

/** The modules that need Node, and their replacements in a page. */
const IN_A_PAGE = {
  [join(RENDERER, 'report-exception.js')]: join(PAGE, 'report-exception.js'),
  [join(LIB, 'base', 'context.js')]: join(PAGE, 'context.js'),
  [join(RENDERER, 'call-promise.js')]: join(PAGE, 'call-promise.js'),
  [join(RENDERER, 'canonical-host.js')]: join(PAGE, 'canonical-host.js'),
};

/**
 * @param {string} entry
 * @returns {string} An expression that gives the exports of the module and has no dependency.
 */
function bundle(entry) {
  const modules = new Map();
  const include = (/** @type {string} */ file) => {
    if (!modules.has(file)) {
      modules.set(file, '');
      const source = readFileSync(file, 'utf8');
      modules.set(
        file,
        source.replace(/\brequire\('([^']+)'\)/g, (_call, request) => {
          const found = request.startsWith('.') ? join(dirname(file), request) : request;
          const used = IN_A_PAGE[found] ?? found;
          if (used.startsWith('node:')) throw new Error(`${file}: a page has no ${used}`);
          return `require('${include(used)}')`;
        }),
      );
    }
    return nameOf(file);
  };
  const first = include(entry);
  const functions = [...modules].map(
    ([file, source]) => `'${nameOf(file)}'(module, exports, require) {\n${source}}`,
  );
  return `(() => {
const modules = {\n${functions.join(',\n')}\n};
const loaded = {};
const require = (name) => {
  if (!loaded[name]) {
    loaded[name] = { exports: {} };
    modules[name](loaded[name], loaded[name].exports, require);
  }
  return loaded[name].exports;
};
return require('${first}');
})()`;
}

/**
 * @param {string} file
 * @returns {string}
 */
function nameOf(file) {
  return relative(ROOT, file).replaceAll('\\', '/');
}

const preload = readFileSync(join(LIB, 'electron', 'preload.js'), 'utf8').replace(
  "'the code of a page'",
  () => JSON.stringify(bundle(join(PAGE, 'main.js'))),
);
mkdirSync(join(ROOT, 'dist'), { recursive: true });
writeFileSync(join(ROOT, 'dist', 'electron-preload.js'), preload);
