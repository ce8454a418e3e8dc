'use strict';

/**
 * Sockets at the end of their environment. A worker stands for a page, the process for the
 * application, and this test for another page.
 */

const { call, closeSockets, connected, Inbox, result, tcp } = require('./support/client.js');
const { Environment, terminateEnvironments } = require('./support/environment.js');
const { startFullServer } = require('../support/full-backlog.js');
const { certificate, echo, startServer, stopServers } = require('../support/servers.js');

afterEach(async () => {
  await terminateEnvironments();
  await closeSockets();
  await stopServers();
});

const PROPERTIES = { persistent: true, name: 'kept', bufferSize: 1000 };

const methods = [
  ['close'],
  ['connect', '127.0.0.1', 9],
  ['disconnect'],
  ['getInfo'],
  ['secure', {}],
  ['send', new ArrayBuffer(1)],
  ['setKeepAlive', true],
  ['setNoDelay', true],
  ['setPaused', false],
  ['update', {}],
];

/**
 * A connected socket of an environment of its own.
 *
 * @param {number} port
 * @param {{ paused?: boolean, properties?: object }} [options]
 */
async function connectedElsewhere(port, options) {
  const environment = new Environment();
  const socketId = await environment.run(
    async (client, ...args) => (await client.connected(...args)).socketId,
    port,
    options,
  );
  return { environment, socketId };
}

/** A persistent socket whose environment has ended while it was connected. */
async function orphan(port) {
  const { environment, socketId } = await connectedElsewhere(port, { properties: PROPERTIES });
  await environment.terminate();
  return socketId;
}

describe('sockets end with their environment', () => {
  const ended = (peer) => new Promise((resolve) => peer.once('close', resolve));

  test('when a worker is terminated', async () => {
    const server = await startServer();
    const { environment, socketId } = await connectedElsewhere(server.port);
    const end = ended(await server.accepted());
    await environment.terminate();
    await end;
    expect(await tcp.getSockets()).toEqual([]);
    expect((await call('getInfo', socketId)).lastError).toBe('Socket not found');
  });

  test('when a worker calls process.exit()', async () => {
    const server = await startServer();
    const { environment } = await connectedElsewhere(server.port);
    const end = ended(await server.accepted());
    void environment.run(() => process.exit());
    await end;
  });

  test('when a worker finishes', async () => {
    const environment = new Environment();
    const ids = await environment.run(async ({ tcp }) => {
      const sockets = [await tcp.create(), await tcp.create({ persistent: true })];
      return sockets.map(({ socketId }) => socketId);
    });
    await environment.finish();
    expect((await tcp.getSockets()).map(({ socketId }) => socketId)).toEqual([ids[1]]);
  });
});

describe('a persistent socket', () => {
  test('stays open and paused, with its id, name, bufferSize and connection', async () => {
    const server = await startServer({ onConnection: echo });
    const { environment, socketId } = await connectedElsewhere(server.port, {
      properties: PROPERTIES,
    });
    const before = await environment.run(({ tcp }, id) => tcp.getInfo(id), socketId);
    expect(before).toMatchObject({ ...PROPERTIES, connected: true, paused: false });
    await environment.terminate();

    const after = { ...before, paused: true };
    expect(await tcp.getInfo(socketId)).toEqual(after);
    expect(await tcp.getSockets()).toEqual([after]);

    const inbox = new Inbox(socketId);
    await tcp.setPaused(socketId, false);
    await result('send', socketId, Buffer.from('still here'));
    expect(String(await inbox.untilReceived(10))).toBe('still here');
  });

  test('that is encrypted stays encrypted', async () => {
    const server = await startServer({ tls: certificate(), onConnection: echo });
    const { environment, socketId } = await connectedElsewhere(server.port, {
      paused: true,
      properties: PROPERTIES,
    });
    const secured = await environment.run((client, id) => client.result('secure', id), socketId);
    expect(secured).toBe(0);
    await environment.run(
      ({ result }, id) => result('send', id, new TextEncoder().encode('first, ')),
      socketId,
    );
    await environment.terminate();

    const inbox = new Inbox(socketId);
    expect(await tcp.getInfo(socketId)).toMatchObject({ connected: true, paused: true });
    await result('send', socketId, Buffer.from('second'));
    await tcp.setPaused(socketId, false);
    expect(String(await inbox.untilReceived(13))).toBe('first, second');
  });

  test('delivers bytes that arrived without an owner, then the end of the connection', async () => {
    const server = await startServer();
    const socketId = await orphan(server.port);
    const peer = await server.accepted();
    peer.end('x'.repeat(10_000));
    const inbox = new Inbox(socketId);
    await tcp.setPaused(socketId, false);
    expect(await inbox.untilError()).toBe(-100);
    expect(String(inbox.bytes)).toBe('x'.repeat(10_000));
    expect((await tcp.getInfo(socketId)).connected).toBe(false);
  });

  test.each([
    ['in the clear', false, 1, 60_000],
    ['encrypted', true, 4096, 4_000_000],
  ])(
    'keeps the bytes it had read when its environment ends in the middle of a flood %s',
    async (_how, secure, bufferSize, length) => {
      const server = await startServer(secure ? { tls: certificate() } : {});
      const { environment, socketId } = await connectedElsewhere(server.port, {
        paused: true,
        properties: { persistent: true, bufferSize },
      });
      if (secure) await environment.run(({ result }, id) => result('secure', id), socketId);
      const peer = await server.accepted();
      const sent = Buffer.from(Array.from({ length }, (_, index) => index % 251));
      peer.end(sent);
      const seen = await environment.run(
        ({ tcp, answerAndFreeze }, id) =>
          new Promise(() => {
            let [events, bytes] = [0, 0];
            tcp.onReceive.addListener(({ data }) => {
              events += 1;
              bytes += data.byteLength;
              if (events === 500) answerAndFreeze(bytes);
            });
            tcp.setPaused(id, false);
          }),
        socketId,
      );
      await environment.terminate();
      const inbox = new Inbox(socketId);
      await tcp.update(socketId, { bufferSize: 65_536 });
      await tcp.setPaused(socketId, false);
      await inbox.untilError();
      expect(inbox.bytes.equals(sent.subarray(seen))).toBe(true);
    },
  );

  test.each([
    ['in the clear', false],
    ['encrypted', true],
  ])('writes pending sends of its ended environment %s', async (_how, secure) => {
    const server = await startServer(secure ? { tls: certificate() } : {});
    const { environment, socketId } = await connectedElsewhere(server.port, {
      paused: secure,
      properties: PROPERTIES,
    });
    if (secure) await environment.run(({ result }, id) => result('secure', id), socketId);
    const peer = await server.accepted();
    const total = 16 * 1024 * 1024;
    await environment.run(
      ({ tcp }, id, length) => tcp.send(id, new ArrayBuffer(length), () => {}),
      socketId,
      total,
    );
    await environment.terminate();
    let received = 0;
    await new Promise((resolve) => {
      peer.on('data', ({ length }) => {
        received += length;
        if (received === total) resolve(undefined);
      });
    });
    expect(await result('send', socketId, Buffer.from('x'))).toEqual({
      bytesSent: 1,
      resultCode: 0,
    });
  });

  test('whose connect was in progress stays, unconnected', async () => {
    const full = await startFullServer();
    try {
      const environment = new Environment();
      const socketId = await environment.run(async ({ tcp, call }, port) => {
        const created = await tcp.create({ persistent: true });
        tcp.connect(created.socketId, '127.0.0.1', port, () => {});
        // The attempt is in progress once setNoDelay succeeds.
        let code;
        do [code] = (await call('setNoDelay', created.socketId, true)).args;
        while (code !== 0);
        return created.socketId;
      }, full.port);
      await environment.terminate();
      const server = await startServer();
      expect((await tcp.getInfo(socketId)).connected).toBe(false);
      expect(await result('connect', socketId, '127.0.0.1', server.port)).toBe(0);
    } finally {
      await full.stop();
    }
  });

  test('whose handshake was in progress stays, unconnected', async () => {
    const server = await startServer(); // says nothing
    const { environment, socketId } = await connectedElsewhere(server.port, {
      paused: true,
      properties: PROPERTIES,
    });
    const peer = await server.accepted();
    const ended = new Promise((resolve) => peer.once('close', resolve));
    await environment.run((client, id) => client.tcp.secure(id, () => {}), socketId);
    await new Promise((resolve) => peer.once('data', resolve));
    await environment.terminate();
    await ended;
    expect(await tcp.getInfo(socketId)).toMatchObject({ connected: false, ...PROPERTIES });
  });
});

describe('owners', () => {
  test('have sockets with ids that are unique in the process', async () => {
    const create = async ({ tcp }) => {
      const sockets = await Promise.all(Array.from({ length: 100 }, () => tcp.create()));
      return sockets.map(({ socketId }) => socketId);
    };
    const ids = await Promise.all([
      new Environment().run(create),
      new Environment().run(create),
      create({ tcp }),
    ]);
    expect(new Set(ids.flat()).size).toBe(300);
  });

  test.each(methods)('cannot use sockets of living environments: %s', async (method, ...args) => {
    const environment = new Environment();
    const { socketId } = await environment.run(({ tcp }) => tcp.create({ persistent: true }));
    expect((await call(method, socketId, ...args)).lastError).toBe('Socket not found');
    expect(await tcp.getSockets()).toEqual([]);
  });

  test.each(methods)('%s takes over a socket without an owner', async (method, ...args) => {
    const environment = new Environment();
    const { socketId } = await environment.run(({ tcp }) => tcp.create({ persistent: true }));
    await environment.terminate();
    expect((await call(method, socketId, ...args)).lastError).not.toBe('Socket not found');
  });

  test('are the first environments that use a socket, not those that query it', async () => {
    const server = await startServer();
    const socketId = await orphan(server.port);
    expect(await tcp.getSockets()).toHaveLength(1);
    expect(await tcp.getInfo(socketId)).toMatchObject({ connected: true });
    const environment = new Environment();
    const noDelay = ({ result }, id) => result('setNoDelay', id, true);
    expect(await environment.run(noDelay, socketId)).toBe(0);
    expect(await call('setNoDelay', socketId, true)).toEqual({
      args: [-2],
      lastError: 'Socket not found',
    });
    expect(await tcp.getSockets()).toEqual([]);
    await environment.terminate();
    expect(await result('setNoDelay', socketId, true)).toBe(0);
  });

  test('do not see persistent sockets of other living environments', async () => {
    const server = await startServer();
    const { socketId } = await connected(server.port, { properties: PROPERTIES });
    const environment = new Environment();
    expect(await environment.run(({ tcp }) => tcp.getSockets())).toEqual([]);
    const close = ({ call }, id) => call('close', id);
    expect(await environment.run(close, socketId)).toMatchObject({ lastError: 'Socket not found' });
    expect((await tcp.getInfo(socketId)).connected).toBe(true);
  });
});
