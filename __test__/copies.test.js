'use strict';

// Two copies of the package in one process, as npm installs them where it cannot deduplicate.

const { cpSync, mkdtempSync, readFileSync, readdirSync } = require('node:fs');
const { realpathSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { ROOT, runNode } = require('./support/child.js');

/** @type {string} */
let folder;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-copies-')));
  const files = readdirSync(ROOT).filter((name) => /\.(?:js|node)$/.test(name));
  for (const copy of ['a', 'b']) {
    for (const name of [...files, 'entry', 'lib', 'package.json']) {
      cpSync(join(ROOT, name), join(folder, copy, name), { recursive: true });
    }
  }
});

afterEach(() => rmSync(folder, { recursive: true }));

/** @param {string} code */
const run = (code) => runNode(['--eval', code], { cwd: folder });

const CREATE_IN_BOTH = `
  const [a, b] = [require('./a'), require('./b')];
  (async () => {
    for (const tcp of [a, b, a, b]) console.log((await tcp.create({})).socketId);
    console.log((await b.getSockets()).length);
  })();`;

test('the ids of two copies differ', async () => {
  const { code, stdout, stderr } = await run(CREATE_IN_BOTH);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '1\n2\n3\n4\n2\n', stderr: '' });
});

test('a warning names the copies of two versions, whose ids may be the same', async () => {
  const manifest = join(folder, 'b', 'package.json');
  const contents = JSON.parse(readFileSync(manifest, 'utf8'));
  writeFileSync(manifest, JSON.stringify({ ...contents, version: '99.0.0' }));
  const { code, stderr } = await run(CREATE_IN_BOTH);
  expect(code).toBe(0);
  const { version } = contents;
  const [a, b] = ['a', 'b'].map((copy) => join(folder, copy));
  expect(stderr).toContain(`is loaded from ${a} (${version}) and from ${b} (99.0.0). Sockets of`);
  expect(stderr.match(/Warning: /g)).toHaveLength(1);
});

test('a second register keeps the first object, its listeners and lastError, and warns', async () => {
  const { code, stdout, stderr } = await run(`
    require('./a/entry/register.js');
    const { tcp } = chrome.sockets;
    tcp.onReceive.addListener(() => {});
    require('./b/entry/register.js');
    console.log(tcp === chrome.sockets.tcp, chrome.sockets.tcp.onReceive.hasListeners());
    for (const each of [tcp, require('./b')]) {
      each.close(99, () => console.log(chrome.runtime.lastError.message));
    }`);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: 'true true\nSocket not found\nSocket not found\n',
  });
  const [a, b] = ['a', 'b'].map((copy) => join(folder, copy));
  expect(stderr).toContain(
    `register of ${b} leaves chrome.sockets.tcp as it was installed by ${a}.`,
  );
});

test('an event that contextBridge has copied names serve() in its error', async () => {
  const { stdout } = await run(`
    process.contextIsolated = true;
    const { addListener } = require('./a').onReceive;
    try { addListener(() => {}); } catch ({ message }) { console.log(message); }`);
  expect(stdout).toBe(
    'Illegal invocation: Function must be called on an object of type Event ' +
      '(contextBridge copies the events: use serve() of chrome-sockets-tcp/electron)\n',
  );
});
