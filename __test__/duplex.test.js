'use strict';

const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const { join } = require('node:path');
const { finished, pipeline } = require('node:stream/promises');
const { connect: connectTls, TLSSocket } = require('node:tls');
const { getSystemErrorMap } = require('node:util');
const { connect, duplex } = require('../entry/duplex.js');
const netErrors = require('../entry/net-errors.js');
const sockets = require('../entry/promises.js');
const { closeSockets, connected, stats, tcp } = require('./support/client.js');
const { runNode } = require('./support/child.js');
const { conversations } = require('./support/conversations.js');
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

/** Starts an HTTP or WebSocket server of Node's own; the test's end ends it. */
async function listening(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

async function textOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('a stream over a socket', () => {
  test('carries bytes both ways and has both addresses', async () => {
    const server = await startServer({ onConnection: echo });
    const { socketId } = await connected(server.port);
    const stream = duplex(socketId);
    stream.write('hello ');
    stream.write('world');
    let received = '';
    for await (const data of stream) {
      received += data;
      if (received.length === 11) break;
    }
    expect(received).toBe('hello world');
    expect(stream).toMatchObject({ socketId, remotePort: server.port, remoteAddress: '127.0.0.1' });
    expect(await tcp.getSockets()).toEqual([]);
  });

  test('connects by itself and accepts writes before', async () => {
    const server = await startServer({ onConnection: echo });
    const stream = connect({ host: '127.0.0.1', port: server.port });
    expect(stream.connecting).toBe(true);
    stream.write('early');
    await once(stream, 'connect');
    expect(stream.connecting).toBe(false);
    expect(String((await once(stream, 'data'))[0])).toBe('early');
    stream.destroy();
    await once(stream, 'close');
  });

  test('can be secured', async () => {
    const server = await startServer({ onConnection: echo, tls: certificate() });
    const stream = connect({ port: server.port, secure: { tlsVersion: { min: 'tls1.3' } } });
    await once(stream, 'secureConnect');
    stream.write('secret');
    expect(String((await once(stream, 'data'))[0])).toBe('secret');
    stream.destroy();
    await once(stream, 'close');
  });

  test('pauses the socket while the consumer is behind', async () => {
    const server = await startServer();
    const stream = connect({ host: '127.0.0.1', port: server.port });
    const peer = await server.accepted();
    const total = 32 * 1024 * 1024;
    peer.end(Buffer.alloc(total));
    stream.once('readable', () => {});
    await once(stream, 'readable');
    while (!(await tcp.getInfo(stream.socketId)).paused) await new Promise(setImmediate);
    expect(peer.writableLength).toBeGreaterThan(0);
    let count = 0;
    for await (const { length } of stream) count += length;
    expect(count).toBe(total);
  });

  test('blocks the writer while the peer does not read', async () => {
    const server = await startServer();
    const stream = connect({ host: '127.0.0.1', port: server.port });
    const peer = (await server.accepted()).pause();
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    let written = 0;
    async function* source() {
      for (; written < 64; written += 1) yield chunk;
    }
    const done = pipeline(source(), stream, { end: false });
    while (written === 0 || !stream.writableNeedDrain) await new Promise(setImmediate);
    expect(written).toBeLessThan(64);
    let count = 0;
    peer.on('data', ({ length }) => (count += length)).resume();
    await done;
    stream.end();
    await once(peer, 'end');
    expect(count).toBe(64 * chunk.length);
  });

  test.each([
    ['one write', [250]],
    ['many writes', Array(250).fill(1)],
  ])('sends more than the quota of pending sends: %s', async (_, writes) => {
    let count = 0;
    const server = await startServer({
      onConnection: (peer) => peer.on('data', ({ length }) => (count += length)),
    });
    const stream = connect({ host: '127.0.0.1', port: server.port });
    const ended = once(await server.accepted(), 'end');
    for (const megabytes of writes) stream.write(Buffer.alloc(megabytes * 2 ** 20));
    stream.end();
    await ended;
    expect(count).toBe(250 * 2 ** 20);
  });

  test('ends when the peer closes, and closes the socket', async () => {
    const server = await startServer({ onConnection: (socket) => socket.end('bye') });
    const stream = connect({ host: '127.0.0.1', port: server.port });
    expect(await textOf(stream)).toBe('bye');
    if (!stream.closed) await once(stream, 'close');
    expect(stream.destroyed).toBe(true);
    expect(await tcp.getSockets()).toEqual([]);
  });

  test('closes the connection at end(), as there is no half-close', async () => {
    const server = await startServer();
    const stream = connect({ host: '127.0.0.1', port: server.port });
    stream.end('last words');
    const peer = await server.accepted();
    expect(await textOf(peer)).toBe('last words');
    if (!stream.closed) await once(stream, 'close');
  });

  test('with allowHalfOpen continues to read after end() and sends no FIN', async () => {
    const server = await startServer();
    const stream = connect({ host: '127.0.0.1', port: server.port, allowHalfOpen: true });
    stream.end('question');
    const peer = await server.accepted();
    expect(String((await once(peer, 'data'))[0])).toBe('question');
    peer.end('answer');
    expect(await textOf(stream)).toBe('answer');
  });

  test('fails with the code of the handshake', async () => {
    const { port } = await startServer({ tls: certificate('other') });
    const [error] = await once(connect({ port, secure: true }), 'error');
    expect(error).toMatchObject({ method: 'secure', code: 'ERR_CERT_COMMON_NAME_INVALID' });
  });

  test('can be destroyed while it connects', async () => {
    const full = await startFullServer();
    try {
      const stream = connect({ host: '127.0.0.1', port: full.port });
      while ((await tcp.getSockets()).length === 0) await new Promise(setImmediate);
      stream.destroy();
      await once(stream, 'close');
      expect(await tcp.getSockets()).toEqual([]);
    } finally {
      await full.stop();
    }
  });

  test("emits 'timeout' when it is idle", async () => {
    const server = await startServer();
    const stream = connect({ host: '127.0.0.1', port: server.port });
    stream.setTimeout(20);
    const keepAlive = setInterval(() => {}, 1000);
    await once(stream, 'timeout');
    clearInterval(keepAlive);
    stream.destroy();
  });
});

describe('a stream over a socket that was read before', () => {
  const text = (/** @type {ArrayBuffer} */ data) => Buffer.from(data).toString();

  test('delivers all bytes of a socket that was not paused', async () => {
    const server = await startServer();
    const { socketId } = await connected(server.port);
    const before = stats().bytesReceived;
    const stream = duplex(socketId);
    // Waits like one that looks at the connection before it reads.
    (await server.accepted()).end('greeting');
    while (stats().bytesReceived - before < 8) await new Promise(setImmediate);
    expect(await textOf(stream)).toBe('greeting');
  });

  test('continues where an iterator has stopped', async () => {
    const server = await startServer();
    const { socketId } = await sockets.create({ bufferSize: 3 });
    await sockets.connect(socketId, '127.0.0.1', server.port);
    (await server.accepted()).end('one two three');
    for await (const data of sockets.received(socketId)) {
      expect(text(data)).toBe('one');
      break;
    }
    expect(await textOf(duplex(socketId))).toBe(' two three');
  });

  test('fails without a connection, also if it has ended before', async () => {
    const server = await startServer({ onConnection: (peer) => peer.end() });
    const { socketId, inbox } = await connected(server.port);
    await inbox.untilError();
    for (const id of [socketId, (await tcp.create()).socketId]) {
      const [error] = await once(duplex(id), 'error');
      expect(error).toMatchObject({ code: 'ERR_SOCKET_NOT_CONNECTED', resultCode: -15 });
    }
  });

  test('is refused while an iterator reads the socket', async () => {
    const server = await startServer();
    const { socketId } = await sockets.create();
    await sockets.connect(socketId, '127.0.0.1', server.port);
    const next = sockets.received(socketId).next();
    const [error] = await once(duplex(socketId), 'error');
    expect(error.message).toBe(`duplex: socket ${socketId} is being read already`);
    (await server.accepted()).write('still there');
    expect(text((await next).value)).toBe('still there');
  });
});

describe('the failure of a stream', () => {
  /** The parts of an error that Node's have, too. */
  const nodes = ({ code, errno, syscall, address, port, hostname }) => ({
    ...{ code, errno, syscall, address, port, hostname },
  });

  /** Node's number of an error, which on Windows is not that of the C library. @param {string} code */
  const systemError = (code) => {
    const [errno] = [...getSystemErrorMap()].find(([, [name]]) => name === code);
    return { code, errno };
  };

  test.each([
    ['a refused connect', () => closedPort(), '127.0.0.1', 'ERR_CONNECTION_REFUSED'],
    ['a name without address', () => 80, 'a..b', 'ERR_NAME_NOT_RESOLVED'],
  ])('has the codes of Node and of Chromium: %s', async (_, choosePort, host, netError) => {
    const port = await choosePort();
    const [expected] = await once(net.connect({ host, port }), 'error');
    const [error] = await once(connect({ host, port }), 'error');
    // Node does not give the port of a name without address.
    expect(nodes(error)).toEqual({ ...nodes(expected), port });
    expect(error).toMatchObject({
      host,
      port,
      socketId: expect.any(Number),
      stack: expect.stringMatching(/^SocketError: connect: .*\n.*duplex\.test\.js/),
      method: 'connect',
      name: 'SocketError',
      netError,
      resultCode: netErrors[netError],
    });
    expect(await tcp.getSockets()).toEqual([]);
  });

  test.each([
    ['net.Socket', (port) => net.connect(port, '127.0.0.1')],
    ['ours', (port) => connect({ host: '127.0.0.1', port })],
  ])('is ECONNRESET after a reset: %s', async (_, make) => {
    const server = await startServer();
    const stream = make(server.port).resume();
    await once(stream, 'connect');
    const failed = once(stream, 'error');
    (await server.accepted()).resetAndDestroy();
    const [error] = await failed;
    expect(error).toMatchObject({ ...systemError('ECONNRESET'), syscall: 'read' });
  });

  test('of a write is EPIPE', async () => {
    const server = await startServer();
    const stream = connect({ host: '127.0.0.1', port: server.port, allowHalfOpen: true });
    const failed = once(stream, 'error');
    (await server.accepted()).resetAndDestroy();
    const keepWriting = setInterval(() => stream.write('x'), 1);
    const [error] = await failed;
    clearInterval(keepWriting);
    expect(error).toMatchObject({ ...systemError('EPIPE'), syscall: 'write' });
    expect(error).toMatchObject({ method: 'send', host: '127.0.0.1', port: server.port });
  });
});

describe('the end of a connection', () => {
  const DATA = 'x'.repeat(100_000);

  /** Plain and encrypted peers, and how each ends a connection. */
  const endings = {
    'a FIN': { end: (peer) => peer.end(), failure: undefined },
    'a reset': { end: (peer) => peer.resetAndDestroy(), failure: 'ERR_CONNECTION_RESET' },
    close_notify: { tls: true, end: (_, secured) => secured.end(), failure: undefined },
    'a reset of TLS': {
      tls: true,
      end: (peer) => peer.resetAndDestroy(),
      failure: 'ERR_CONNECTION_RESET',
    },
    'a FIN without close_notify': {
      tls: true,
      end: (peer) => peer.end(),
      failure: 'ERR_CONNECTION_CLOSED',
    },
    'an invalid record': {
      tls: true,
      end: (peer) => peer.end('no TLS'),
      failure: 'ERR_SSL_PROTOCOL_ERROR',
    },
  };

  /** Consumers: the received data and the end of each. */
  const consumers = {
    'an iterator': async ({ port, secure }) => {
      const { socketId } = await sockets.create();
      await sockets.connect(socketId, 'localhost', port);
      if (secure) await sockets.secure(socketId);
      return { source: sockets.received(socketId) };
    },
    'a stream': ({ port, secure }) => ({ source: connect({ port, secure }) }),
    'a stream with a slow consumer': async ({ port, secure }) => {
      const source = connect({ port, secure });
      source.on('readable', () => {});
      return { source, wait: () => once(source, 'readable') };
    },
  };

  const cases = Object.keys(endings).flatMap((ending) =>
    Object.keys(consumers).map((consumer) => [ending, consumer]),
  );
  test.each(cases)('by %s reaches %s', async (ending, consumer) => {
    const { tls, end, failure } = endings[ending];
    const server = await startServer();
    const opening = consumers[consumer]({ port: server.port, secure: tls });
    const peer = await server.accepted();
    const secured = tls && new TLSSocket(peer, { isServer: true, ...certificate() });
    secured?.on('error', () => {});
    const { source, wait } = await opening;
    const written = new Promise((resolve) => (secured || peer).write(DATA, resolve));
    const waited = wait?.();
    let length = 0;
    let error;
    const consume = async () => {
      await waited;
      for await (const data of source) {
        length += data.byteLength;
        // All data has arrived: a reset may discard data in transit.
        if (length === DATA.length) end(peer, secured || undefined);
      }
    };
    await Promise.all([written, consume().catch((reason) => (error = reason))]);
    expect(length).toBe(DATA.length);
    expect(error?.netError).toBe(failure);
    const { port } = server;
    if (failure) {
      expect(error).toMatchObject({ host: 'localhost', port, socketId: expect.anything() });
    }
  });

  test('by a reset waits for a slow consumer', async () => {
    const server = await startServer();
    const stream = connect({ host: '127.0.0.1', port: server.port });
    stream.on('readable', () => {});
    const peer = await server.accepted();
    await new Promise((resolve) => peer.write('last words', resolve));
    await once(stream, 'readable');
    const ended = new Promise((resolve) => tcp.onReceiveError.addListener(resolve));
    peer.resetAndDestroy();
    await ended;
    let all = '';
    const consume = async () => {
      for await (const data of stream) all += data;
    };
    await expect(consume()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(all).toBe('last words');
  });

  test('is -100 for listeners, whatever its cause', async () => {
    const server = await startServer();
    const { inbox } = await connected(server.port);
    (await server.accepted()).resetAndDestroy();
    expect(await inbox.untilError()).toBe(-100);
  });
});

describe('end()', () => {
  const LENGTH = 6 * 1024 * 1024;

  /** Reads all data of a peer, and the end of its connection. */
  async function receive(peer) {
    let length = 0;
    peer.on('data', (data) => (length += data.length));
    const [outcome] = await Promise.race([
      once(peer, 'end').then(() => ['end']),
      once(peer, 'error').then(([{ code }]) => [code]),
    ]);
    return { length, outcome };
  }

  /** Notes the events of a stream's end in their order. */
  function watch(stream) {
    const events = [];
    for (const name of ['finish', 'end', 'error', 'close']) {
      stream.on(name, () => events.push(name));
    }
    return events;
  }

  const LIKE_NODE = (port) => net.connect(port, '127.0.0.1');
  const OURS = (port) => connect({ host: '127.0.0.1', port });

  test.each([
    ['net.Socket', LIKE_NODE],
    ['ours', OURS],
  ])(
    'delivers everything to a printer that greets, finishes, ends, closes: %s',
    async (_, make) => {
      const server = await startServer({
        onConnection: (socket) => socket.write('@PJL READY\r\n'),
      });
      const stream = make(server.port);
      const events = watch(stream);
      stream.resume();
      stream.end(Buffer.alloc(LENGTH, 'x'));
      const received = await receive(await server.accepted());
      expect(received).toEqual({ length: LENGTH, outcome: 'end' });
      if (!stream.closed) await once(stream, 'close');
      expect(events).toEqual(['finish', 'end', 'close']);
    },
  );

  test('closes without a consumer', async () => {
    const server = await startServer();
    const stream = connect({ host: '127.0.0.1', port: server.port });
    const events = watch(stream);
    stream.end('job');
    const peer = await server.accepted();
    expect(await textOf(peer)).toBe('job');
    if (!stream.closed) await once(stream, 'close');
    expect(events).toEqual(['finish', 'end', 'close']);
    expect(await tcp.getSockets()).toEqual([]);
  });

  test('is not a premature close for stream.finished()', async () => {
    const server = await startServer();
    const stream = connect({ host: '127.0.0.1', port: server.port });
    stream.resume().end('job');
    await finished(stream);
    expect(stream.closed || stream.destroyed).toBe(true);
  });

  test('leaves received bytes to a slow consumer', async () => {
    const server = await startServer();
    const stream = connect({ host: '127.0.0.1', port: server.port });
    stream.on('readable', () => {});
    const peer = await server.accepted();
    peer.write('answer');
    await once(stream, 'readable');
    stream.end();
    await once(peer.resume(), 'end');
    expect(await textOf(stream)).toBe('answer');
  });
});

describe('a library runs on a stream:', () => {
  test('an HTTP agent with keep-alive', async () => {
    let connections = 0;
    const server = http.createServer((request, response) =>
      response.end(`you want ${request.url}`),
    );
    server.on('connection', () => (connections += 1));
    const port = await listening(server);
    const agent = new http.Agent({ keepAlive: true });
    agent.createConnection = ({ host, port: to }) => connect({ host, port: to });
    for (const path of ['/one', '/two']) {
      const request = http.get({ host: '127.0.0.1', port, path, agent });
      const [response] = await once(request, 'response');
      expect(await textOf(response)).toBe(`you want ${path}`);
    }
    expect(connections).toBe(1);
    agent.destroy();
    server.close();
    await once(server, 'close');
  });

  test('an HTTPS request, encrypted by secure()', async () => {
    const server = https.createServer(certificate(), (_request, response) => response.end('safe'));
    const port = await listening(server);
    const createConnection = () => connect({ port, secure: true });
    const [response] = await once(http.get({ port, createConnection }), 'response');
    expect(await textOf(response)).toBe('safe');
    server.close();
    server.closeAllConnections?.();
  });

  // test:libraries has the other clients.
  test.each(['mqtt', 'ws'])('%s', async (name) => {
    const { serve, exchange, expected } = conversations[name];
    const { port } = await startServer({ onConnection: serve });
    expect(await exchange(() => connect({ port }), port)).toEqual(expected);
    expect(await tcp.getSockets()).toEqual([]);
  });
});

describe('a stream after unref()', () => {
  /** Runs code in a Node of its own, which has 10 seconds to end by itself. */
  const run = async (port, code) => {
    const { code: status, stdout } = await runNode([
      '--eval',
      `const { connect } = require('./entry/duplex.js');
      const port = ${port};
      const stream = connect({ host: '127.0.0.1', port });
      ${code}`,
    ]);
    return { status, stdout };
  };

  test.each([
    ['unref() at once', 'stream.unref();'],
    ['unref() when it is connected', "stream.on('connect', () => stream.unref());"],
    ['unref() of one that reads', "stream.on('connect', () => stream.resume().unref());"],
    ['ref() and unref()', "stream.unref().ref(); stream.on('connect', () => stream.unref());"],
    [
      'a call that has ended',
      `stream.on('connect', () => stream.unref());
      setTimeout(() => stream.setNoDelay(true), 50);`,
    ],
  ])('lets the process end: %s', async (_, code) => {
    const { port } = await startServer();
    expect(await run(port, code)).toEqual({ status: 0, stdout: '' });
  });

  test('writes pending data before the process ends', async () => {
    const server = await startServer();
    const running = run(
      server.port,
      `stream.on('connect', () => {
        stream.unref();
        stream.write(Buffer.alloc(8 * 1024 * 1024), () => console.log('written'));
      });`,
    );
    let length = 0;
    (await server.accepted()).on('data', (data) => (length += data.length));
    expect(await running).toEqual({ status: 0, stdout: 'written\n' });
    expect(length).toBe(8 * 1024 * 1024);
  });

  test('does not affect other streams and keeps the process alive again after ref()', async () => {
    const server = await startServer({ onConnection: (socket) => echo(socket) });
    const code = `
      stream.unref();
      const other = connect({ host: '127.0.0.1', port });
      other.once('data', () => {
        other.destroy();
        stream.ref().once('data', () => {
          console.log('answered');
          stream.unref();
        }).write('x');
      });
      other.write('x');`;
    expect(await run(server.port, code)).toEqual({ status: 0, stdout: 'answered\n' });
  });

  test('keeps the process alive without unref()', async () => {
    const server = await startServer();
    const code = "stream.resume().on('close', () => console.log('closed'));";
    const running = run(server.port, code);
    const peer = await server.accepted();
    setTimeout(() => peer.end(), 200);
    expect(await running).toEqual({ status: 0, stdout: 'closed\n' });
  });

  test('is the state of an idle connection of an http.Agent', async () => {
    const server = http.createServer({ keepAliveTimeout: 60_000 }, (_request, response) =>
      response.end('answer'),
    );
    const port = await listening(server);
    const { code: status, stdout } = await runNode([
      '--eval',
      `const http = require('node:http');
      const { connect } = require('./entry/duplex.js');
      const agent = new http.Agent({ keepAlive: true });
      agent.createConnection = ({ host, port }) => connect({ host, port });
      const get = (next) =>
        http.get({ host: '127.0.0.1', port: ${port}, agent }, (response) => {
          response.resume().on('end', next);
        });
      get(() => setTimeout(() => get(() => console.log('done')), 50));`,
    ]);
    server.closeAllConnections();
    server.close();
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'done\n' });
  });
});

describe('the members of a stream', () => {
  const makers = {
    'net.Socket': (port) => net.connect(port, '127.0.0.1'),
    ours: (port) => connect({ host: '127.0.0.1', port }),
  };

  /** Reads a member in all states of a connection. */
  const states = async (stream, peer, read) => {
    const seen = [read(stream)];
    await once(stream, 'connect');
    seen.push(read(stream));
    stream.destroy();
    await once(stream, 'close');
    seen.push(read(stream));
    return seen;
  };
  const inAllStates = (read) => (stream, peer) => states(stream, peer, read);
  const connectedFirst = (use) => async (stream, peer) => {
    await once(stream, 'connect');
    return use(stream, await peer);
  };
  const returnsItself = (use) =>
    connectedFirst((stream) => [use(stream) === stream, use(stream) === stream]);

  /** One for each line of the table in docs/streams.md; the results are those of a net.Socket. */
  const members = {
    address: connectedFirst((stream) => {
      const { port, ...others } = stream.address();
      return { ...others, port: port === stream.localPort };
    }),
    bytesRead: connectedFirst(async (stream, peer) => {
      peer.write('12345');
      await once(stream, 'data');
      return stream.bytesRead;
    }),
    bytesWritten: connectedFirst(async (stream) => {
      const before = stream.bytesWritten;
      stream.cork();
      stream.write('123');
      const corked = stream.bytesWritten;
      const written = new Promise((resolve) => stream.write('45', resolve));
      stream.uncork();
      const uncorked = stream.bytesWritten;
      await written;
      return [before, corked, uncorked, stream.bytesWritten];
    }),
    connecting: inAllStates(({ connecting }) => connecting),
    destroySoon: connectedFirst(async (stream, peer) => {
      stream.write('all of it');
      stream.destroySoon();
      const [text] = await Promise.all([textOf(peer), once(stream, 'close')]);
      return text;
    }),
    localAddress: connectedFirst(({ localAddress }) => localAddress),
    localFamily: connectedFirst(({ localFamily }) => localFamily),
    localPort: connectedFirst(({ localPort }, peer) => localPort === peer.remotePort),
    pending: inAllStates(({ pending }) => pending),
    readyState: inAllStates(({ readyState }) => readyState),
    ref: returnsItself((stream) => stream.ref()),
    remoteAddress: connectedFirst(({ remoteAddress }) => remoteAddress),
    remoteFamily: connectedFirst(({ remoteFamily }) => remoteFamily),
    remotePort: connectedFirst(({ remotePort }, peer) => remotePort === peer.localPort),
    setKeepAlive: returnsItself((stream) => stream.setKeepAlive(true, 10_000)),
    setNoDelay: returnsItself((stream) => stream.setNoDelay()),
    setTimeout: connectedFirst(async (stream) => {
      const alive = setInterval(() => {}, 1000);
      await new Promise((resolve) => stream.setTimeout(10, resolve));
      clearInterval(alive);
      stream.setTimeout(0);
      return stream.listenerCount('timeout');
    }),
    timeout: connectedFirst((stream) => [stream.timeout, stream.setTimeout(5000).timeout]),
    unref: returnsItself((stream) => stream.unref()),
  };

  test.each(Object.keys(members))('include %s, as those of a net.Socket do', async (name) => {
    const results = {};
    for (const [title, make] of Object.entries(makers)) {
      const server = await startServer();
      const stream = make(server.port);
      results[title] = await members[name](stream, server.accepted());
      stream.destroy();
    }
    expect(results.ours).toEqual(results['net.Socket']);
  });

  test('include connect() for clients that connect the stream they are given', async () => {
    const { port } = await startServer();
    const stream = connect({ port });
    expect(stream.connect(String(port), 'localhost')).toBe(stream);
    expect(stream.connect(port)).toBe(stream);
    const message = `connect: the stream connects to localhost:${port} already, not to other:1`;
    expect(() => stream.connect(1, 'other')).toThrow(message);
    await once(stream, 'connect');
  });

  test('are listed in docs/streams.md', () => {
    expect(listedMembers()).toEqual(expect.arrayContaining([...Object.keys(members), 'connect']));
  });
});

/** The members in the tables of docs/streams.md. */
function listedMembers() {
  const text = readFileSync(join(__dirname, '..', 'docs', 'streams.md'), 'utf8');
  return [...text.matchAll(/^\| `(\w+)(?:\(.*?\))?` /gm)].map(([, name]) => name);
}

describe('the members of a secured stream', () => {
  /** They give the same results before the handshake and after it. */
  const tlsMembers = {
    alpnProtocol: ({ alpnProtocol }) => alpnProtocol,
    authorizationError: ({ authorizationError }) => authorizationError,
    authorized: ({ authorized }) => authorized,
    encrypted: ({ encrypted }) => encrypted,
    getCipher: (stream) => stream.getCipher() ?? {},
    getPeerCertificate: (stream) => stream.getPeerCertificate(),
    getPeerX509Certificate: (stream) => stream.getPeerX509Certificate()?.toString(),
    getProtocol: (stream) => stream.getProtocol(),
    servername: ({ servername }) => servername,
  };
  const tlsMakers = {
    TLSSocket: ({ host, port, version }) =>
      connectTls({
        ...{
          host,
          port,
          minVersion: version,
          maxVersion: version,
          ALPNProtocols: ['other', 'mail'],
        },
        // Node's own default, which is none for an address.
        ...(net.isIP(host) ? {} : { servername: host }),
        ca: readFileSync(join(process.env.TEST_CERTIFICATES, 'ca.pem')),
      }),
    ours: ({ host, port, version }) => {
      const name = version.replace('TLSv', 'tls');
      const secure = { tlsVersion: { min: name, max: name } };
      return connect({ host, port, secure, ALPNProtocols: ['other', 'mail'] });
    },
  };

  test.each([
    ['TLSv1.2', 'localhost', undefined],
    ['TLSv1.3', 'localhost', ['mail']],
    ['TLSv1.3', '127.0.0.1', ['mail']],
  ])('equal those of a TLSSocket: %s, %s', async (version, host, ALPNProtocols) => {
    const results = {};
    for (const [title, make] of Object.entries(tlsMakers)) {
      const server = await startServer({ tls: { ...certificate(), ALPNProtocols } });
      const stream = make({ host, port: server.port, version });
      const read = () => Object.entries(tlsMembers).map(([name, look]) => [name, look(stream)]);
      const before = Object.fromEntries(read());
      await once(stream, 'secureConnect');
      results[title] = { before, after: Object.fromEntries(read()) };
      stream.destroy();
      results[title].destroyed = stream.getPeerCertificate();
    }
    // Node returns the version that it will offer.
    expect(results.ours.before).toEqual({ ...results.TLSSocket.before, getProtocol: null });
    expect(results.ours.after).toEqual(results.TLSSocket.after);
    expect(results.ours.destroyed).toEqual(results.TLSSocket.destroyed);
    expect(results.ours.after).toMatchObject({ authorized: true, encrypted: true });
  });

  test('are undefined on a stream that is not secured', async () => {
    const { port } = await startServer();
    const stream = connect({ host: '127.0.0.1', port });
    await once(stream, 'connect');
    const { authorized, alpnProtocol, servername, authorizationError, encrypted } = stream;
    expect({ authorized, alpnProtocol, servername, authorizationError }).toEqual({});
    expect(encrypted).toBe(false);
    expect([stream.getPeerCertificate(), stream.getProtocol()]).toEqual([{}, null]);
  });

  test('are listed in docs/streams.md behind those of a net.Socket', () => {
    const names = Object.keys(tlsMembers);
    expect(listedMembers().slice(-names.length)).toEqual(names);
  });
});
