'use strict';

const { cpSync, mkdtempSync, readdirSync } = require('node:fs');
const { realpathSync, rmSync, writeFileSync } = require('node:fs');
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

test('a checkout without a build throws an error that names the remedy', async () => {
  const { code, stdout, stderr } = await load();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain(`no native module could be loaded for ${process.platform}`);
  expect(stdout).toContain(process.arch);
  expect(stdout).toContain(`Node.js ${process.version}`);
  const [, platform] = NATIVE.split('.');
  expect(stdout).toContain(`its package chrome-sockets-tcp-${platform} is not installed`);
  expect(stdout).toContain('npm run build');
  expect(stdout).toContain('reinstall');
});

/** The name of this machine's native module, as the build wrote it. */
const NATIVE = readdirSync(ROOT).find((name) => name.endsWith('.node'));

test('the error for a broken native module names the file and the reason', async () => {
  writeFileSync(join(folder, NATIVE), 'not a library');
  const { stdout } = await load();
  expect(stdout).toMatch(/no native module could be loaded for .+: .+\n/);
  expect(stdout).toContain(NATIVE);
  expect(stdout).not.toMatch(/--omit|rustup/);
});

test('the error in a bundle without the native module says how to configure the bundler', async () => {
  const bundle = join(folder, 'dist', 'native');
  for (const name of ['base', 'native']) {
    cpSync(join(ROOT, 'lib', name), join(folder, 'dist', name), { recursive: true });
  }
  writeFileSync(join(folder, 'package.json'), '{"name": "an-application"}');
  const code = `
    try { require('./dist/native/binding.js').loadBinding(); } catch (error) { console.log(error.message); }`;
  const { stdout } = await runNode(['--eval', code], { cwd: folder });
  expect(stdout).toContain(`the bundle in ${realpathSync(bundle)} does not contain it`);
  expect(stdout).toContain('Mark chrome-sockets-tcp as external');
  cpSync(join(ROOT, NATIVE), join(bundle, NATIVE));
  expect(await runNode(['--eval', code], { cwd: folder })).toMatchObject({ code: 0, stdout: '' });
});

const messageOf = (...flags) =>
  runNode([
    ...flags,
    '--eval',
    `try { require('./index.js'); } catch (error) { console.log(error.message); }`,
  ]);

// Node 20 calls the permission model experimental.
const major = Number(process.versions.node.split('.')[0]);

/** Node 18 has no permission model. */
const testPermission = major >= 20 ? test : test.skip;

const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';

test('the error names --no-addons as the reason', async () => {
  const { stdout } = await messageOf('--no-addons');
  expect(stdout).toMatch(/^chrome-sockets-tcp: no native module could be loaded for /);
  expect(stdout).toContain(': the option --no-addons of Node.js denies native modules');
  expect(stdout).not.toContain('--omit');
});

testPermission('the error names the permission model as the reason', async () => {
  const { stdout } = await messageOf(PERMISSION, '--allow-fs-read=*');
  expect(stdout).toMatch(/^chrome-sockets-tcp: no native module could be loaded for /);
  expect(stdout).toContain(
    ': the permission model of Node.js denies native modules. Add --allow-addons.',
  );
  expect(stdout).not.toContain('--omit');
});

testPermission('the permission model with --allow-addons lets the module load', async () => {
  expect(await messageOf(PERMISSION, '--allow-fs-read=*', '--allow-addons')).toMatchObject({
    code: 0,
    stdout: '',
  });
});

test('no environment variable makes the loader load another file', async () => {
  const other = join(folder, 'other.js');
  writeFileSync(other, `console.log('other file loaded'); module.exports = {};`);
  const overrides = {
    NAPI_RS_NATIVE_LIBRARY_PATH: other,
    NAPI_RS_FORCE_WASI: 'error',
    NAPI_RS_WASI_FLAVOR: 'wasm32-wasi',
  };
  const code = `
    require('./index.js').create({}, () => {
      for (const name of ${JSON.stringify(Object.keys(overrides))}) console.log(process.env[name]);
    });`;
  const { stdout, stderr } = await runNode(['--eval', code], {
    env: { ...process.env, ...overrides },
  });
  expect({ stdout, stderr }).toEqual({
    stdout: `${Object.values(overrides).join('\n')}\n`,
    stderr: '',
  });
});
