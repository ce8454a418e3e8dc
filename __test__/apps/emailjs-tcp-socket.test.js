'use strict';

// npm's emailjs-tcp-socket 1.x: the W3C TCPSocket API on top of chrome.sockets.tcp, TLS included.

const { certificate, echo, startServer, stopServers } = require('../../support/servers.js');

let TCPSocket;

beforeAll(() => {
  // The globals by which the library recognises a Chrome App that has chrome.sockets only.
  Object.assign(globalThis, {
    window: globalThis,
    navigator: {},
    addEventListener: () => {},
    forge: {},
    chrome: { runtime: { getPlatformInfo: (callback) => callback({ os: 'cordova' }) } },
  });
  require('../../entry/register.js');
  TCPSocket = require('emailjs-tcp-socket');
});

afterEach(stopServers);

/** Resolves with the next event of a kind; rejects with the error that comes instead. */
const next = (socket, type) =>
  new Promise((resolve, reject) => {
    if (type !== 'error') socket.onerror = ({ data }) => reject(data);
    socket[`on${type}`] = resolve;
  });

/** Collects what the socket receives until there is enough. */
const receive = (socket, length) =>
  new Promise((resolve) => {
    let received = Buffer.alloc(0);
    socket.ondata = ({ data }) => {
      received = Buffer.concat([received, Buffer.from(data)]);
      if (received.length >= length) resolve(received);
    };
  });

test.each([
  ['plain', () => undefined],
  ['TLS', () => certificate()],
])('exchanges data with a %s server', async (kind, tls) => {
  const { port } = await startServer({ onConnection: echo, tls: tls() });
  const useSecureTransport = kind === 'TLS';
  const socket = TCPSocket.open('localhost', port, { useSecureTransport });
  await next(socket, 'open');
  expect(socket.ssl).toBe(useSecureTransport);

  const sent = Buffer.alloc(100_000, kind);
  const received = receive(socket, sent.length);
  socket.send(Uint8Array.from(sent).buffer);
  expect((await received).equals(sent)).toBe(true);

  const closed = next(socket, 'close');
  socket.close();
  await closed;
});

test('reports that the peer has closed', async () => {
  const { port } = await startServer({ onConnection: (peer) => peer.end('bye') });
  const socket = TCPSocket.open('127.0.0.1', port);
  const received = receive(socket, 3);
  await next(socket, 'close');
  expect((await received).toString()).toBe('bye');
});

test('reports the cause of a failed TLS handshake', async () => {
  const { port } = await startServer({ onConnection: echo, tls: certificate('other') });
  const unchecked = jest.spyOn(console, 'error').mockImplementation(() => {});
  const socket = TCPSocket.open('localhost', port, { useSecureTransport: true });
  const { data: error } = await next(socket, 'error');
  expect(error.message).toBe('TLS handshake failed. Reason: net::ERR_CERT_COMMON_NAME_INVALID');
  // The library then closes the socket, without a callback, although the failure has destroyed it.
  await globalThis.chrome.sockets.tcp.getSockets();
  expect(unchecked.mock.calls).toEqual([['Unchecked runtime.lastError: Socket not found']]);
  unchecked.mockRestore();
});
