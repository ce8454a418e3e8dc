'use strict';

/** Changes of built-in objects by an application or its libraries. */

const { call, closeSockets, connected, result, runtime, tcp } = require('./support/client.js');
const { echo, startServer, stopServers } = require('../support/servers.js');

afterEach(async () => {
  await closeSockets();
  await stopServers();
});

test('the parsers ignore members of Object.prototype', async () => {
  Object.assign(Object.prototype, { name: 5, bufferSize: 'x', tlsVersion: 1, min: 2, paused: 'y' });
  try {
    const { socketId } = await tcp.create();
    await tcp.update(socketId, {});
    const info = await tcp.getInfo(socketId);
    expect(Object.keys(info)).toEqual(['connected', 'paused', 'persistent', 'socketId']);
    expect(info.paused).toBe(false);
    expect(await result('secure', socketId, {})).toBe(-4);
  } finally {
    for (const key of Object.keys(Object.prototype)) delete Object.prototype[key];
  }
});

test('send() takes the real window of a view, not its overridden properties', async () => {
  const server = await startServer({ onConnection: echo });
  const { socketId, inbox } = await connected(server.port);
  for (const View of [Uint8Array, Uint16Array, DataView]) {
    const view = new View(Uint8Array.of(1, 2, 3, 4).buffer);
    for (const key of ['byteLength', 'byteOffset', 'buffer', 'length']) {
      Object.defineProperty(view, key, { value: 1 });
    }
    expect(await result('send', socketId, view)).toEqual({ bytesSent: 4, resultCode: 0 });
  }
  expect([...(await inbox.untilReceived(12))]).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
});

test('sends are written although Promise.prototype.then was replaced', async () => {
  const server = await startServer({ onConnection: echo });
  const { socketId, inbox } = await connected(server.port);
  const { then } = Promise.prototype;
  Promise.prototype.then = function () {
    return this;
  };
  try {
    tcp.send(socketId, Uint8Array.of(7), () => {});
  } finally {
    Promise.prototype.then = then;
  }
  expect([...(await inbox.untilReceived(1))]).toEqual([7]);
});

test('a lastError accessor that throws keeps no callback from running', async () => {
  Object.defineProperty(runtime, 'lastError', {
    get() {
      throw new Error('not for you');
    },
    configurable: true,
  });
  try {
    const args = await new Promise((resolve) => {
      tcp.close(99999, (...given) => resolve(given));
    });
    expect(args).toEqual([]);
  } finally {
    delete runtime.lastError;
  }
  expect(await call('close', 99999)).toEqual({ args: [], lastError: 'Socket not found' });
});
