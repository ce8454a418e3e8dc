'use strict';

// Where the module departs from Chromium on purpose; the letters are those of docs/deviations.md.

const { once } = require('node:events');
const { runNode } = require('./support/child.js');
const { call, closeSockets, connected, result, tcp } = require('./support/client.js');
const { startFullServer } = require('../support/full-backlog.js');
const {
  certificate,
  closedPort,
  echo,
  startServer,
  stopServers,
} = require('../support/servers.js');

const ABORTED = 'net::ERR_ABORTED';

afterEach(async () => {
  await closeSockets();
  await stopServers();
});

/** A secured socket, connected to a server that echoes. */
async function secured({ properties = {}, host = '127.0.0.1', name } = {}) {
  const server = await startServer({ onConnection: echo, tls: certificate(name), host });
  const client = await connected(server.port, { paused: true, properties, host });
  return { ...client, code: await result('secure', client.socketId) };
}

test('a. name and bufferSize survive secure()', async () => {
  const { socketId, inbox } = await secured({ properties: { name: 'n', bufferSize: 10 } });
  expect(await tcp.getInfo(socketId)).toMatchObject({ name: 'n', bufferSize: 10 });
  await tcp.setPaused(socketId, false);
  await result('send', socketId, new ArrayBuffer(25));
  await inbox.untilReceived(25);
  expect(inbox.chunks.map(({ length }) => length)).toEqual([10, 10, 5]);
});

test('b. setKeepAlive and setNoDelay work after secure()', async () => {
  const { socketId } = await secured();
  expect(await result('setKeepAlive', socketId, true, 10)).toBe(0);
  expect(await result('setNoDelay', socketId, false)).toBe(0);
});

describe.each(['disconnect', 'close'])('c. %s() aborts with -3:', (end) => {
  test('a connect in progress', async () => {
    const server = await startFullServer();
    try {
      const { socketId } = await tcp.create();
      const connect = call('connect', socketId, '127.0.0.1', server.port);
      // Refused, because the first one has its address and waits for the server.
      expect(await result('connect', socketId, '127.0.0.1', server.port)).toBe(-104);
      const ended = call(end, socketId);
      expect(await connect).toEqual({ args: [-3], lastError: ABORTED });
      expect(await ended).toEqual({ args: [], lastError: undefined });
    } finally {
      await server.stop();
    }
  });

  test('sends that wait for the peer', async () => {
    const server = await startServer({ onConnection: (peer) => peer.pause() });
    const { socketId } = await connected(server.port, { paused: true });
    const sends = [1, 2].map(() => call('send', socketId, new ArrayBuffer(64 * 1024 * 1024)));
    await tcp.getSockets();
    const ended = call(end, socketId);
    const aborted = { args: [{ resultCode: -3 }], lastError: ABORTED };
    expect(await Promise.all(sends)).toEqual([aborted, aborted]);
    expect(await ended).toEqual({ args: [], lastError: undefined });
  });

  test('a secure that waits for the peer', async () => {
    const server = await startServer();
    const { socketId } = await connected(server.port, { paused: true });
    const secure = call('secure', socketId);
    await once(await server.accepted(), 'data');
    const ended = call(end, socketId);
    expect(await secure).toEqual({ args: [-3], lastError: ABORTED });
    expect(await ended).toEqual({ args: [], lastError: undefined });
  });
});

test('d. a send pending at disconnect() does not block later sends', async () => {
  const silent = await startServer({ onConnection: (peer) => peer.pause() });
  const { socketId, inbox } = await connected(silent.port, { paused: true });
  const pending = result('send', socketId, new ArrayBuffer(64 * 1024 * 1024));
  await tcp.disconnect(socketId);
  expect(await pending).toEqual({ resultCode: -3 });

  const server = await startServer({ onConnection: echo });
  expect(await result('connect', socketId, '127.0.0.1', server.port)).toBe(0);
  await tcp.setPaused(socketId, false);
  expect(await result('send', socketId, Uint8Array.of(1, 2, 3))).toEqual({
    bytesSent: 3,
    resultCode: 0,
  });
  expect([...(await inbox.untilReceived(3))]).toEqual([1, 2, 3]);
});

describe('e. TLS to an IPv6 literal', () => {
  test('works', async () => {
    const { socketId, code } = await secured({ host: '::1' });
    expect(code).toBe(0);
    expect(await tcp.getInfo(socketId)).toMatchObject({ connected: true, peerAddress: '::1' });
  });

  test('is verified', async () => {
    expect(await secured({ host: '::1', name: 'other' })).toMatchObject({ code: -200 });
  });
});

test('f. an exception in a callback or listener does not affect others and is then uncaught', async () => {
  const { code, stdout, stderr } = await runNode([
    '--eval',
    `const tcp = require('./index.js');
     process.on('uncaughtException', ({ message }) => console.log('uncaught', message));
     tcp.onReceive.addListener(() => { throw new Error('listener'); });
     tcp.onReceive.addListener(() => console.log('next listener'));
     tcp.getSockets(() => {
       tcp.onReceive.dispatch({});
       throw new Error('callback');
     });
     tcp.getSockets(() => console.log('next callback'));`,
  ]);
  expect({ code, stdout: stdout.trim().split('\n').sort(), stderr }).toEqual({
    code: 0,
    stdout: ['next callback', 'next listener', 'uncaught callback', 'uncaught listener'],
    stderr: '',
  });
});

test('h. a socket whose connect() was refused behaves like a new one', async () => {
  const server = await startServer({ onConnection: echo, tls: certificate() });
  const { socketId } = await tcp.create();
  await tcp.setPaused(socketId, true);
  expect(await result('connect', socketId, 'localhost', await closedPort())).toBe(-102);
  expect(await result('connect', socketId, 'localhost', server.port)).toBe(0);
  expect(await result('setNoDelay', socketId, false)).toBe(0);
  expect(await result('setKeepAlive', socketId, true, 10)).toBe(0);
  expect(await result('secure', socketId)).toBe(0);
});

test('i. the first send on a connection that the peer has reset fails', async () => {
  const server = await startServer();
  const { socketId } = await connected(server.port, { paused: true });
  const peer = await server.accepted();
  peer.resetAndDestroy();
  await once(peer, 'close');
  expect(await result('send', socketId, new ArrayBuffer(1))).toEqual({ resultCode: -2 });
  expect(await result('send', socketId, new ArrayBuffer(1))).toEqual({ resultCode: -15 });
});

test.each([
  ['close', [], [1]],
  ['disconnect', [], [1]],
  ['setPaused', [true], [1, 1]],
  ['update', [{ bufferSize: 5 }], [1, 1, 5, 3]],
])('j. %s() inside onReceive takes effect at once', async (method, args, lengths) => {
  const server = await startServer({ onConnection: (peer) => peer.write('0123456789') });
  const properties = { bufferSize: 1 };
  const { socketId, inbox } = await connected(server.port, { paused: true, properties });
  await server.accepted();
  /** @type {Promise<unknown> | undefined} */
  let called;
  const listener = () => (called ??= call(method, socketId, ...args));
  tcp.onReceive.addListener(listener);
  await tcp.setPaused(socketId, false);
  await inbox.until(({ chunks }) => chunks.length === lengths.length);
  await called;
  tcp.onReceive.removeListener(listener);
  // An answer that comes after everything that was waiting.
  await tcp.getSockets();
  expect(inbox.chunks.map(({ length }) => length)).toEqual(lengths);
});

test('j. a send() in the callback of setPaused(false) finds a connection that the peer has ended', async () => {
  const server = await startServer();
  const { socketId, inbox } = await connected(server.port, { paused: true });
  const peer = await server.accepted();
  peer.end('last words');
  await once(peer, 'finish');
  const sent = await new Promise((resolve) => {
    tcp.setPaused(socketId, false, () => tcp.send(socketId, new ArrayBuffer(1), resolve));
  });
  expect(sent).toEqual({ bytesSent: 1, resultCode: 0 });
  await inbox.until(({ errors }) => errors.length === 1);
  expect(inbox.errors).toEqual([-100]);
});
