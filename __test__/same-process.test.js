'use strict';

// A server in the same event loop learns of each step before the client does, as with node:net.

const net = require('node:net');
const tls = require('node:tls');

const { call, closeSockets, tcp } = require('./support/client.js');
const { certificate } = require('../support/servers.js');

const ROUNDS = 200;

/** @type {net.Server[]} */
const servers = [];

afterEach(async () => {
  jest.useRealTimers();
  await closeSockets();
  for (const server of servers.splice(0)) {
    await new Promise((resolve) => server.close(resolve));
  }
});

/**
 * @param {net.Server} server
 * @returns {Promise<number>} Its port.
 */
async function listening(server) {
  servers.push(server);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  return /** @type {net.AddressInfo} */ (server.address()).port;
}

/** The places of an event loop from which an application calls. */
const PLACES = {
  'the main job': (/** @type {() => void} */ job) => job(),
  'a timer': (/** @type {() => void} */ job) => setTimeout(job, 0),
  'an immediate': (/** @type {() => void} */ job) => setImmediate(job),
  'a microtask': (/** @type {() => void} */ job) => void Promise.resolve().then(job),
  'a callback of the API': (/** @type {() => void} */ job) => void tcp.getSockets(() => job()),
};

describe.each(['127.0.0.1', 'localhost'])("connect() to %s: 'connection' comes first", (host) => {
  test.each(Object.entries(PLACES))('from %s', async (_place, from) => {
    /** @type {string[]} */
    let log = [];
    const onReceive = () => log.push('onReceive');
    tcp.onReceive.addListener(onReceive);
    const server = net.createServer((peer) => {
      log.push('connection');
      peer.on('error', () => {});
      peer.write('greeting');
    });
    const port = await listening(server);
    for (let round = 0; round < ROUNDS; round++) {
      log = [];
      const { socketId } = await tcp.create();
      const greeted = new Promise((resolve) => {
        const listener = () => {
          tcp.onReceive.removeListener(listener);
          resolve(undefined);
        };
        tcp.onReceive.addListener(listener);
      });
      from(() => tcp.connect(socketId, host, port, (code) => log.push(`connect ${code}`)));
      await greeted;
      await tcp.close(socketId);
      expect(log).toEqual(['connection', 'connect 0', 'onReceive']);
    }
    tcp.onReceive.removeListener(onReceive);
  });
});

test("secure(): 'secureConnection' comes first", async () => {
  /** @type {string[]} */
  let log = [];
  const server = tls.createServer(certificate(), () => log.push('secureConnection'));
  const port = await listening(server);
  for (let round = 0; round < ROUNDS / 4; round++) {
    log = [];
    const { socketId } = await tcp.create();
    await tcp.setPaused(socketId, true);
    await call('connect', socketId, 'localhost', port);
    const { args } = await call('secure', socketId);
    log.push(`secure ${args[0]}`);
    expect(log).toEqual(['secureConnection', 'secure 0']);
    await tcp.close(socketId);
  }
});

test("fake timers do not change the order of 'connection' and the callback", async () => {
  /** @type {string[]} */
  const log = [];
  const port = await listening(net.createServer(() => log.push('connection')));
  const { socketId } = await tcp.create();
  jest.useFakeTimers();
  await call('connect', socketId, '127.0.0.1', port);
  log.push('connect');
  expect(log).toEqual(['connection', 'connect']);
});

test('a peer that resets at once does not make connect() fail', async () => {
  const port = await listening(net.createServer((peer) => peer.resetAndDestroy()));
  for (let round = 0; round < ROUNDS / 4; round++) {
    const { socketId } = await tcp.create();
    /** @type {Promise<number>} */
    const ended = new Promise((resolve) => {
      const listener = (/** @type {{ resultCode: number }} */ { resultCode }) => {
        tcp.onReceiveError.removeListener(listener);
        resolve(resultCode);
      };
      tcp.onReceiveError.addListener(listener);
    });
    expect(await call('connect', socketId, '127.0.0.1', port)).toMatchObject({ args: [0] });
    expect(await ended).toBe(-100);
    await tcp.close(socketId);
  }
});
