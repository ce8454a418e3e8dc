'use strict';

/**
 * Bundles a program that uses the package, with the package external and with it in the bundle, and
 * runs the result. docs/bundlers.md shows the same configurations.
 */

const { copyFileSync, mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { load, runNode, versionOf } = require('./tools.js');

const PROGRAM = `
import tcp from 'chrome-sockets-tcp';
import { close, create } from 'chrome-sockets-tcp/promises';
tcp.create({}, ({ socketId }) => tcp.close(socketId, async () => {
  await close((await create()).socketId);
  console.log('works');
}));
`;

/** An Electron main process with a fake of the Electron API that it uses. */
const MAIN_PROCESS = `
import { serve } from 'chrome-sockets-tcp/electron';
let preloads = [];
const session = {
  getPreloads: () => preloads,
  setPreloads: (files) => (preloads = files),
};
serve({ session, manifest: { sockets: { tcp: { connect: '*' } } } }).close();
console.log(preloads.length === 1 ? 'works' : 'has registered no preload file');
`;

const FAKE_ELECTRON = `module.exports = {
  ipcMain: { on() {} },
  webContents: { getAllWebContents: () => [] },
};`;

/** The error of a bundle that cannot find its files says how to configure the bundler. */
const ADVICE = /Mark chrome-sockets-tcp as external/;

const NEEDS_EXTERNAL = 'says that the package must be external';

/**
 * @typedef {object} Job
 * @property {string} entry The program, which may import Electron.
 * @property {string} folder of the bundle
 * @property {boolean} external
 *
 * @typedef {object} Bundler
 * @property {string} name
 * @property {string} tool
 * @property {'cjs' | 'esm'} format of the bundle
 * @property {boolean} [externalOnly] It cannot put CommonJS packages into such a bundle.
 * @property {(job: Job) => Promise<string>} bundle Returns the file of the bundle.
 */

const OWN = /^chrome-sockets-tcp(?:\/|$)/;

/** @param {'cjs' | 'esm'} format @returns {Bundler['bundle']} */
const esbuild =
  (format) =>
  async ({ entry, folder, external }) => {
    const outfile = join(folder, format === 'cjs' ? 'main.cjs' : 'main.mjs');
    await load('esbuild').build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      format,
      platform: 'node',
      external: external ? ['chrome-sockets-tcp', 'electron'] : ['electron'],
      logLevel: 'error',
    });
    return outfile;
  };

/** @type {Bundler['bundle']} */
function webpack({ entry, folder, external }) {
  const outside = (/** @type {any} */ { request }, /** @type {any} */ callback) =>
    request === 'electron' || (external && OWN.test(request))
      ? callback(null, `commonjs ${request}`)
      : callback();
  const configuration = {
    entry,
    mode: 'production',
    target: 'node',
    externals: [outside],
    output: { path: folder, filename: 'main.cjs' },
  };
  return new Promise((resolve, reject) => {
    load('webpack')(configuration, (/** @type {any} */ error, /** @type {any} */ stats) => {
      const { errors = [], warnings = [] } = stats?.toJson() ?? {};
      const [problem] = [error, ...errors, ...warnings].filter(Boolean);
      if (problem) reject(new Error(`webpack: ${problem.message}`));
      else resolve(join(folder, 'main.cjs'));
    });
  });
}

/** @param {'cjs' | 'esm'} format @returns {Bundler['bundle']} */
const rollup =
  (format) =>
  async ({ entry, folder, external }) => {
    const file = join(folder, format === 'cjs' ? 'main.cjs' : 'main.mjs');
    const bundle = await load('rollup').rollup({
      input: entry,
      external: external ? [OWN, 'electron'] : ['electron'],
      plugins: [
        load('@rollup/plugin-node-resolve')({ preferBuiltins: true }),
        load('@rollup/plugin-commonjs')(),
      ],
      // Node's own modules stay outside of the bundle.
      onwarn() {},
    });
    await bundle.write({ file, format });
    await bundle.close();
    return file;
  };

/** @param {'cjs' | 'esm'} format @returns {Bundler['bundle']} */
const vite =
  (format) =>
  async ({ entry, folder, external }) => {
    const file = format === 'cjs' ? 'main.cjs' : 'main.mjs';
    await load('vite').build({
      root: folder,
      logLevel: 'error',
      ssr: external
        ? { external: ['chrome-sockets-tcp', 'electron'] }
        : { noExternal: true, external: ['electron'] },
      build: {
        ssr: entry,
        outDir: folder,
        emptyOutDir: false,
        rollupOptions: { output: { format, entryFileNames: file } },
      },
    });
    return join(folder, file);
  };

/** @type {Bundler[]} */
const BUNDLERS = [
  { name: 'esbuild', tool: 'esbuild', format: 'cjs', bundle: esbuild('cjs') },
  { name: 'esbuild', tool: 'esbuild', format: 'esm', bundle: esbuild('esm'), externalOnly: true },
  { name: 'webpack', tool: 'webpack', format: 'cjs', bundle: webpack },
  { name: 'Rollup', tool: 'rollup', format: 'cjs', bundle: rollup('cjs') },
  { name: 'Rollup', tool: 'rollup', format: 'esm', bundle: rollup('esm') },
  { name: 'Vite', tool: 'vite', format: 'cjs', bundle: vite('cjs') },
  { name: 'Vite', tool: 'vite', format: 'esm', bundle: vite('esm') },
];

/** @param {string} folder @param {string} file @returns {string} Its output or {@link NEEDS_EXTERNAL}. */
function resultOf(folder, file) {
  try {
    return runNode(folder, [file]).trim();
  } catch (/** @type {any} */ error) {
    if (!ADVICE.test(error.message)) throw error;
    return NEEDS_EXTERNAL;
  }
}

/**
 * @param {string} project A folder in which the package is installed.
 */
async function tryBundlers(project) {
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'electron'));
  writeFileSync(join(modules, 'electron', 'index.js'), FAKE_ELECTRON);
  const preload = join(modules, 'chrome-sockets-tcp', 'dist', 'electron-preload.js');
  const program = join(project, 'program.mjs');
  writeFileSync(program, PROGRAM);
  const mainProcess = join(project, 'main-process.mjs');
  writeFileSync(mainProcess, MAIN_PROCESS);

  let folders = 0;
  for (const { name, tool, format, bundle, externalOnly } of BUNDLERS) {
    for (const external of externalOnly ? [true] : [true, false]) {
      const folder = join(project, `bundle-${++folders}`);
      mkdirSync(folder);
      const expected = external || format === 'cjs' ? 'works' : NEEDS_EXTERNAL;
      const what = `${name} ${versionOf(tool)}, ${format}, package ${external ? 'external' : 'inside'}`;
      const expect = (/** @type {string} */ file, /** @type {string} */ result) => {
        const found = resultOf(folder, file);
        if (found !== result) throw new Error(`${what}: the bundle ${found}, expected: ${result}`);
      };
      expect(await bundle({ entry: program, folder, external }), expected);
      const main = await bundle({ entry: mainProcess, folder, external });
      if (!external) {
        expect(main, NEEDS_EXTERNAL);
        copyFileSync(preload, join(folder, 'electron-preload.js'));
      }
      expect(main, expected);
      console.log(`${what}: ${expected}`);
    }
  }
}

module.exports = { tryBundlers };
