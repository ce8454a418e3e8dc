'use strict';

const diagnostics = require('node:diagnostics_channel');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { ROOT, runNode } = require('./support/child.js');
const { call, closeSockets, connected, tcp } = require('./support/client.js');
const { certificate, closedPort, startServer, stopServers } = require('../support/servers.js');

afterEach(async () => {
  await closeSockets();
  await stopServers();
});

test('docs/configuration.md lists every channel', () => {
  const read = (file) => readFileSync(join(ROOT, file), 'utf8');
  const channelsIn = (text) => [...text.matchAll(/[`'](chrome-sockets-tcp\.[\w.-]+)[`']/g)];
  const namesIn = (file) =>
    channelsIn(read(file))
      .map(([, name]) => name)
      .sort();
  expect(namesIn('docs/configuration.md')).toEqual(namesIn('lib/native/diagnostics.js'));
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

  test('publish connects, handshakes and errors', async () => {
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

  test('do not affect the application', async () => {
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

const DEBUGGING = { ...process.env, NODE_DEBUG: 'chrome-sockets-tcp' };

const CONVERSATION = `
  const { createServer } = require('node:net');
  const tcp = require('./index.js');
  const server = createServer((socket) => socket.end('PAYLOAD')).listen(0, '127.0.0.1', () => {
    tcp.onReceiveError.addListener(({ socketId }) => tcp.close(socketId, () => server.close()));
    tcp.create({}, ({ socketId }) =>
      tcp.connect(socketId, '127.0.0.1', server.address().port, () =>
        tcp.send(socketId, Buffer.from('SECRET'), () => {})));
  });`;

test('NODE_DEBUG shows the life of each socket without its payload', async () => {
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

test('NODE_DEBUG names the call of an unchecked lastError and keeps the line of Chromium', async () => {
  const code = `const tcp = require('./index.js');
    tcp.setNoDelay(7, true, () => {});
    tcp.send(7, Buffer.from('x'), () => {});`;
  const { stderr } = await runNode(['--eval', code], { env: DEBUGGING });
  expect(stderr.replaceAll(/SOCKETS-TCP \d+/g, 'SOCKETS-TCP')).toContain(
    'CHROME-SOCKETS-TCP: socket 7: setNoDelay failed: Socket not found (call 0)\n' +
      'Unchecked runtime.lastError: Socket not found\n',
  );
  expect(stderr).toContain('socket 7: send failed: Socket not found (call 1)\nUnchecked');
});

test('NODE_DEBUG names the invalid argument once and keeps the error of Chromium', async () => {
  const code = `const tcp = require('./index.js');
    const calls = [
      ['connect', 1, 'host', '80', () => {}], ['connect', 1, 'host', '80', () => {}],
      ['connect', 1, 'host', 80, 5, () => {}], ['connect', 1, 'host', 80], ['send', 1, 'text', () => {}],
      ['close', null], ['getSockets', () => {}, 1], ['secure', 1, {}, undefined],
    ];
    for (const [method, ...args] of calls) {
      try { tcp[method](...args); } catch (error) { console.log(error.message); }
    }`;
  const { stdout, stderr } = await runNode(['--eval', code], { env: DEBUGGING });
  expect(stderr.split('\n').map((line) => line.replace(/^CHROME-SOCKETS-TCP \d+: /, ''))).toEqual([
    'connect: argument 3 is wrong: expected integer peerPort, found string',
    'connect: argument 4 is wrong: expected sockets.tcp.DnsQueryType dnsQueryType or function callback, found integer',
    'connect: argument 4 is missing: expected sockets.tcp.DnsQueryType dnsQueryType or function callback',
    'send: argument 2 is wrong: expected binary data, found string',
    'close: argument 1 is wrong: expected integer socketId, found null',
    'getSockets: argument 2 is wrong: expected no further argument, found integer',
    'secure: argument 3 is wrong: expected function callback, found undefined',
    '',
  ]);
  expect(await runNode(['--eval', code])).toEqual({ code: 0, stdout, stderr: '' });
  expect(stdout.match(/No matching signature\.\n/g)).toHaveLength(8);
});

test('the module prints nothing without NODE_DEBUG', async () => {
  expect(await runNode(['--eval', CONVERSATION])).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('NODE_DEBUG shows a host on one line, shortened, with control characters escaped', async () => {
  const hosts = ['a\nCHROME-SOCKETS-TCP 1: forged', '\u001b[2Jx', 'a\rb', '\u202eevil'];
  // Windows' command lines are shorter than the last host.
  const code = `
    const hosts = [...${JSON.stringify(hosts)}, 'x'.repeat(50_000)];
    const tcp = require('./index.js');
    const { configure } = require('./entry/configure.js');
    tcp.create({}, async ({ socketId }) => {
      for (const host of hosts) {
        configure({ manifest: null });
        await new Promise((done) => tcp.connect(socketId, host, 1, () => done(chrome.runtime.lastError)));
        configure({ manifest: {} });
        await new Promise((done) => tcp.connect(socketId, host, 1, () => done(chrome.runtime.lastError)));
      }
    });`;
  const env = { ...process.env, NODE_DEBUG: 'chrome-sockets-tcp' };
  const { code: exit, stderr } = await runNode(
    ['--eval', `require('./entry/register.js');${code}`],
    {
      env,
    },
  );
  expect(exit).toBe(0);
  const lines = stderr.trimEnd().split('\n');
  // Each call is a line, and its end is one.
  expect(lines).toHaveLength(2 + 4 * (hosts.length + 1));
  for (const line of lines) {
    expect(line).toMatch(/^CHROME-SOCKETS-TCP \d+: (?:socket|call) \d/);
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/); // eslint-disable-line no-control-regex
    expect(line.length).toBeLessThan(400);
  }
  expect(stderr).toContain('a\\u000aCHROME-SOCKETS-TCP 1: forged:1 (call');
});
