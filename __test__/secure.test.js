'use strict';

const { once } = require('node:events');
const { TLSSocket } = require('node:tls');
const { call, closeSockets, connected, result, tcp } = require('./support/client.js');
const { certificate, echo, startServer, stopServers } = require('../support/servers.js');

afterEach(async () => {
  await closeSockets();
  await stopServers();
});

const startTlsServer = (options = {}, name = 'server') =>
  startServer({ onConnection: echo, tls: { ...certificate(name), ...options } });

describe('secure', () => {
  test.each([undefined, null, {}, { tlsVersion: {} }, { tlsVersion: { min: 'tls1' } }])(
    'with %j starts TLS, and the socket stays paused',
    async (options) => {
      const server = await startTlsServer();
      const { socketId, inbox } = await connected(server.port, { paused: true });
      expect(await call('secure', socketId, options)).toEqual({ args: [0], lastError: undefined });
      expect(await tcp.getInfo(socketId)).toMatchObject({ connected: true, paused: true });
      await tcp.setPaused(socketId, false);
      const sent = Buffer.alloc(100_000, 'x');
      expect(await result('send', socketId, sent)).toEqual({ bytesSent: 100_000, resultCode: 0 });
      expect((await inbox.untilReceived(100_000)).equals(sent)).toBe(true);
    },
  );

  test.each([
    [{ min: 'tls1.3' }, 'TLSv1.3'],
    [{ max: 'tls1.2' }, 'TLSv1.2'],
  ])('negotiates a version within %j', async (tlsVersion, expected) => {
    const server = await startTlsServer();
    const { socketId } = await connected(server.port, { paused: true });
    expect(await result('secure', socketId, { tlsVersion })).toBe(0);
    expect((await server.accepted()).getProtocol()).toBe(expected);
  });

  test('keeps the socket for other calls of its turn although the server has gone', async () => {
    const server = await startServer();
    const { socketId } = await connected(server.port, { paused: true });
    const peer = await server.accepted();
    peer.end();
    await once(peer, 'finish');
    const secured = result('secure', socketId);
    const updated = tcp.update(socketId, { name: 'later' });
    const sent = result('send', socketId, Buffer.from('late'));
    expect(await secured).toBe(-15);
    await updated;
    expect(await sent).toEqual({ resultCode: -15 });
    await expect(tcp.getInfo(socketId)).rejects.toThrow('Socket not found');
  });

  test('works after the read in flight has delivered the go-ahead', async () => {
    const server = await startServer();
    const { socketId, inbox } = await connected(server.port);
    const peer = await server.accepted();
    await tcp.setPaused(socketId, true);
    tcp.send(socketId, Buffer.from('STARTTLS\r\n'), () => {});
    await once(peer, 'data');
    peer.write('220 go ahead\r\n');
    await inbox.untilReceived(14);
    const secured = new TLSSocket(peer, { isServer: true, ...certificate() });
    expect(await result('secure', socketId, {})).toBe(0);
    echo(secured);
    await tcp.setPaused(socketId, false);
    await result('send', socketId, Buffer.from('secret'));
    expect((await inbox.untilReceived(20)).toString()).toBe('220 go ahead\r\nsecret');
  });

  test.each([true, false])(
    'delivers bytes that preceded a reset although a send fails (paused: %s)',
    async (paused) => {
      const server = await startServer();
      const { socketId, inbox } = await connected(server.port, { paused: true });
      const peer = await server.accepted();
      const secured = new TLSSocket(peer, { isServer: true, ...certificate() });
      secured.on('error', () => {});
      secured.once('data', () => {
        secured.pause();
        secured.write(Buffer.alloc(40_000), () => peer.resetAndDestroy());
      });
      expect(await result('secure', socketId, {})).toBe(0);
      await tcp.setPaused(socketId, paused);
      const sends = Array.from({ length: 20 }, () =>
        result('send', socketId, new ArrayBuffer(500_000)),
      );
      expect((await Promise.all(sends)).at(-1)).toEqual({ resultCode: -15 });
      await tcp.setPaused(socketId, false);
      await inbox.untilError();
      expect(Buffer.concat(inbox.chunks)).toHaveLength(40_000);
      expect(inbox.errors).toEqual([-100]);
    },
  );

  test('delivers bytes that preceded a close, then the error', async () => {
    const server = await startServer({
      tls: certificate(),
      onConnection: (peer) => peer.end(Buffer.alloc(50_000, 'y')),
    });
    const { socketId, inbox } = await connected(server.port, { paused: true });
    await result('secure', socketId);
    await tcp.setPaused(socketId, false);
    expect(await inbox.untilError()).toBe(-100);
    expect(inbox.bytes).toHaveLength(50_000);
  });
});

describe('a secured socket', () => {
  test('ends if a TLS 1.2 server requests a renegotiation', async () => {
    const server = await startTlsServer({ maxVersion: 'TLSv1.2' });
    const { socketId, inbox } = await connected(server.port, { paused: true });
    expect(await result('secure', socketId, {})).toBe(0);
    await tcp.setPaused(socketId, false);
    const peer = await server.accepted();
    peer.on('error', () => {});
    peer.write('first');
    peer.renegotiate({}, () => {});
    peer.write('second');
    expect(await inbox.untilError()).toBe(-100);
    expect(inbox.bytes.toString()).toBe('first');
  });
});

describe('a failing secure', () => {
  test('keeps an unconnected socket', async () => {
    const { socketId } = await tcp.create();
    expect(await call('secure', socketId)).toEqual({
      args: [-4],
      lastError: 'Socket not connected',
    });
    expect(await tcp.getInfo(socketId)).toMatchObject({ socketId });
  });

  test('keeps a secured socket', async () => {
    const server = await startTlsServer();
    const { socketId } = await connected(server.port, { paused: true });
    await result('secure', socketId);
    expect(await call('secure', socketId)).toEqual({
      args: [-4],
      lastError: 'Socket must be a connected client TCP socket.',
    });
    expect(await tcp.getInfo(socketId)).toMatchObject({ connected: true });
  });

  test('destroys an unpaused socket', async () => {
    const server = await startTlsServer();
    const { socketId, inbox } = await connected(server.port);
    expect(await call('secure', socketId)).toEqual({ args: [-2], lastError: 'net::ERR_FAILED' });
    await expect(tcp.getInfo(socketId)).rejects.toThrow('Socket not found');
    expect(await inbox.untilError()).toBe(-100);
  });

  test('destroys the socket if the certificate is for another host', async () => {
    const server = await startTlsServer({}, 'other');
    const { socketId } = await connected(server.port, { paused: true });
    expect(await call('secure', socketId)).toEqual({
      args: [-200],
      lastError: 'net::ERR_CERT_COMMON_NAME_INVALID',
    });
    await expect(tcp.getInfo(socketId)).rejects.toThrow('Socket not found');
  });

  test('destroys the socket if the peer does not use TLS', async () => {
    // Data that arrives before secure() is discarded.
    const server = await startServer({
      onConnection: (peer) => peer.once('data', () => peer.write('220 hello\r\n')),
    });
    const { socketId } = await connected(server.port, { paused: true });
    expect(await result('secure', socketId)).toBe(-107);
  });
});
