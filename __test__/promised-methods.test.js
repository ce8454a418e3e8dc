'use strict';

const { TLSSocket } = require('node:tls');
const api = require('../entry/promises.js');
const netErrors = require('../entry/net-errors.js');
const { methods } = require('../lib/renderer/schema.js').tcp;
const { describeSocket } = require('../lib/adapters/call.js');
const { call, closeSockets, connected, Inbox, stats, tcp } = require('./support/client.js');
const { startFullServer } = require('../support/full-backlog.js');
const {
  certificate,
  closedPort,
  echo,
  startServer,
  stopServers,
} = require('../support/servers.js');

afterEach(async () => {
  await closeSockets();
  await stopServers();
});

const { SocketError, received } = api;
const text = (data) => Buffer.from(data).toString();

async function open(port, host = '127.0.0.1') {
  const { socketId } = await api.create();
  await api.connect(socketId, host, port);
  return socketId;
}

describe('promises', () => {
  test('exist for all methods', () => {
    for (const method of Object.keys(methods)) expect(api[method]).toBeInstanceOf(Function);
  });

  test('are fulfilled with the argument of the callback', async () => {
    const { port } = await startServer({ onConnection: echo });
    const { socketId } = await api.create({ name: 'first' });
    expect(await api.update(socketId, { bufferSize: 10 })).toBe(undefined);
    expect(await api.connect(socketId, '127.0.0.1', port, 'ipv4')).toBe(0);
    expect(await api.setNoDelay(socketId, true)).toBe(0);
    expect(await api.setKeepAlive(socketId, true, 10)).toBe(0);
    expect(await api.send(socketId, Buffer.from('abc'))).toEqual({ bytesSent: 3, resultCode: 0 });
    expect(await api.setPaused(socketId, true)).toBe(undefined);
    const info = await api.getInfo(socketId);
    expect(info).toMatchObject({ name: 'first', bufferSize: 10, connected: true, paused: true });
    expect(await api.getSockets()).toEqual([info]);
    expect(await api.disconnect(socketId)).toBe(undefined);
    expect(await api.close(socketId)).toBe(undefined);
  });

  test('secure a connection', async () => {
    const { port } = await startServer({ onConnection: echo, tls: certificate() });
    const { socketId } = await api.create();
    await api.setPaused(socketId, true);
    await api.connect(socketId, 'localhost', port);
    expect(await api.secure(socketId, { tlsVersion: { min: 'tls1.3' } })).toBe(0);
    await api.send(socketId, Buffer.from('secret'));
    for await (const data of received(socketId)) {
      expect(text(data)).toBe('secret');
      break;
    }
  });

  test('are rejected with an error that has the code, its number and the method', async () => {
    const port = await closedPort();
    const { socketId } = await api.create();
    const refused = await api.connect(socketId, '127.0.0.1', port).catch((error) => error);
    expect(refused).toBeInstanceOf(SocketError);
    expect(refused).toBeInstanceOf(Error);
    expect({ ...refused, message: refused.message, name: refused.name }).toEqual({
      name: 'SocketError',
      message: 'connect: net::ERR_CONNECTION_REFUSED',
      code: 'ERR_CONNECTION_REFUSED',
      netError: 'ERR_CONNECTION_REFUSED',
      resultCode: -102,
      method: 'connect',
      socketId,
      host: '127.0.0.1',
      port,
    });
  });

  test.each([
    ['connect', async (socketId) => [socketId, '127.0.0.1', await closedPort()]],
    ['send', (socketId) => [socketId, Buffer.from('x')]],
    ['secure', (socketId) => [socketId]],
    ['getInfo', () => [987654]],
    ['disconnect', () => [987654]],
  ])('of %s are rejected with an error whose stack has the caller', async (method, makeArgs) => {
    const { socketId } = await api.create();
    const args = await makeArgs(socketId);
    async function theCaller() {
      return await api[method](...args);
    }
    const error = await theCaller().catch((reason) => reason);
    const [header, ...frames] = error.stack.split('\n    at ');
    expect(header).toBe(`SocketError: ${error.message}`);
    expect(frames.join('\n')).toMatch(/^(?:.*\n){0,4}.*theCaller/);
    expect(error).toMatchObject({ socketId: args[0] });
  });
});

describe('errors of promises', () => {
  test('of connect and secure have the caller in the stack even without await', async () => {
    const theCaller = (method, ...args) => api[method](987654, ...args).catch((reason) => reason);
    expect((await theCaller('connect', '127.0.0.1', 1)).stack).toContain('theCaller');
    expect((await theCaller('secure')).stack).toContain('theCaller');
  });

  test('have the host and port of a connected socket', async () => {
    const { port } = await startServer({ tls: certificate('other') });
    const socketId = await open(port, 'localhost');
    await expect(api.connect(socketId, '127.0.0.1', 1)).rejects.toMatchObject({
      ...{ socketId, host: '127.0.0.1', port: 1 },
    });
    await expect(api.secure(socketId)).rejects.toMatchObject({
      message: 'secure: net::ERR_CERT_COMMON_NAME_INVALID (expected a certificate for localhost)',
      ...{ socketId, host: 'localhost', port },
    });
    await api.close(socketId);
    const error = await api.getInfo(socketId).catch((reason) => reason);
    expect(error).toMatchObject({ message: 'getInfo: Socket not found', socketId });
    expect(error).not.toHaveProperty('host');
  });

  test('lack the hosts of sockets closed elsewhere, once there are many', async () => {
    const { port } = await startServer();
    const first = await open(port, 'localhost');
    expect(describeSocket(first)).toEqual({ socketId: first, host: 'localhost', port });
    await call('close', first);
    for (let i = 0; i < 64; i++) await call('close', await open(port, 'localhost'));
    const last = await open(port, 'localhost');
    await tcp.getSockets();
    expect(describeSocket(first)).toEqual({ socketId: first });
    expect(describeSocket(last)).toEqual({ socketId: last, host: 'localhost', port });
  });

  test.each([
    ['ERR_BAD_SSL_CLIENT_AUTH_CERT', 'a client certificate that the server accepts for a.test'],
    ['ERR_CERT_AUTHORITY_INVALID', 'a certificate for a.test from a trusted authority'],
    ['ERR_CERT_COMMON_NAME_INVALID', 'a certificate for a.test'],
    ['ERR_CERT_DATE_INVALID', 'a certificate for a.test that is valid today'],
    ['ERR_CERT_INVALID', 'a certificate for a.test that is well-formed and meant for servers'],
    ['ERR_CERT_REVOKED', 'a certificate for a.test that its authority has not revoked'],
    [
      'ERR_CERT_UNABLE_TO_CHECK_REVOCATION',
      'a certificate for a.test whose revocation can be checked',
    ],
    ['ERR_CERT_WEAK_KEY', 'a certificate for a.test with longer keys'],
    ['ERR_SSL_CLIENT_AUTH_CERT_NEEDED', 'the option clientCertificate of configure() for a.test'],
    ['ERR_SSL_KEY_USAGE_INCOMPATIBLE', 'a certificate for a.test whose key may be used for TLS'],
    ['ERR_SSL_SERVER_CERT_BAD_FORMAT', 'a certificate for a.test whose key can be used for TLS'],
  ])('name the requirement that a certificate misses: %s', (name, expected) => {
    const { message } = new SocketError('secure', netErrors[name], { host: 'a.test' });
    expect(message).toBe(`secure: net::${name} (expected ${expected})`);
  });

  test('have the host, for every verdict on a certificate', () => {
    const verdicts = Object.keys(netErrors).filter((name) => name.startsWith('ERR_CERT_'));
    expect(verdicts.length).toBeGreaterThan(10);
    for (const name of verdicts) {
      const { message } = new SocketError('secure', netErrors[name], { host: 'a.test' });
      expect(message).toContain('(expected a certificate for a.test');
    }
  });

  test.each([
    ['send', [987654, Buffer.from('x')], 'ERR_SOCKET_NOT_FOUND', undefined],
    ['setNoDelay', [987654, true], 'ERR_FAILED', -2],
    ['secure', [987654], 'ERR_INVALID_ARGUMENT', -4],
  ])(
    'of %s on an unknown socket have the code of the failure',
    async (method, args, code, resultCode) => {
      const message = `${method}: Socket not found`;
      await expect(api[method](...args)).rejects.toMatchObject({
        message,
        code,
        resultCode,
        method,
      });
    },
  );

  test('exclude close() of a socket that no longer exists', async () => {
    const { port } = await startServer({ tls: certificate('other') });
    const socketId = await open(port, 'localhost');
    const refused = api.secure(socketId).finally(() => api.close(socketId));
    await expect(refused).rejects.toMatchObject({ code: 'ERR_CERT_COMMON_NAME_INVALID' });
    expect(await api.close(socketId)).toBe(undefined);
    await expect(api.close('1')).rejects.toThrow(TypeError);
  });

  test('of a send without a connection have code -15', async () => {
    const { socketId } = await api.create();
    await expect(api.send(socketId, new ArrayBuffer(1))).rejects.toMatchObject({
      code: 'ERR_SOCKET_NOT_CONNECTED',
      resultCode: -15,
    });
  });

  test('are TypeErrors for invalid arguments', async () => {
    await expect(api.connect('1')).rejects.toThrow(TypeError);
    await expect(api.send(1, 'text')).rejects.toThrow('No matching signature');
  });
});

describe('an abort signal', () => {
  test('ends a connect and closes the socket', async () => {
    const full = await startFullServer();
    try {
      const { socketId } = await api.create();
      const controller = new AbortController();
      const connecting = api.connect(socketId, '127.0.0.1', full.port, controller);
      controller.abort();
      await expect(connecting).rejects.toHaveProperty('name', 'AbortError');
      expect(await api.getSockets()).toEqual([]);
    } finally {
      await full.stop();
    }
  });

  test('ends a handshake that the peer does not answer', async () => {
    const { port } = await startServer();
    const { socketId } = await api.create();
    await api.setPaused(socketId, true);
    await api.connect(socketId, '127.0.0.1', port);
    const signal = AbortSignal.timeout(20);
    await expect(api.secure(socketId, {}, { signal })).rejects.toHaveProperty(
      'name',
      'TimeoutError',
    );
    expect(await api.getSockets()).toEqual([]);
  });

  test('that is already aborted prevents the call and closes the socket', async () => {
    let connections = 0;
    const server = await startServer({ onConnection: () => (connections += 1) });
    const { socketId } = await api.create();
    const signal = AbortSignal.abort();
    const connecting = api.connect(socketId, '127.0.0.1', server.port, { signal });
    await expect(connecting).rejects.toBe(signal.reason);
    expect(await api.getSockets()).toEqual([]);
    await open(server.port);
    await server.accepted();
    expect(connections).toBe(1);
  });

  test('ends an iteration', async () => {
    const { port } = await startServer();
    const socketId = await open(port);
    const controller = new AbortController();
    const next = received(socketId, controller).next();
    setImmediate(() => controller.abort());
    await expect(next).rejects.toHaveProperty('name', 'AbortError');
    expect(await api.getInfo(socketId)).toMatchObject({ connected: true, paused: true });
  });
});

describe('received()', () => {
  test('yields all data until the peer closes', async () => {
    const server = await startServer({
      onConnection: (socket) => {
        socket.write('one, ');
        socket.end('two');
      },
    });
    const socketId = await open(server.port);
    let all = '';
    for await (const data of received(socketId)) all += text(data);
    expect(all).toBe('one, two');
  });

  test('pauses the socket while the consumer is behind', async () => {
    const server = await startServer();
    const socketId = await open(server.port);
    const peer = await server.accepted();
    const total = 32 * 1024 * 1024;
    peer.end(Buffer.alloc(total));
    const data = received(socketId, { highWaterMark: 10_000 });
    let count = (await data.next()).value.byteLength;
    // The operating system's buffers are far smaller than this.
    while (!(await api.getInfo(socketId)).paused) await new Promise(setImmediate);
    expect(peer.writableLength).toBeGreaterThan(0);
    for await (const chunk of data) count += chunk.byteLength;
    expect(count).toBe(total);
  });

  test('keeps data that arrives between two iterations', async () => {
    const { port } = await startServer({
      onConnection: (socket) => socket.end('x'.repeat(100_000)),
    });
    const { socketId } = await api.create({ bufferSize: 10 });
    await api.connect(socketId, '127.0.0.1', port);
    let count = 0;
    for (let turn = 0; turn < 5; turn += 1) {
      for await (const data of received(socketId)) {
        count += data.byteLength;
        if (count % 100 === 0) break;
      }
    }
    for await (const data of received(socketId)) count += data.byteLength;
    expect(count).toBe(100_000);
  });

  test.each([
    ['in the loop', true],
    ['behind the loop', false],
  ])(
    'ends at once after a connection whose end came while no iterator waited, %s',
    async (_, within) => {
      const server = await startServer();
      const socketId = await open(server.port);
      const inbox = new Inbox(socketId);
      const peer = await server.accepted();
      peer.write('x');
      for await (const data of received(socketId)) {
        expect(text(data)).toBe('x');
        if (within) {
          peer.end();
          await inbox.untilError();
        }
        break;
      }
      peer.end();
      await inbox.untilError();
      inbox.stop();
      for await (const data of received(socketId)) expect(data).toBeUndefined();
      expect(tcp.onReceive.hasListeners() || tcp.onReceiveError.hasListeners()).toBe(false);
    },
  );

  test('does not end with a connection before that of a loop that has connected again', async () => {
    const server = await startServer();
    const socketId = await open(server.port);
    const inbox = new Inbox(socketId);
    (await server.accepted()).end('old');
    for await (const data of received(socketId)) {
      expect(text(data)).toBe('old');
      await inbox.untilError();
      await api.connect(socketId, '127.0.0.1', server.port);
      break;
    }
    (await server.accepted()).end('new');
    for await (const data of received(socketId)) expect(text(data)).toBe('new');
    expect(String(inbox.bytes)).toBe('oldnew');
  });

  test('with highWaterMark 0 leaves no read in flight, so the socket can be secured', async () => {
    const server = await startServer();
    const { socketId } = await api.create();
    await api.setPaused(socketId, true);
    await api.connect(socketId, 'localhost', server.port);
    const peer = await server.accepted();
    for (const words of ['220 hello', '250 well met', '220 go ahead']) {
      peer.write(words);
      for await (const data of received(socketId, { highWaterMark: 0 })) {
        expect(text(data)).toBe(words);
        break;
      }
    }
    const secured = new TLSSocket(peer, { isServer: true, ...certificate() });
    expect(await api.secure(socketId)).toBe(0);
    secured.write('secret');
    const { value } = await received(socketId).next();
    expect(text(value)).toBe('secret');
  });

  test('permits one iterator at a time', async () => {
    const { port } = await startServer();
    const socketId = await open(port);
    const first = received(socketId);
    const waiting = first.next();
    await expect(received(socketId).next()).rejects.toThrow('has an iterator already');
    await api.close(socketId);
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test('of an unknown socket fails', async () => {
    await expect(received(987654).next()).rejects.toMatchObject({ code: 'ERR_SOCKET_NOT_FOUND' });
  });

  test('removes its listeners', async () => {
    const { port } = await startServer({ onConnection: (socket) => socket.end('x') });
    const socketId = await open(port);
    for await (const data of received(socketId)) expect(text(data)).toBe('x');
    expect(tcp.onReceive.hasListeners() || tcp.onReceiveError.hasListeners()).toBe(false);
  });
});

describe('bytes that arrive without an iterator', () => {
  /** Reads until it has a text of this length. */
  async function read(socketId, length) {
    let all = '';
    for await (const data of received(socketId)) {
      all += text(data);
      if (all.length >= length) break;
    }
    return all;
  }

  /** Waits until the socket has received this many bytes in total. */
  async function arrived(count, before = 0) {
    while (stats().bytesReceived - before < count) await new Promise(setImmediate);
  }

  /** Waits until the peer's bytes are with this machine's side of the connection. */
  async function written(peer, data) {
    await new Promise((resolve) => peer.write(data, resolve));
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  }

  test('wait for the first iterator, as new sockets are paused', async () => {
    const server = await startServer();
    const socketId = await open(server.port);
    await written(await server.accepted(), 'greeting');
    expect(await api.getInfo(socketId)).toMatchObject({ connected: true, paused: true });
    expect(await read(socketId, 8)).toBe('greeting');
  });

  test('wait for it after secure(), without setPaused() before', async () => {
    const onConnection = (socket) => socket.write('greeting');
    const { port } = await startServer({ onConnection, tls: certificate() });
    const socketId = await open(port, 'localhost');
    expect(await api.secure(socketId)).toBe(0);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(await read(socketId, 8)).toBe('greeting');
  });

  test('wait for its first next() on a socket that is not paused', async () => {
    const server = await startServer();
    const { socketId } = await connected(server.port);
    const before = stats().bytesReceived;
    const iterator = received(socketId);
    (await server.accepted()).write('greeting');
    await arrived(8, before);
    const { value } = await iterator.next();
    expect(text(value)).toBe('greeting');
    await iterator.return();
  });

  test('pause such a socket beyond highWaterMark', async () => {
    const server = await startServer();
    const { socketId } = await connected(server.port);
    const total = 32 * 1024 * 1024;
    const iterator = received(socketId, { highWaterMark: 10_000 });
    const peer = await server.accepted();
    peer.end(Buffer.alloc(total));
    while (!(await api.getInfo(socketId)).paused) await new Promise(setImmediate);
    expect(peer.writableLength).toBeGreaterThan(0);
    let count = 0;
    for await (const { byteLength } of iterator) count += byteLength;
    expect(count).toBe(total);
  });

  test('wait for the next iterator after a loop that threw', async () => {
    const server = await startServer();
    const socketId = await open(server.port);
    const peer = await server.accepted();
    await written(peer, 'one');
    const loop = async () => {
      for await (const data of received(socketId)) throw new Error(text(data));
    };
    await expect(loop()).rejects.toThrow('one');
    await written(peer, 'two');
    expect(await read(socketId, 3)).toBe('two');
  });

  test('do not appear in the next connection', async () => {
    const server = await startServer();
    const socketId = await open(server.port);
    const peer = await server.accepted();
    await written(peer, 'one');
    expect(await read(socketId, 3)).toBe('one');
    const before = stats().bytesReceived;
    await written(peer, 'left');
    await arrived(4, before);
    await api.disconnect(socketId);
    await api.connect(socketId, '127.0.0.1', server.port);
    await written(await server.accepted(), 'other');
    expect(await read(socketId, 5)).toBe('other');
  });

  test('do not delay an iterator after the connection has ended', async () => {
    const server = await startServer();
    const socketId = await open(server.port);
    (await server.accepted()).write(Buffer.alloc(1024 * 1024));
    const iterator = received(socketId, { highWaterMark: 1 });
    await iterator.next();
    while (!(await api.getInfo(socketId)).paused) await new Promise(setImmediate);
    await api.disconnect(socketId);
    let count = 0;
    for await (const { byteLength } of iterator) count += byteLength;
    expect(count).toBeLessThan(1024 * 1024);
  });

  test('go to the listeners of an application that unpauses the socket itself', async () => {
    const server = await startServer();
    const socketId = await open(server.port);
    const peer = await server.accepted();
    await written(peer, 'one');
    expect(await read(socketId, 3)).toBe('one');
    const inbox = new Inbox(socketId);
    await new Promise((resolve) => tcp.setPaused(socketId, false, resolve));
    for (const word of ['two', 'three', 'four']) {
      const before = inbox.bytes.length;
      peer.write(word);
      await inbox.untilReceived(before + word.length);
    }
    await api.setPaused(socketId, true);
    await written(peer, 'five');
    await inbox.untilReceived('twothreefourfive'.length);
    await written(peer, 'six');
    expect(await read(socketId, 3)).toBe('six');
    expect(String(inbox.bytes)).toBe('twothreefourfivesix');
  });
});

describe('net errors', () => {
  test('have Chromium names and numbers, and cannot be changed', () => {
    expect(netErrors).toMatchObject({ ERR_FAILED: -2, ERR_CERT_INVALID: -207 });
    expect(Object.isFrozen(netErrors)).toBe(true);
  });

  test('are all declared in the types', () => {
    const { readFileSync } = require('node:fs');
    const types = readFileSync(require.resolve('../entry/net-errors.d.ts'), 'utf8');
    const declared = [...types.matchAll(/readonly (ERR_\w+): (-\d+);/g)];
    expect(declared.map(([, name, code]) => [name, Number(code)])).toEqual(
      Object.entries(netErrors),
    );
  });
});
