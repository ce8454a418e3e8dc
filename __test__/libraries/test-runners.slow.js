'use strict';

// Users' projects in test environments that have globals of their own, and a global Promise that is not
// the language's.

const { cpSync, mkdtempSync, rmSync, symlinkSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join } = require('node:path');
const { ROOT, runNode } = require('../support/child.js');
const { installInto } = require('../support/installed.js');
const { resolveLibrary } = require('../support/libraries.js');
const { echo, startServer, stopServers } = require('../../support/servers.js');

const TIMEOUT = 60_000;
jest.setTimeout(TIMEOUT + 5000);

const VITEST = dirname(resolveLibrary('vitest/package.json'));
const FIXTURES = join(ROOT, '__test__', 'fixtures');

afterEach(stopServers);

test('the module works in jest-environment-jsdom', async () => {
  const { port } = await startServer({ onConnection: echo });
  const config = {
    rootDir: join(FIXTURES, 'jsdom'),
    testMatch: ['**/*.js'],
    testEnvironment: resolveLibrary('jest-environment-jsdom'),
    globals: { port },
  };
  const args = [require.resolve('jest/bin/jest'), '--config', JSON.stringify(config)];
  const { code, stdout, stderr } = await runNode(args, { timeout: TIMEOUT });
  expect(stderr).toMatch(/^Tests: {7}5 passed, 5 total$/m);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
});

describe('the module works in vitest', () => {
  let project;

  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-vitest-'));
    installInto(project);
    cpSync(join(FIXTURES, 'vitest'), project, { recursive: true });
    symlinkSync(VITEST, join(project, 'node_modules', 'vitest'));
  });
  afterAll(() => rmSync(project, { recursive: true }));

  test.each(['forks', 'threads', 'vmForks', 'vmThreads'])('in the pool %s', async (pool) => {
    const args = [
      join(VITEST, 'vitest.mjs'),
      'run',
      '--pool',
      pool,
      '--reporter',
      'json',
      '--no-color',
    ];
    const { code, stdout, stderr } = await runNode(args, { cwd: project, timeout: TIMEOUT });
    expect(stderr).toBe('');
    const { numPassedTests, numTotalTests } = JSON.parse(stdout);
    expect({ code, numPassedTests, numTotalTests }).toEqual({
      ...{ code: 0, numPassedTests: 4, numTotalTests: 4 },
    });
  });
});

test.each(['before', 'after'])(
  'the module works with bluebird as the global Promise, set %s the module is loaded',
  async (when) => {
    const { port } = await startServer({ onConnection: (socket) => socket.end('hello') });
    const replace = `globalThis.Promise = require(${JSON.stringify(resolveLibrary('bluebird'))});`;
    const load = `
    const tcp = require('./index.js');
    const sockets = require('./entry/promises.js');
    const { connect } = require('./entry/duplex.js');`;
    const use = `
    async function main() {
      const { socketId } = await sockets.create();
      try {
        await sockets.connect(socketId, '127.0.0.1', ${port}, { signal: AbortSignal.timeout(5000) });
        await sockets.send(socketId, Buffer.from('x'));
        for await (const data of sockets.received(socketId)) console.log(Buffer.from(data).toString());
      } finally {
        await sockets.close(socketId);
      }
      console.log(await tcp.getSockets());
      for await (const data of connect({ host: '127.0.0.1', port: ${port} })) console.log(String(data));
      await tcp.getInfo(99).catch(({ message }) => console.log(message));
    }
    main();`;
    const code = when === 'before' ? replace + load + use : load + replace + use;
    expect(await runNode(['--eval', code], { timeout: TIMEOUT })).toEqual({
      ...{ code: 0, stdout: 'hello\n[]\nhello\nSocket not found\n', stderr: '' },
    });
  },
);
