'use strict';

// `npm pack` in a checkout.

const { execFile } = require('node:child_process');
const { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync } = require('node:fs');
const { rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { delimiter, join } = require('node:path');
const { ROOT } = require('./support/child.js');

jest.setTimeout(60_000);

const { files } = require('../package.json');

let folder;
let bin;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-pack-'));
  bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['package.json', 'scripts', 'README.md', ...files]) {
    if (existsSync(join(ROOT, name))) {
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    }
  }
  rmSync(join(folder, 'dist'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Packs with a cargo that runs this script. */
const pack = (cargo) => {
  writeFileSync(join(bin, 'cargo'), `#!/bin/sh\n${cargo}\n`);
  chmodSync(join(bin, 'cargo'), 0o755);
  const env = { ...process.env, PATH: bin + delimiter + process.env.PATH };
  return new Promise((resolve) => {
    execFile('npm', ['pack', '--json'], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, stderr }),
    );
  });
};

test('npm pack fails with the reason if the checkout cannot be built', async () => {
  const { code, stderr } = await pack('exit 1');
  expect(code).not.toBe(0);
  expect(stderr).toContain('there is no native module yet');
  expect(stderr).toContain('Rust is needed');
  expect(existsSync(join(folder, 'chrome-sockets-tcp-0.1.0.tgz'))).toBe(false);
});

test('a tarball has a native module, the preload file and the parser, and no prepare', async () => {
  writeFileSync(join(folder, 'chrome-sockets-tcp.linux-x64-gnu.node'), 'native');
  const before = readFileSync(join(folder, 'package.json'), 'utf8');
  const { code, stdout } = await pack('exit 1');
  expect(code).toBe(0);
  const [{ filename, files: packed }] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  const names = packed.map(({ path }) => path);
  expect(names).toContain('chrome-sockets-tcp.linux-x64-gnu.node');
  expect(names).toContain('dist/electron-preload.js');
  expect(names).toEqual(expect.arrayContaining(['dist/babel-parser.js', 'lib/check/cli.js']));
  expect(names.some((name) => name.startsWith('node_modules'))).toBe(false);
  const manifest = await new Promise((resolve) => {
    const args = ['-xzOf', filename, 'package/package.json'];
    execFile('tar', args, { cwd: folder }, (_error, text) => resolve(JSON.parse(text)));
  });
  expect(manifest.scripts.prepare).toBeUndefined();
  expect(manifest.scripts.setup).toBeDefined();
  expect(readFileSync(join(folder, 'package.json'), 'utf8')).toBe(before);
});
