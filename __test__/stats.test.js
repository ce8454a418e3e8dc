'use strict';

const { call, closeSockets, connected, result, stats, tcp } = require('./support/client.js');
const { Environment, terminateEnvironments } = require('./support/environment.js');
const {
  certificate,
  closedPort,
  echo,
  startServer,
  stopServers,
} = require('../support/servers.js');

let before;

beforeEach(() => (before = stats()));

afterEach(async () => {
  await closeSockets();
  await stopServers();
  await terminateEnvironments();
});

/** The changes since the test began. */
function changes() {
  const now = Object.entries(stats()).map(([name, value]) => [name, value - before[name]]);
  return Object.fromEntries(now.filter(([, change]) => change !== 0));
}

test('a module that was just loaded has only zero counters', async () => {
  const numbers = await new Environment().run((client) => client.stats());
  expect(Object.values(numbers)).toEqual(Array(18).fill(0));
});

test('sockets are counted when they are created, connect and close', async () => {
  const { port } = await startServer();
  const { socketId } = await tcp.create();
  expect(changes()).toEqual({ sockets: 1, eventsDelivered: 1 });
  await result('connect', socketId, '127.0.0.1', port);
  expect(changes()).toMatchObject({ sockets: 1, connected: 1, connectsStarted: 1 });
  await tcp.disconnect(socketId);
  expect(changes()).toMatchObject({ sockets: 1 });
  expect(changes()).not.toHaveProperty('connected');
  await tcp.close(socketId);
  expect(changes()).not.toHaveProperty('sockets');
  expect(changes()).not.toHaveProperty('connectsFailed');
});

test('sent and received data is counted in bytes', async () => {
  const server = await startServer({ onConnection: echo });
  const { socketId, inbox } = await connected(server.port);
  for (const text of ['one', '', 'three']) await result('send', socketId, Buffer.from(text));
  await inbox.untilReceived(8);
  expect(changes()).toMatchObject({ bytesSent: 8, bytesReceived: 8 });
  // create, connect, three sends, and one onReceive or more.
  expect(changes().eventsDelivered).toBe(5 + inbox.chunks.length);
});

test('the callbacks of many small sends are counted one by one', async () => {
  const server = await startServer();
  const { socketId } = await connected(server.port);
  const eventsBefore = stats().eventsDelivered;
  await Promise.all(Array.from({ length: 100 }, () => result('send', socketId, Buffer.alloc(7))));
  expect(changes()).toMatchObject({ bytesSent: 700 });
  expect(stats().eventsDelivered - eventsBefore).toBe(100);
});

test('sends are counted as pending until the peer reads or they end', async () => {
  const server = await startServer({ onConnection: (socket) => socket.pause() });
  const { socketId } = await connected(server.port);
  const size = 32 * 1024 * 1024;
  const ended = result('send', socketId, Buffer.alloc(size));
  expect(changes()).toMatchObject({ sendsPending: 1, bytesPending: size });
  expect(changes()).not.toHaveProperty('bytesSent');
  await tcp.disconnect(socketId);
  expect(await ended).toEqual({ resultCode: -3 });
  for (const name of ['sendsPending', 'bytesPending', 'bytesSent']) {
    expect(changes()).not.toHaveProperty(name);
  }
});

test('bytes that were read and wait for delivery are counted as held', async () => {
  const server = await startServer({ onConnection: (socket) => socket.write('abcdefghij') });
  const seen = [];
  const look = () => {
    const { bytesReceived, bytesHeld = 0 } = changes();
    seen.push([bytesReceived, bytesHeld]);
  };
  tcp.onReceive.addListener(look);
  try {
    const { inbox } = await connected(server.port, { properties: { bufferSize: 4 } });
    await inbox.untilReceived(10);
  } finally {
    tcp.onReceive.removeListener(look);
  }
  expect(seen).toEqual([
    [4, 6],
    [8, 2],
    [10, 0],
  ]);
});

test('connects that fail, are aborted or are denied are counted as failed', async () => {
  const { socketId } = await tcp.create();
  await result('connect', socketId, '127.0.0.1', await closedPort());
  expect(changes()).toMatchObject({ connectsStarted: 1, connectsFailed: 1 });
  const pending = call('connect', socketId, '127.0.0.1', await closedPort());
  expect(changes()).toMatchObject({ connectsStarted: 2, connectsFailed: 1 });
  await tcp.close(socketId);
  await pending;
  expect(changes()).toMatchObject({ connectsStarted: 2, connectsFailed: 2 });
  await call('connect', socketId, '127.0.0.1', 1);
  expect(changes()).toMatchObject({ connectsStarted: 2, connectsFailed: 2 });
});

describe('handshakes', () => {
  test('that succeed are counted, and so are secured sockets', async () => {
    const server = await startServer({ tls: certificate() });
    const { socketId } = await connected(server.port, { paused: true, host: 'localhost' });
    const secured = result('secure', socketId);
    expect(changes()).toMatchObject({ connected: 1, handshakesStarted: 1 });
    expect(changes()).not.toHaveProperty('handshakesFailed');
    expect(await secured).toBe(0);
    expect(changes()).toMatchObject({ connected: 1, secured: 1, handshakesStarted: 1 });
    expect(changes()).not.toHaveProperty('handshakesFailed');
    await tcp.close(socketId);
    expect(changes()).not.toHaveProperty('secured');
  });

  test('that fail are counted as failed', async () => {
    const server = await startServer({ tls: certificate('other') });
    const { socketId } = await connected(server.port, { paused: true, host: 'localhost' });
    expect(await result('secure', socketId)).toBe(-200);
    expect(changes()).toMatchObject({ handshakesStarted: 1, handshakesFailed: 1 });
  });

  test('precede bytes that are counted decrypted', async () => {
    const server = await startServer({ tls: certificate(), onConnection: echo });
    const { socketId, inbox } = await connected(server.port, { paused: true, host: 'localhost' });
    await result('secure', socketId);
    await tcp.setPaused(socketId, false);
    await result('send', socketId, Buffer.alloc(1000));
    await inbox.untilReceived(1000);
    expect(changes()).toMatchObject({ bytesSent: 1000, bytesReceived: 1000 });
  });
});

test('each environment has its own counters', async () => {
  const server = await startServer();
  const other = new Environment();
  const numbers = await other.run(async (client, port) => {
    await client.connected(port);
    return client.stats();
  }, server.port);
  expect(numbers).toMatchObject({ sockets: 1, connected: 1, connectsStarted: 1 });
  expect(changes()).not.toHaveProperty('sockets');
  expect(changes()).not.toHaveProperty('connectsStarted');
});
