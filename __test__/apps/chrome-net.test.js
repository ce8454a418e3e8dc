'use strict';

// npm's chrome-net: Node's net API on top of chrome.sockets, as browserify bundles it for a
// Chrome App.

const { once } = require('node:events');
const { echo, startServer, stopServers } = require('../../support/servers.js');

let net;
let server;

beforeAll(() => {
  require('../../entry/register.js');
  net = require('chrome-net');
});

afterEach(async () => {
  server?.close();
  server = undefined;
  await stopServers();
});

test('exchanges data with a server', async () => {
  const { port } = await startServer({ onConnection: echo });
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  expect(socket).toMatchObject({ remoteAddress: '127.0.0.1', remotePort: port });
  expect(socket.localPort).toBeGreaterThan(0);

  const sent = Buffer.alloc(200_000, 'chrome-net');
  socket.write(sent);
  const received = [];
  for await (const chunk of socket) {
    received.push(chunk);
    if (Buffer.concat(received).length === sent.length) break;
  }
  expect(Buffer.concat(received).equals(sent)).toBe(true);
});

test('reports the end of the connection after all data', async () => {
  const { port } = await startServer({ onConnection: (peer) => peer.end('so long') });
  const socket = net.connect(port, 'localhost');
  const received = [];
  socket.on('data', (chunk) => received.push(chunk));
  await once(socket, 'end');
  expect(Buffer.concat(received).toString()).toBe('so long');
});

test('reports errors', async () => {
  const socket = net.connect(1, 'a..b');
  const [error] = await once(socket, 'error');
  expect(error.message).toContain('net::ERR_NAME_NOT_RESOLVED');
  expect(globalThis.chrome.runtime).not.toHaveProperty('lastError');
});

test('sets options', async () => {
  const { port } = await startServer({ onConnection: echo });
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  await new Promise((resolve, reject) => {
    socket.setNoDelay(true, (error) => (error ? reject(error) : resolve()));
  });
  await new Promise((resolve, reject) => {
    socket.setKeepAlive(true, 10_000, (error) => (error ? reject(error) : resolve()));
  });
  socket.destroy();
  await once(socket, 'close');
});

test('listens and serves several clients', async () => {
  server = net.createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { address, port } = server.address();
  expect(address).toBe('127.0.0.1');

  const echoed = await Promise.all(
    ['first', 'second'].map(async (text) => {
      const socket = net.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(text);
      const [chunk] = await once(socket, 'data');
      socket.destroy();
      return String(chunk);
    }),
  );
  expect(echoed).toEqual(['first', 'second']);

  server.close();
  await once(server, 'close');
  const socket = net.connect(port, '127.0.0.1');
  const [error] = await once(socket, 'error');
  expect(error.message).toContain('net::ERR_CONNECTION_REFUSED');
});
