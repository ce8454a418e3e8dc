'use strict';

// The output of `npm run example:electron`, with stand-ins for Electron and npx.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { chmodSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const net = require('node:net');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { NO_ELECTRON } = require('../../support/electron.js');
const { ROOT } = require('../support/child.js');

// The stand-ins are shell scripts.
const testPosix = process.platform === 'win32' ? test.skip : test;

const START = join(ROOT, 'examples', 'electron', 'start.js');

let folder;
/** @type {(() => void)[]} */
const cleanups = [];

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-start-'))));
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  rmSync(folder, { recursive: true });
});

/** An executable file. */
function script(name, lines) {
  const path = join(folder, name);
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(path, 0o755);
  return path;
}

/** Starts the example without the package `electron`. */
function start(env, ...flags) {
  const hidden = join(folder, 'hidden.js');
  writeFileSync(
    hidden,
    `const Module = require('node:module');
    const load = Module._load;
    Module._load = (name, ...rest) => {
      if (name === 'electron') throw new Error('not installed');
      return load(name, ...rest);
    };`,
  );
  const rest = { ...process.env };
  for (const name of ['ELECTRON_PATH', 'DISPLAY', 'WAYLAND_DISPLAY']) delete rest[name];
  const child = spawn(process.execPath, ['-r', hidden, START, ...flags], {
    env: { ...rest, ...env },
  });
  cleanups.push(() => child.kill());
  const said = { stdout: '', stderr: '' };
  let wake = () => {};
  for (const stream of /** @type {const} */ (['stdout', 'stderr'])) {
    child[stream].on('data', (data) => {
      said[stream] += data;
      wake();
    });
  }
  const closed = once(child, 'close');
  return {
    said,
    async says(pattern) {
      for (;;) {
        const match = pattern.exec(said.stdout);
        if (match) return match;
        await new Promise((resolve) => (wake = resolve));
      }
    },
    /** Ends the input of the stand-in, too. */
    async end() {
      child.stdin.end();
      const [code] = await closed;
      return { code, ...said };
    },
  };
}

/** Waits for the end of its input. */
const waiting = () => script('electron', ['echo "arguments: $*"', 'read -r line', 'exit 3']);

/** The first line of the IRC server for a new user. */
async function greeting(port) {
  const socket = net.connect(Number(port), '127.0.0.1');
  cleanups.push(() => socket.destroy());
  socket.write('NICK tester\r\nUSER tester 0 * :tester\r\n');
  const [data] = await once(socket, 'data');
  return String(data).split('\r\n')[0];
}

testPosix('prints the path of Electron and the address of the IRC server', async () => {
  const path = waiting();
  const example = start({ ELECTRON_PATH: path }, '--no-sandbox');
  const [, port] = await example.says(/^IRC server: 127\.0\.0\.1:(\d+)$/m);
  await example.says(/^arguments: .*main\.js --no-sandbox$/m);
  expect(await greeting(port)).toBe(':demo 001 tester :Welcome, tester');
  const { code, stdout, stderr } = await example.end();
  expect(stdout).toContain(`Electron: ${path} (ELECTRON_PATH)\n`);
  expect({ code, stderr }).toEqual({ code: 3, stderr: 'Electron has ended with 3.\n' });
});

testPosix('names another port if the default one is in use', async () => {
  const server = net.createServer();
  // In use by another program already, or by this server.
  await new Promise((resolve) =>
    server.once('error', resolve).listen(6667, '127.0.0.1', () => resolve(undefined)),
  );
  cleanups.push(() => server.close());
  const example = start({ ELECTRON_PATH: waiting() });
  await example.says(
    /^Port 6667 cannot be used \(.*EADDRINUSE.*\): enter this port in the window:/m,
  );
  const [, port] = await example.says(/^IRC server: 127\.0\.0\.1:(\d+)$/m);
  expect(await greeting(port)).toBe(':demo 001 tester :Welcome, tester');
  expect((await example.end()).code).toBe(3);
});

testPosix('names the missing package if npx cannot fetch Electron', async () => {
  script('npx', ['exit 7']);
  const { code, stdout, stderr } = await start({ PATH: folder }).end();
  expect(stdout).toContain(
    'Electron: npx fetches it, because neither ELECTRON_PATH nor the package is there\n',
  );
  expect({ code, stderr }).toEqual({
    code: 7,
    stderr: `npx has ended with 7.\nIf npx could not fetch Electron: ${NO_ELECTRON}\n`,
  });
});

testPosix.each([
  ['npx', {}],
  ['/nowhere/electron', { ELECTRON_PATH: '/nowhere/electron' }],
])('reports that %s is missing', async (program, env) => {
  const { code, stderr } = await start({ PATH: folder, ...env }).end();
  expect(code).toBe(1);
  expect(stderr).toBe(`${program} cannot be started (spawn ${program} ENOENT): ${NO_ELECTRON}\n`);
});

const testLinux = process.platform === 'linux' ? test : test.skip;

testLinux('reports a missing display', async () => {
  const { stdout } = await start({ ELECTRON_PATH: waiting() }).end();
  expect(stdout).toContain('There is no display: Electron needs one');
});
