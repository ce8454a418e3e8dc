'use strict';

const { execFile } = require('node:child_process');
const { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } = require('node:fs');
const { rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { ROOT } = require('./support/child.js');

const { files, napi } = require('../package.json');

const PLATFORMS = {
  'x86_64-unknown-linux-gnu': 'linux-x64-gnu',
  'aarch64-unknown-linux-gnu': 'linux-arm64-gnu',
  'x86_64-unknown-linux-musl': 'linux-x64-musl',
  'aarch64-unknown-linux-musl': 'linux-arm64-musl',
  'x86_64-apple-darwin': 'darwin-x64',
  'aarch64-apple-darwin': 'darwin-arm64',
  'universal-apple-darwin': 'darwin-universal',
  'x86_64-pc-windows-msvc': 'win32-x64-msvc',
  'aarch64-pc-windows-msvc': 'win32-arm64-msvc',
};

jest.setTimeout(60_000);

// The tool that releases are made with needs it.
const [major] = process.versions.node.split('.').map(Number);
const testFrom20 = major >= 20 ? test : test.skip;

let folder;

/** A checkout with the build results of a release. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-assemble-'));
  for (const name of ['package.json', 'scripts', 'README.md', ...files]) {
    if (name.includes('*')) continue;
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  rmSync(join(folder, 'dist', 'electron-preload.js'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  for (const target of napi.targets) {
    const artifact = join(folder, 'artifacts', `bindings-${target}`);
    mkdirSync(artifact, { recursive: true });
    writeFileSync(join(artifact, `chrome-sockets-tcp.${PLATFORMS[target]}.node`), 'native');
  }
});

afterEach(() => rmSync(folder, { recursive: true }));

const assemble = () =>
  new Promise((resolve) => {
    execFile(process.execPath, ['scripts/assemble.js'], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, said: stdout + stderr }),
    );
  });

testFrom20(
  'a release has each native module in a package of its own, and none in the package itself',
  async () => {
    const { failed, said } = await assemble();
    expect(said).toContain(`assembled ${napi.targets.length} packages`);
    expect(failed).toBe(false);
    expect(readdirSync(join(folder, 'npm')).sort()).toEqual(Object.values(PLATFORMS).sort());
    expect(readdirSync(folder).filter((name) => name.endsWith('.node'))).toEqual([]);
    expect(readFileSync(join(folder, 'dist', 'electron-preload.js'), 'utf8')).toContain('chrome');
    const musl = JSON.parse(
      readFileSync(join(folder, 'npm/linux-arm64-musl/package.json'), 'utf8'),
    );
    expect(musl).toMatchObject({ os: ['linux'], cpu: ['arm64'], libc: ['musl'] });
    expect(musl.scripts).toBeUndefined();
    const main = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    expect(main.scripts.prepare).toBeUndefined();
  },
);

testFrom20('assemble refuses a release that lacks a platform', async () => {
  rmSync(join(folder, 'artifacts', 'bindings-x86_64-pc-windows-msvc'), { recursive: true });
  const { failed } = await assemble();
  expect(failed).toBe(true);
});

testFrom20('assemble refuses a release that lacks a file', async () => {
  rmSync(join(folder, 'entry', 'stats.d.ts'));
  const { failed, said } = await assemble();
  expect(failed).toBe(true);
  expect(said).toContain('the package lacks ./entry/stats.d.ts');
});
