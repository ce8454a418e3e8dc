'use strict';

const promises = require('../entry/promises.js');
const { closeSockets } = require('./support/client.js');
const { certificate, startServer, stopServers } = require('../support/servers.js');

afterEach(async () => {
  await closeSockets();
  await stopServers();
});

describe('arguments that type-check are accepted', () => {
  test.each([
    ['connect, no signal', (id, port) => promises.connect(id, '127.0.0.1', port, {})],
    ['connect, all left out', (id, port) => promises.connect(id, '127.0.0.1', port, undefined)],
    [
      'connect, a family and no signal',
      (id, port) => promises.connect(id, '127.0.0.1', port, 'any', {}),
    ],
    ['connect, undefined', (id, port) => promises.connect(id, '127.0.0.1', port, null, undefined)],
    [
      'connect, an undefined signal',
      (id, port) => promises.connect(id, '127.0.0.1', port, { signal: undefined }),
    ],
  ])('%s', async (_name, connect) => {
    const { port } = await startServer();
    const { socketId } = await promises.create();
    expect(await connect(socketId, port)).toBe(0);
    await promises.close(socketId);
  });

  test.each([
    [[{}, undefined]],
    [[undefined, undefined]],
    [[null, {}]],
    [[{ tlsVersion: {} }, { signal: undefined }]],
    [[{}]],
    [[undefined]],
  ])('secure(id, ...%j)', async (args) => {
    const { port } = await startServer({ tls: certificate() });
    const { socketId } = await promises.create();
    await promises.connect(socketId, 'localhost', port);
    expect(await promises.secure(socketId, ...args)).toBe(0);
    await promises.close(socketId);
  });

  test('arguments of other types are rejected', async () => {
    const { socketId } = await promises.create();
    const wrong = [
      () => promises.connect(socketId, '127.0.0.1', 1, { sigal: null }),
      () => promises.connect(socketId, '127.0.0.1', 1, 'any', () => {}),
      () => promises.connect(socketId, '127.0.0.1', 1, 'any', 5),
      () => promises.secure(socketId, {}, () => {}),
    ];
    for (const call of wrong) await expect((async () => call())()).rejects.toThrow(TypeError);
  });
});
