'use strict';

const { cpSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { ROOT, runNode } = require('./support/child.js');

let folder;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-binding-'));
  for (const name of ['index.js', 'lib', 'package.json']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
});

afterEach(() => rmSync(folder, { recursive: true }));

const load = () =>
  runNode(
    [
      '--eval',
      `try { require('./index.js'); } catch (error) {
         console.log(error.message);
         console.log(error.cause.message);
       }`,
    ],
    { cwd: folder },
  );

test('a checkout that has not been built says what is missing and what to do', async () => {
  const { code, stdout, stderr } = await load();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain(`no native module could be loaded for ${process.platform}`);
  expect(stdout).toContain(process.arch);
  expect(stdout).toContain(`Node.js ${process.version}`);
  expect(stdout).toContain('npm run build');
  expect(stdout).toContain('reinstall');
  expect(stdout).toContain("Cannot find module '../binding.js'");
});

test('a native module that cannot be loaded is named as the cause', async () => {
  writeFileSync(join(folder, 'binding.js'), `throw new Error('GLIBC_2.99 not found');`);
  const { stdout } = await load();
  expect(stdout).toContain('no native module could be loaded');
  expect(stdout).toContain('GLIBC_2.99 not found');
});
