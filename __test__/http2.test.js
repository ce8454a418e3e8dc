'use strict';

// HTTP/2 with Node's implementation on both ends, and the application protocols (ALPN) that it needs.

const { once } = require('node:events');
const http2 = require('node:http2');
const tls = require('node:tls');
const { connect } = require('../entry/duplex.js');
const { closeSockets } = require('./support/client.js');
const { certificate, startServer, stopServers } = require('../support/servers.js');

/** The objects that a test has opened. */
const opened = [];

afterEach(async () => {
  for (const close of opened.splice(0)) close();
  await closeSockets();
  await stopServers();
});

/** Starts an HTTP/2 server that echoes bodies. */
async function startHttp2(server) {
  const sessions = new Set();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.respond({ ':status': 200, 'x-path': headers[':path'] });
    stream.pipe(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return server.address().port;
}

/** A client on a stream of ours. */
function startClient(authority, stream) {
  const client = http2.connect(authority, { createConnection: () => stream });
  opened.push(() => client.destroy());
  return client;
}

/** Posts a body; gives the echoed header and body. */
async function post(client, path, body) {
  const request = client.request({ ':method': 'POST', ':path': path });
  request.end(body);
  const [headers] = await once(request, 'response');
  let text = '';
  for await (const data of request) text += data;
  return { path: headers['x-path'], text };
}

const BODY = 'x'.repeat(300_000);

describe('http2.connect({ createConnection })', () => {
  test.each(['tls1.2', 'tls1.3'])('works over %s', async (version) => {
    const server = http2.createSecureServer(certificate());
    const port = await startHttp2(server);
    const session = once(server, 'session');
    const stream = connect({
      port,
      secure: { tlsVersion: { min: version, max: version } },
      ALPNProtocols: ['h2'],
    });
    expect(stream.alpnProtocol).toBe(null);
    const client = startClient(`https://localhost:${port}`, stream);
    const paths = ['/one', '/two', '/three'];
    const answers = await Promise.all(paths.map((path) => post(client, path, BODY)));
    expect(answers).toEqual(paths.map((path) => ({ path, text: BODY })));
    expect(stream.alpnProtocol).toBe('h2');
    expect((await session)[0].alpnProtocol).toBe('h2');
    const closed = once(stream, 'close');
    client.close();
    await closed;
  });

  test('works without TLS', async () => {
    const port = await startHttp2(http2.createServer());
    const client = startClient(`http://localhost:${port}`, connect({ port }));
    expect(await post(client, '/', BODY)).toEqual({ path: '/', text: BODY });
  });

  test('fails with the error of a net.Socket if the connection is refused', async () => {
    const port = await startHttp2(http2.createServer());
    opened.splice(0).forEach((close) => close());
    const client = startClient(`http://localhost:${port}`, connect({ host: '127.0.0.1', port }));
    const [error] = await once(client, 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect', port });
  });
});

describe('ALPNProtocols', () => {
  /** How a server that speaks these protocols and a stream get along. */
  async function negotiate(ours, theirs) {
    const server = await startServer({ tls: { ...certificate(), ALPNProtocols: theirs } });
    const stream = connect({ port: server.port, secure: true, ALPNProtocols: ours });
    await once(stream, 'secureConnect');
    const { alpnProtocol } = await server.accepted();
    return [stream.alpnProtocol, alpnProtocol];
  }

  test('are not offered unless they are given, as in Chromium', async () => {
    expect(await negotiate(undefined, ['h2'])).toEqual([false, false]);
    expect(await negotiate([], ['h2'])).toEqual([false, false]);
  });

  test('are offered in order of preference, and the server chooses', async () => {
    expect(await negotiate(['h2', 'http/1.1'], ['http/1.1'])).toEqual(['http/1.1', 'http/1.1']);
    expect(await negotiate(['a', 'b'], undefined)).toEqual([false, false]);
  });

  test('apply to one stream only', async () => {
    expect(await negotiate(['h2'], ['h2'])).toEqual(['h2', 'h2']);
    expect(await negotiate(undefined, ['h2'])).toEqual([false, false]);
  });

  test('unknown to the server end the handshake as with a TLSSocket', async () => {
    const { port } = await startServer({ tls: { ...certificate(), ALPNProtocols: ['b'] } });
    const options = { port, host: 'localhost', ALPNProtocols: ['a'] };
    const theirs = tls.connect({ ...options, rejectUnauthorized: false });
    const goesOn = await once(theirs, 'secureConnect').then(
      () => true,
      () => false,
    );
    theirs.destroy();
    const ours = once(connect({ ...options, secure: true }), 'secureConnect');
    // The server of Node 18 goes on without a protocol.
    if (goesOn) await ours;
    else await expect(ours).rejects.toMatchObject({ code: 'ERR_SSL_PROTOCOL_ERROR' });
  });

  test.each([
    ['h2', 'expected an array of strings of 1 to 255 bytes'],
    [[''], 'expected an array of strings of 1 to 255 bytes'],
    [[2], 'expected an array of strings of 1 to 255 bytes'],
    [['é'.repeat(128)], 'expected an array of strings of 1 to 255 bytes'],
    [Array(256).fill('x'.repeat(255)), 'expected at most 65535 bytes in all'],
  ])('are refused if they are invalid (%#)', (ALPNProtocols, message) => {
    const make = () => connect({ port: 1, secure: true, ALPNProtocols });
    expect(make).toThrow(new TypeError(`ALPNProtocols: ${message}`));
  });

  test('are refused without TLS', () => {
    expect(() => connect({ port: 1, ALPNProtocols: ['h2'] })).toThrow('expected secure as well');
  });
});
