'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const { once } = require('node:events');
const { call, closeSockets, connected, Inbox, result, tcp } = require('./support/client.js');
const { closedPort, echo, startServer, stopServers } = require('../support/servers.js');

const UNKNOWN = 99999;
const bytes = (length) => Uint8Array.from({ length }, (_, index) => index % 251);

afterEach(async () => {
  await closeSockets();
  await stopServers();
});

describe('create, update, getInfo and getSockets', () => {
  test('a new socket has the defaults, and no member that has no value', async () => {
    const { socketId } = await tcp.create();
    const info = await tcp.getInfo(socketId);
    expect(info).toStrictEqual({ connected: false, paused: false, persistent: false, socketId });
  });

  test('ids are positive and ascend, also after a close', async () => {
    const { socketId: first } = await tcp.create();
    await tcp.close(first);
    const { socketId: second } = await tcp.create();
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first);
  });

  test('update changes only the properties it is given', async () => {
    const { socketId } = await tcp.create({ name: 'n', persistent: true, bufferSize: 7 });
    await tcp.update(socketId, { name: 'm', bufferSize: null });
    const expected = { name: 'm', persistent: true, bufferSize: 7 };
    expect(await tcp.getInfo(socketId)).toMatchObject(expected);
  });

  test('an empty name and a buffer size of 0 or less are not shown', async () => {
    const { socketId } = await tcp.create({ name: 'n', bufferSize: 7 });
    await tcp.update(socketId, { name: '', bufferSize: -5 });
    const info = await tcp.getInfo(socketId);
    expect(Object.keys(info)).toEqual(['connected', 'paused', 'persistent', 'socketId']);
  });

  test('lone surrogates in a name become U+FFFD', async () => {
    const { socketId } = await tcp.create({ name: 'a\uD800b\0c' });
    expect((await tcp.getInfo(socketId)).name).toBe('a\uFFFD\uFFFD\uFFFDb\0c');
  });

  test('getSockets lists the open sockets by id', async () => {
    expect(await tcp.getSockets()).toStrictEqual([]);
    const { socketId: first } = await tcp.create({ name: 'first' });
    const { socketId: second } = await tcp.create({ name: 'second' });
    expect((await tcp.getSockets()).map(({ socketId }) => socketId)).toEqual([first, second]);
  });

  test('a connected socket shows both addresses, members in alphabetical order', async () => {
    const server = await startServer();
    const { socketId } = await connected(server.port, { properties: { name: 'n', bufferSize: 1 } });
    const peer = await server.accepted();
    const info = await tcp.getInfo(socketId);
    expect(info).toStrictEqual({
      bufferSize: 1,
      connected: true,
      localAddress: '127.0.0.1',
      localPort: peer.remotePort,
      name: 'n',
      paused: false,
      peerAddress: '127.0.0.1',
      peerPort: server.port,
      persistent: false,
      socketId,
    });
    expect(Object.keys(info)).toEqual(Object.keys(info).sort());
  });

  test('results show the state at the time of the call', async () => {
    const { socketId } = await tcp.create({ name: 'before' });
    const [info] = await Promise.all([
      tcp.getInfo(socketId),
      tcp.update(socketId, { name: 'after' }),
    ]);
    expect(info.name).toBe('before');
  });
});

describe('an unknown id', () => {
  test.each([
    ['update', [{}], []],
    ['setPaused', [true], []],
    ['setKeepAlive', [true], [-2]],
    ['setNoDelay', [true], [-2]],
    ['connect', ['127.0.0.1', 80], []],
    ['disconnect', [], []],
    ['secure', [], [-4]],
    ['send', [new ArrayBuffer(1)], []],
    ['close', [], []],
    ['getInfo', [], []],
  ])('is reported by %s', async (method, args, given) => {
    const answer = await call(method, UNKNOWN, ...args);
    expect(answer).toEqual({ args: given, lastError: 'Socket not found' });
  });
});

describe('connect', () => {
  test.each(['127.0.0.1', '127.1', '0x7f000001', 'localhost', 'LOCALHOST', 'foo.localhost.'])(
    'reaches %s',
    async (host) => {
      const server = await startServer({ onConnection: echo });
      const { socketId } = await tcp.create();
      const answer = await call('connect', socketId, host, server.port);
      expect(answer).toEqual({ args: [0], lastError: undefined });
      expect(await tcp.getInfo(socketId)).toMatchObject({ peerAddress: '127.0.0.1' });
    },
  );

  test('reaches IPv6 addresses', async () => {
    const server = await startServer({ host: '::1' });
    const { socketId } = await connected(server.port, { host: '::1' });
    expect(await tcp.getInfo(socketId)).toMatchObject({ localAddress: '::1', peerAddress: '::1' });
  });

  test('resolves names to the family asked for', async () => {
    const server = await startServer();
    const { socketId } = await tcp.create();
    expect(await result('connect', socketId, 'localhost', server.port, 'ipv6')).toBe(-102);
    expect(await result('connect', socketId, '127.0.0.1', server.port, 'ipv6')).toBe(-105);
    expect(await result('connect', socketId, 'localhost', server.port, 'ipv4')).toBe(0);
  });

  test('narrows the port to 16 bits', async () => {
    const server = await startServer();
    const { socketId } = await tcp.create();
    expect(await result('connect', socketId, '127.0.0.1', server.port + 65536)).toBe(0);
  });

  test('reports a refused connection, and the socket can be used again', async () => {
    const { socketId } = await tcp.create();
    expect(await call('connect', socketId, '127.0.0.1', await closedPort())).toEqual({
      args: [-102],
      lastError: 'net::ERR_CONNECTION_REFUSED',
    });
    const server = await startServer();
    expect(await result('connect', socketId, '127.0.0.1', server.port)).toBe(0);
  });

  test.each(['', ' localhost', 'a..b', '256.1.1.1', '[::1]', 'exa mple', 'localhost:80'])(
    'does not resolve %p',
    async (host) => {
      const { socketId } = await tcp.create();
      expect(await call('connect', socketId, host, 80)).toEqual({
        args: [-105],
        lastError: 'net::ERR_NAME_NOT_RESOLVED',
      });
    },
    // The resolver is asked for some of them, and may wait for its server.
    60_000,
  );

  test('refuses a socket that is connected', async () => {
    const server = await startServer();
    const { socketId } = await connected(server.port);
    expect(await call('connect', socketId, '127.0.0.1', server.port)).toEqual({
      args: [-23],
      lastError: 'net::ERR_SOCKET_IS_CONNECTED',
    });
  });
});

describe('send and onReceive', () => {
  test('carry bytes both ways', async () => {
    const server = await startServer({ onConnection: echo });
    const { socketId, inbox } = await connected(server.port);
    const sendInfo = await result('send', socketId, bytes(100_000));
    expect(sendInfo).toStrictEqual({ bytesSent: 100_000, resultCode: 0 });
    expect(Object.keys(sendInfo)).toEqual(['bytesSent', 'resultCode']);
    expect(await inbox.untilReceived(100_000)).toEqual(Buffer.from(bytes(100_000)));
  });

  test('the event’s argument is an object of this realm with an ArrayBuffer', async () => {
    const server = await startServer({ onConnection: echo });
    const { socketId } = await connected(server.port);
    const info = await new Promise((resolve) => {
      const listener = (received) => {
        tcp.onReceive.removeListener(listener);
        resolve(received);
      };
      tcp.onReceive.addListener(listener);
      tcp.send(socketId, bytes(3), () => {});
    });
    expect(info).toStrictEqual({ data: bytes(3).buffer, socketId });
    expect(info.data).toBeInstanceOf(ArrayBuffer);
    expect(Object.keys(info)).toEqual(['data', 'socketId']);
  });

  test.each([
    ['a Buffer', Buffer.from('abcd')],
    [
      'the window of a view',
      new Uint16Array(Uint8Array.from(Buffer.from('xxabcdxx')).buffer, 2, 2),
    ],
    ['a DataView', new DataView(Uint8Array.from(Buffer.from('abcd')).buffer)],
  ])('send takes %s', async (_title, data) => {
    const server = await startServer({ onConnection: echo });
    const { socketId, inbox } = await connected(server.port);
    expect(await result('send', socketId, data)).toEqual({ bytesSent: 4, resultCode: 0 });
    expect((await inbox.untilReceived(4)).toString()).toBe('abcd');
  });

  test('send copies its bytes at once', async () => {
    const server = await startServer({ onConnection: echo });
    const { socketId, inbox } = await connected(server.port);
    const data = Uint8Array.of(1, 2, 3);
    tcp.send(socketId, data, () => {});
    data.fill(9);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    expect([...(await inbox.untilReceived(3))]).toEqual([1, 2, 3]);
  });

  test('sends end in order, empty ones too', async () => {
    const server = await startServer({ onConnection: echo });
    const { socketId, inbox } = await connected(server.port);
    const sizes = [5, 0, 70_000, 1, 0];
    const order = [];
    await Promise.all(
      sizes.map(async (size) => order.push(await result('send', socketId, bytes(size)))),
    );
    expect(order).toEqual(sizes.map((bytesSent) => ({ bytesSent, resultCode: 0 })));
    const expected = Buffer.concat(sizes.map((size) => bytes(size)));
    expect(await inbox.untilReceived(expected.length)).toEqual(expected);
  });

  test('many empty sends and the largest buffer size work, which crash Chromium', async () => {
    const server = await startServer({ onConnection: echo });
    const { socketId, inbox } = await connected(server.port);
    await tcp.update(socketId, { bufferSize: 2147483647 });
    const empty = Array.from({ length: 100 }, () => result('send', socketId, new ArrayBuffer(0)));
    for (const info of await Promise.all(empty)) {
      expect(info).toEqual({ bytesSent: 0, resultCode: 0 });
    }
    await result('send', socketId, new ArrayBuffer(300_000));
    await inbox.untilReceived(300_000);
  });

  test('send on an unconnected socket gives a code without a number of bytes', async () => {
    const { socketId } = await tcp.create();
    expect(await call('send', socketId, bytes(1))).toEqual({
      args: [{ resultCode: -15 }],
      lastError: 'net::ERR_SOCKET_NOT_CONNECTED',
    });
  });

  test.each([
    ['more than 200 MiB of pending bytes', 200 * 1024 * 1024 + 1],
    ['more bytes than a Uint8Array of Node 20 can have', 2 ** 32 + 1],
  ])('send refuses %s', async (_, length) => {
    const { socketId } = await tcp.create();
    expect(await call('send', socketId, new ArrayBuffer(length))).toEqual({
      args: [],
      lastError: 'Exceeded write quota.',
    });
  });

  test.each([
    [undefined, 4096],
    [1, 1],
    [100, 100],
    [0, 4096],
    [-1, 4096],
  ])('a bufferSize of %p bounds every event by %p bytes', async (bufferSize, bound) => {
    const server = await startServer({ onConnection: (peer) => peer.end(bytes(9_000)) });
    const { inbox } = await connected(server.port, { properties: { bufferSize } });
    expect(await inbox.untilError()).toBe(-100);
    expect(inbox.bytes).toEqual(Buffer.from(bytes(9_000)));
    expect(Math.max(...inbox.chunks.map(({ length }) => length))).toBe(bound);
  });

  test('microtasks of one event run before the next event', async () => {
    const server = await startServer({ onConnection: (peer) => peer.end(bytes(3)) });
    const order = [];
    let count = 0;
    const listener = () => {
      const number = ++count;
      order.push(`event ${number}`);
      Promise.resolve()
        .then(() => {})
        .then(() => order.push(`microtasks of ${number}`));
    };
    tcp.onReceive.addListener(listener);
    const { inbox } = await connected(server.port, { properties: { bufferSize: 1 } });
    await inbox.untilError();
    tcp.onReceive.removeListener(listener);
    expect(order).toEqual([1, 2, 3].flatMap((n) => [`event ${n}`, `microtasks of ${n}`]));
  });

  test("an application that sends from each send's callback still receives", async () => {
    const server = await startServer({ onConnection: (peer) => peer.resume() });
    const { socketId, inbox } = await connected(server.port);
    const peer = await server.accepted();
    let sending = true;
    const sendAgain = () => {
      if (sending) tcp.send(socketId, bytes(1), sendAgain);
    };
    sendAgain();
    peer.write('at last');
    try {
      expect((await inbox.untilReceived(7)).toString()).toBe('at last');
    } finally {
      sending = false;
    }
  });

  test('events do not run in the asynchronous context of an earlier call', async () => {
    const server = await startServer({ onConnection: echo });
    const { socketId, inbox } = await connected(server.port);
    const storage = new AsyncLocalStorage();
    const seen = [];
    const listener = () => seen.push(storage.getStore());
    tcp.onReceive.addListener(listener);
    try {
      for (let length = 1; length <= 10; length += 1) {
        storage.run('of one send', () => tcp.send(socketId, bytes(1), () => {}));
        await inbox.untilReceived(length);
      }
    } finally {
      tcp.onReceive.removeListener(listener);
    }
    expect(new Set(seen)).toEqual(new Set([undefined]));
  });
});

describe('the end of a connection', () => {
  test('by the peer delivers all bytes, then the error, and pauses the socket', async () => {
    const server = await startServer({ onConnection: (peer) => peer.end(bytes(20_000)) });
    const { socketId, inbox } = await connected(server.port);
    expect(await inbox.untilError()).toBe(-100);
    expect(inbox.bytes).toEqual(Buffer.from(bytes(20_000)));
    expect(await tcp.getInfo(socketId)).toStrictEqual({
      connected: false,
      paused: true,
      persistent: false,
      socketId,
    });
    expect(await result('send', socketId, bytes(1))).toEqual({ resultCode: -15 });
  });

  test('by a reset raises the same error', async () => {
    const server = await startServer();
    const { inbox } = await connected(server.port);
    (await server.accepted()).resetAndDestroy();
    expect(await inbox.untilError()).toBe(-100);
  });

  test('by disconnect calls back, then raises the error, and the socket can reconnect', async () => {
    const server = await startServer({ onConnection: echo });
    const { socketId, inbox } = await connected(server.port);
    const peer = await server.accepted();
    expect(await call('disconnect', socketId)).toEqual({ args: [], lastError: undefined });
    expect(inbox.errors).toEqual([]);
    expect(await inbox.untilError()).toBe(-100);
    await once(peer, 'close');

    expect(await result('connect', socketId, '127.0.0.1', server.port)).toBe(0);
    await tcp.setPaused(socketId, false);
    await result('send', socketId, bytes(10));
    expect(await inbox.untilReceived(10)).toEqual(Buffer.from(bytes(10)));
  });

  test('by disconnect of a paused socket raises no error', async () => {
    const server = await startServer();
    const { socketId, inbox } = await connected(server.port, { paused: true });
    await tcp.disconnect(socketId);
    await once(await server.accepted(), 'close');
    expect(await tcp.getInfo(socketId)).toMatchObject({ connected: false, paused: true });
    expect(inbox.errors).toEqual([]);
  });

  test('by close calls back, then raises the error, and the id is unknown at once', async () => {
    const server = await startServer();
    const { socketId, inbox } = await connected(server.port);
    const closed = call('close', socketId);
    const info = call('getInfo', socketId);
    expect(await closed).toEqual({ args: [], lastError: undefined });
    expect(inbox.errors).toEqual([]);
    expect(await info).toEqual({ args: [], lastError: 'Socket not found' });
    expect(await inbox.untilError()).toBe(-100);
    await once(await server.accepted(), 'close');
  });

  test('by close after send delivers all sent bytes to the peer', async () => {
    const server = await startServer();
    const { socketId } = await connected(server.port);
    const peer = await server.accepted();
    const received = [];
    peer.on('data', (data) => received.push(data));
    tcp.send(socketId, bytes(50_000), () => {});
    tcp.close(socketId, () => {});
    await once(peer, 'end');
    expect(Buffer.concat(received)).toEqual(Buffer.from(bytes(50_000)));
  });
});

describe('setPaused', () => {
  test('a socket that was paused before it connected receives after it is unpaused', async () => {
    const server = await startServer({ onConnection: (peer) => peer.end('hello') });
    const { socketId, inbox } = await connected(server.port, { paused: true });
    expect(await tcp.getInfo(socketId)).toMatchObject({ connected: true, paused: true });
    const peer = await server.accepted();
    if (!peer.writableFinished) await once(peer, 'finish');
    expect(inbox.chunks).toEqual([]);
    await tcp.setPaused(socketId, false);
    expect((await inbox.untilReceived(5)).toString()).toBe('hello');
    expect(await inbox.untilError()).toBe(-100);
  });

  test('the read in flight delivers once more', async () => {
    const server = await startServer({ onConnection: echo });
    const { socketId, inbox } = await connected(server.port);
    await tcp.setPaused(socketId, true);
    await result('send', socketId, bytes(1));
    await inbox.untilReceived(1);
    await result('send', socketId, bytes(2));
    // The echo of the second send stays in the kernel.
    const other = await connected(server.port);
    await result('send', other.socketId, bytes(3));
    await other.inbox.untilReceived(3);
    expect(inbox.bytes).toHaveLength(1);
    await tcp.setPaused(socketId, false);
    expect(await inbox.untilReceived(3)).toHaveLength(3);
  });
});

describe('setKeepAlive and setNoDelay', () => {
  test.each([
    ['setKeepAlive', [true], 0],
    ['setKeepAlive', [true, 10], 0],
    ['setKeepAlive', [false], 0],
    ['setKeepAlive', [true, -1], -2],
    ['setKeepAlive', [true, 32768], -2],
    ['setNoDelay', [true], 0],
    ['setNoDelay', [false], 0],
  ])('%s(%p) on a connected socket', async (method, args, expected) => {
    const server = await startServer();
    const { socketId } = await connected(server.port);
    expect(await result(method, socketId, ...args)).toBe(expected);
  });

  test.each(['setKeepAlive', 'setNoDelay'])('%s needs a connection', async (method) => {
    const { socketId } = await tcp.create();
    const answer = await call(method, socketId, true);
    expect(answer).toEqual({ args: [-2], lastError: 'net::ERR_FAILED' });
  });
});

test('events without a listener are lost, and reading continues', async () => {
  const server = await startServer({ onConnection: echo });
  const { socketId, inbox } = await connected(server.port);
  const witness = await connected(server.port);
  inbox.stop();
  await result('send', socketId, bytes(10));
  await result('send', witness.socketId, bytes(1));
  await witness.inbox.untilReceived(1);
  const late = new Inbox(socketId);
  await result('send', socketId, Uint8Array.of(7));
  await late.until(({ bytes: received }) => received.at(-1) === 7);
  expect(late.bytes.length).toBeLessThanOrEqual(11);
});

test('the event loop turns between the callbacks of a large batch of sends', async () => {
  const server = await startServer({ onConnection: (peer) => peer.resume() });
  const { socketId } = await connected(server.port);
  const SENDS = 500;
  let ended = 0;
  let inThisTurn = 0;
  let mostInATurn = 0;
  await new Promise((resolve) => {
    const callback = () => {
      if (inThisTurn === 0) setImmediate(() => (inThisTurn = 0));
      inThisTurn += 1;
      mostInATurn = Math.max(mostInATurn, inThisTurn);
      ended += 1;
      if (ended === SENDS) resolve();
    };
    for (let i = 0; i < SENDS; i++) tcp.send(socketId, new ArrayBuffer(1), callback);
  });
  expect(mostInATurn).toBeLessThanOrEqual(64);
});

test('fake timers have no effect', async () => {
  const server = await startServer({ onConnection: echo });
  jest.useFakeTimers();
  try {
    const { socketId, inbox } = await connected(server.port);
    expect(await result('send', socketId, bytes(3))).toEqual({ bytesSent: 3, resultCode: 0 });
    expect(await inbox.untilReceived(3)).toHaveLength(3);
  } finally {
    jest.useRealTimers();
  }
});
