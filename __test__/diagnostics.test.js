'use strict';

const diagnostics = require('node:diagnostics_channel');
const { runNode } = require('./support/child.js');
const { call, closeSockets, connected, tcp } = require('./support/client.js');
const { certificate, closedPort, startServer, stopServers } = require('./support/servers.js');

afterEach(async () => {
  await closeSockets();
  await stopServers();
});

describe('the channels', () => {
  const names = ['connect.start', 'connect.end', 'secure.start', 'secure.end', 'receive-error'];
  const told = [];
  const subscribers = names.map((name) => [
    `chrome-sockets-tcp.${name}`,
    (message) => told.push([name, message]),
  ]);

  beforeEach(() => {
    told.length = 0;
    for (const [name, listener] of subscribers) diagnostics.channel(name).subscribe(listener);
  });
  afterEach(() => {
    for (const [name, listener] of subscribers) diagnostics.channel(name).unsubscribe(listener);
  });

  test('tell of connects, handshakes and errors', async () => {
    const server = await startServer({ tls: certificate() });
    const { socketId, inbox } = await connected(server.port, { paused: true, host: 'LocalHost' });
    await call('secure', socketId);
    await tcp.setPaused(socketId, false);
    (await server.accepted()).destroy();
    await inbox.untilError();
    const connect = { socketId, host: 'localhost', port: server.port };
    expect(told).toEqual([
      ['connect.start', connect],
      ['connect.end', { ...connect, resultCode: 0 }],
      ['secure.start', { socketId }],
      ['secure.end', { socketId, resultCode: 0 }],
      ['receive-error', { socketId, resultCode: -100 }],
    ]);
  });

  test('change nothing for the application', async () => {
    const { socketId } = await tcp.create();
    expect(await call('connect', socketId, '127.0.0.1', await closedPort())).toEqual({
      args: [-102],
      lastError: 'net::ERR_CONNECTION_REFUSED',
    });
    expect(await call('connect', -1, '127.0.0.1', 1)).toEqual({
      args: [],
      lastError: 'Socket not found',
    });
    expect(told.at(-1)[1].resultCode).toBe(undefined);
  });
});

const CONVERSATION = `
  const { createServer } = require('node:net');
  const tcp = require('./index.js');
  const server = createServer((socket) => socket.end('PAYLOAD')).listen(0, '127.0.0.1', () => {
    tcp.onReceiveError.addListener(({ socketId }) => tcp.close(socketId, () => server.close()));
    tcp.create({}, ({ socketId }) =>
      tcp.connect(socketId, '127.0.0.1', server.address().port, () =>
        tcp.send(socketId, Buffer.from('SECRET'), () => {})));
  });`;

test('NODE_DEBUG shows the life of each socket, and not what it says', async () => {
  const env = { ...process.env, NODE_DEBUG: 'chrome-sockets-tcp' };
  const { code, stderr } = await runNode(['--eval', CONVERSATION], { env });
  expect(code).toBe(0);
  for (const line of [
    /socket 1: create \(call 0\)/,
    /socket 1: connect 127\.0\.0\.1:\d+ \(call 1\)/,
    /call 1: 0/,
    /socket 1: send 6 bytes \(call 2\)/,
    /socket 1: received 7 bytes/,
    /socket 1: receive error -100/,
    /socket 1: close \(call 3\)/,
  ]) {
    expect(stderr).toMatch(line);
  }
  expect(stderr).not.toMatch(/PAYLOAD|SECRET/);
});

test('without NODE_DEBUG nothing is said', async () => {
  expect(await runNode(['--eval', CONVERSATION])).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('NODE_DEBUG shows a host on one line, without what a terminal would obey, and not without end', async () => {
  const hosts = [
    'a\nCHROME-SOCKETS-TCP 1: forged',
    '\u001b[2Jx',
    'a\rb',
    '\u202eevil',
    'x'.repeat(50_000),
  ];
  const code = `
    const tcp = require('./index.js');
    const { configure } = require('./configure.js');
    tcp.create({}, async ({ socketId }) => {
      for (const host of ${JSON.stringify(hosts)}) {
        configure({ manifest: null });
        await new Promise((done) => tcp.connect(socketId, host, 1, () => done(chrome.runtime.lastError)));
        configure({ manifest: {} });
        await new Promise((done) => tcp.connect(socketId, host, 1, () => done(chrome.runtime.lastError)));
      }
    });`;
  const env = { ...process.env, NODE_DEBUG: 'chrome-sockets-tcp' };
  const { code: exit, stderr } = await runNode(['--eval', `require('./register.js');${code}`], {
    env,
  });
  expect(exit).toBe(0);
  const lines = stderr.trimEnd().split('\n');
  // Each call is a line, and its end is one.
  expect(lines).toHaveLength(2 + 4 * hosts.length);
  for (const line of lines) {
    expect(line).toMatch(/^CHROME-SOCKETS-TCP \d+: (?:socket|call) \d/);
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/); // eslint-disable-line no-control-regex
    expect(line.length).toBeLessThan(400);
  }
  expect(stderr).toContain('a\\u000aCHROME-SOCKETS-TCP 1: forged:1 (call');
});
