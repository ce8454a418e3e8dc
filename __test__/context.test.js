'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const { once } = require('node:events');
const net = require('node:net');
const { connect } = require('../entry/duplex.js');
const sockets = require('../entry/promises.js');
const { runNode } = require('./support/child.js');
const { closeSockets, connected, tcp } = require('./support/client.js');
const { echo, startServer, stopServers } = require('../support/servers.js');

const storage = new AsyncLocalStorage();

afterEach(async () => {
  await closeSockets();
  await stopServers();
});

/** Runs an action as the request of this name. */
const as = (name, action) => storage.run(name, action);

describe('the asynchronous context', () => {
  test('of a callback is that of its call, however calls overlap', async () => {
    const server = await startServer({ onConnection: echo });
    const { socketId } = await connected(server.port);
    const calls = {
      create: [{}],
      getInfo: [socketId],
      getSockets: [],
      send: [socketId, new ArrayBuffer(1)],
      setKeepAlive: [socketId, true],
      setPaused: [socketId, true],
      update: [socketId, {}],
      disconnect: [socketId],
    };
    const seen = [];
    const made = Object.entries(calls).flatMap(([method, args]) =>
      ['A', 'B', undefined].map(
        (name) =>
          new Promise((resolve) =>
            as(name, () =>
              tcp[method](...args, () => {
                seen.push([method, name, storage.getStore()]);
                resolve(undefined);
              }),
            ),
          ),
      ),
    );
    await Promise.all(made);
    expect(seen).toHaveLength(3 * Object.keys(calls).length);
    for (const [, name, store] of seen) expect(store).toBe(name);
  });

  test('of connect() and of many sends of one tick is that of each call', async () => {
    const { port } = await startServer();
    const names = ['A', 'B', 'C'];
    const seen = await Promise.all(
      names.map((name) =>
        as(name, async () => {
          const { socketId } = await sockets.create();
          const connecting = new Promise((resolve) =>
            tcp.connect(socketId, 'localhost', port, () => resolve(storage.getStore())),
          );
          const connectStore = await connecting;
          const sending = Array.from(
            { length: 5 },
            () =>
              new Promise((resolve) =>
                tcp.send(socketId, new ArrayBuffer(1), () => resolve(storage.getStore())),
              ),
          );
          return [connectStore, ...(await Promise.all(sending)), storage.getStore()];
        }),
      ),
    );
    expect(seen).toEqual(names.map((name) => Array(7).fill(name)));
  });

  test('of a listener is that in which it was added', async () => {
    const server = await startServer();
    const seen = { A: [], B: [], none: [] };
    const listeners = Object.keys(seen).map((name) => () => seen[name].push(storage.getStore()));
    as('A', () => tcp.onReceive.addListener(listeners[0]));
    as('B', () => tcp.onReceive.addListener(listeners[1]));
    as(undefined, () => tcp.onReceive.addListener(listeners[2]));
    const { inbox } = await as('C', () => connected(server.port));
    (await server.accepted()).write('x');
    await inbox.untilReceived(1);
    for (const listener of listeners) tcp.onReceive.removeListener(listener);
    expect(seen).toEqual({ A: ['A'], B: ['B'], none: [undefined] });
  });

  test('of dispatch() is that of the caller', () => {
    const seen = [];
    const listener = () => seen.push(storage.getStore());
    as('A', () => tcp.onReceive.addListener(listener));
    as('B', () => tcp.onReceive.dispatch({}));
    tcp.onReceive.removeListener(listener);
    expect(seen).toEqual(['B']);
  });

  test.each([
    ['net.Socket', (port) => net.connect(port, '127.0.0.1')],
    ['ours', (port) => connect({ host: '127.0.0.1', port })],
  ])('of the events of a stream is that of its creation: %s', async (_, make) => {
    const server = await startServer({ onConnection: echo });
    const streams = ['A', 'B'].map((name) => {
      const stream = as(name, () => make(server.port));
      const seen = [];
      for (const event of ['connect', 'data', 'end', 'close']) {
        stream.on(event, () => seen.push([event, storage.getStore()]));
      }
      return { name, stream, seen };
    });
    for (const { stream } of streams) {
      await as('C', async () => {
        if (stream.connecting) await once(stream, 'connect');
        stream.write('x');
      });
      const [peer] = await Promise.all([server.accepted(), once(stream, 'data')]);
      const closed = once(stream, 'close');
      peer.end();
      await closed;
    }
    for (const { name, seen } of streams) {
      expect(seen).toEqual(['connect', 'data', 'end', 'close'].map((event) => [event, name]));
    }
  });

  test('of an iterator is that of its consumer', async () => {
    const server = await startServer();
    const read = async () => {
      const { socketId } = await sockets.create();
      await sockets.connect(socketId, '127.0.0.1', server.port);
      const peer = await server.accepted();
      setImmediate(() => as('peer', () => peer.end('x')));
      const seen = [];
      for await (const data of sockets.received(socketId)) seen.push(data && storage.getStore());
      return seen;
    };
    for (const name of ['A', 'B']) expect(await as(name, read)).toEqual([name]);
  });

  test('keeps no store alive, not even that of the first call', async () => {
    const { port } = await startServer();
    const { code, stdout, stderr } = await runNode([
      '--expose-gc',
      '--eval',
      // Node 18 keeps the store in which a module of its own, whichever it is, is required first.
      `const used = 'crypto diagnostics_channel fs module net path stream timers url util worker_threads';
      for (const name of [...used.split(' '), 'util/types']) require('node:' + name);
      const { AsyncLocalStorage } = require('node:async_hooks');
      const storage = new AsyncLocalStorage();
      let store;
      storage.run({}, () => {
        store = new WeakRef(storage.getStore());
        const tcp = require('./index.js');
        tcp.create({}, ({ socketId }) => tcp.connect(socketId, '127.0.0.1', ${port}, () => {}));
      });
      storage.run({}, () => {
        const stream = require('./entry/duplex.js').connect({ host: '127.0.0.1', port: ${port} });
        stream.once('connect', () => stream.destroy());
      });
      let turns = 0;
      const look = setInterval(() => {
        gc();
        if (store.deref() === undefined || turns++ > 100) {
          clearInterval(look);
          console.log(store.deref() === undefined ? 'free' : 'held');
          process.exit();
        }
      }, 20);`,
    ]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'free\n', stderr: '' });
  });
});

test('the first storage may come into use between two sends of a tick', async () => {
  const { port } = await startServer();
  const { stdout, stderr } = await runNode([
    '--eval',
    `const { AsyncLocalStorage } = require('node:async_hooks');
    const tcp = require('./index.js');
    tcp.create({}, ({ socketId }) => {
      tcp.connect(socketId, '127.0.0.1', ${port}, () => {
        const storage = new AsyncLocalStorage();
        const show = () => console.log(storage.getStore());
        tcp.send(socketId, new ArrayBuffer(1), show);
        storage.run('A', () => tcp.send(socketId, new ArrayBuffer(1), show));
        tcp.send(socketId, new ArrayBuffer(1), show);
        tcp.close(socketId, () => {});
      });
    });`,
  ]);
  expect({ stdout, stderr }).toEqual({ stdout: 'undefined\nA\nundefined\n', stderr: '' });
});

test('a listener that is removed while an event is delivered still has its context', async () => {
  const server = await startServer();
  const seen = [];
  const first = () => tcp.onReceive.removeListener(second);
  const second = () => seen.push(storage.getStore());
  as('A', () => tcp.onReceive.addListener(first));
  as('B', () => tcp.onReceive.addListener(second));
  const { inbox } = await connected(server.port);
  (await server.accepted()).write('x');
  await inbox.untilReceived(1);
  tcp.onReceive.removeListener(first);
  expect(seen).toEqual(['B']);
});

test('an asynchronous hook may send when a call makes its context', async () => {
  const { port } = await startServer();
  const { stdout, stderr } = await runNode([
    '--eval',
    `const { createHook } = require('node:async_hooks');
    const tcp = require('./index.js');
    const ended = [];
    const note = (name) => () => ended.push(name);
    let nested = 0;
    const hook = createHook({
      init(_id, type) {
        if (type !== 'chrome.sockets.tcp' || nested > 0) return;
        nested += 1;
        tcp.send(1, new ArrayBuffer(1), note('nested'));
        nested -= 1;
      },
    });
    tcp.create({}, ({ socketId }) => {
      tcp.connect(socketId, '127.0.0.1', ${port}, () => {
        hook.enable();
        tcp.send(socketId, new ArrayBuffer(1), note('first'));
        tcp.getInfo(socketId, note('getInfo'));
        tcp.send(socketId, new ArrayBuffer(1), note('last'));
        hook.disable();
        tcp.close(socketId, () => console.log(ended.join()));
      });
    });`,
  ]);
  const calls = ['first', 'getInfo', 'last'].map((name) => `nested,${name}`);
  expect({ stdout, stderr }).toEqual({ stdout: `${calls}\n`, stderr: '' });
});
