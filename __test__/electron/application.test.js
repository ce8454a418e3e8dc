'use strict';

// The main process's half without Electron: pages are message channels of Node.

const diagnostics = require('node:diagnostics_channel');
const { once } = require('node:events');
const { receiveMessageOnPort } = require('node:worker_threads');
const { RemoteNative } = require('../../lib/electron/page/remote-native.js');
const { createNamespaces } = require('../../lib/renderer/namespace.js');
const { RECEIVE } = require('../../lib/base/deliveries.js');
const { runNode } = require('../support/child.js');
const { startFlood } = require('../support/flood.js');
const { echo, startServer } = require('../../support/servers.js');
const {
  DENIED,
  EVERYTHING,
  bytes,
  cleanups,
  endApplications,
  newApplication,
  openPage,
  openPort,
} = require('../support/application.js');

afterEach(endApplications);

describe('pages of one application', () => {
  test('share its sockets, and all listening pages get the events', async () => {
    const application = newApplication();
    const [one, two, deaf] = [1, 2, 3].map(() => openPage(application));
    one.listen();
    two.listen();
    const { port } = await startServer({ onConnection: echo });
    const socketId = await one.connect(port);
    expect(await two.tcp.getSockets()).toMatchObject([{ socketId, connected: true }]);
    await two.call('send', socketId, bytes('shared'));
    await Promise.all([one.receives(socketId, 'shared'), two.receives(socketId, 'shared')]);
    await deaf.tcp.close(socketId);
    expect(await one.tcp.getSockets()).toEqual([]);
  });

  test('end without losing sent bytes, although received bytes are unread', async () => {
    const page = openPage(newApplication());
    const { port, accepted } = await startServer({
      onConnection: (socket) => socket.write('unread'),
    });
    const { socketId } = await page.tcp.create();
    await page.tcp.setPaused(socketId, true);
    expect(await page.call('connect', socketId, '127.0.0.1', port)).toBe(0);
    const socket = await accepted();
    let received = 0;
    socket.on('data', (data) => (received += data.length));
    const ended = new Promise((resolve) => {
      socket.once('end', () => resolve('FIN'));
      socket.once('error', ({ code }) => resolve(code));
    });
    const length = 2_000_000;
    const sent = await page.call('send', socketId, new ArrayBuffer(length));
    expect(sent).toEqual({ bytesSent: length, resultCode: 0 });
    page.close();
    expect(await ended).toBe('FIN');
    expect(received).toBe(length);
  });

  test('share the limit of maxSockets', async () => {
    const application = newApplication(EVERYTHING, { maxSockets: 2 });
    const [one, two] = [openPage(application), openPage(application)];
    const [first] = [await one.tcp.create(), await two.tcp.create()];
    expect(await two.call('create', {})).toBe('Too many sockets');
    expect(await one.tcp.getSockets()).toHaveLength(2);
    await one.tcp.close(first.socketId);
    expect(await two.call('create', {})).toMatchObject({ socketId: expect.any(Number) });
  });

  test('cannot find the sockets of another application', async () => {
    const [mine, other] = [openPage(newApplication()), openPage(newApplication())];
    const { port } = await startServer();
    const socketId = await mine.connect(port);
    await expect(other.tcp.getInfo(socketId)).rejects.toThrow('Socket not found');
    await expect(other.tcp.close(socketId)).rejects.toThrow('Socket not found');
    expect(await other.tcp.getSockets()).toEqual([]);
    expect(await mine.tcp.getInfo(socketId)).toMatchObject({ connected: true });
  });

  test('have their own counters', async () => {
    const { port } = await startServer();
    const [application, other] = [newApplication(), newApplication()];
    const page = openPage(application);
    const { socketId } = await page.tcp.create();
    expect(await page.call('connect', socketId, '127.0.0.1', port)).toBe(0);
    expect(application.stats()).toMatchObject({ sockets: 1, connected: 1, connectsStarted: 1 });
    expect(other.stats()).toMatchObject({ sockets: 0, connectsStarted: 0 });
  });

  test('connect to hosts that the manifest allows, matched as written', async () => {
    const { port, accepted } = await startServer();
    const manifest = { sockets: { tcp: { connect: [`localhost:${port}`] } } };
    const page = openPage(newApplication(manifest));
    const { socketId } = await page.tcp.create();
    expect(await page.call('connect', socketId, '127.0.0.1', port)).toBe(DENIED);
    expect(await page.call('connect', socketId, 'LocalHost', port)).toBe(0);
    await accepted();
  });

  test.each([
    [2, false],
    [3, true],
    [undefined, true],
  ])('with manifest_version %s: promises %s', (manifest_version, returnsPromises) => {
    expect(newApplication({ manifest_version }).traits).toEqual({ returnsPromises });
    const configuration = { manifestVersion: 2 };
    expect(newApplication({ manifest_version }, configuration).traits).toEqual({
      returnsPromises: false,
    });
  });

  test('are shown on the diagnostics channels like calls in Node', async () => {
    const { port, accepted } = await startServer();
    const told = [];
    const channels = ['connect.start', 'connect.end', 'receive-error'].map((name) => {
      const listener = (message) => told.push([name, message]);
      diagnostics.channel(`chrome-sockets-tcp.${name}`).subscribe(listener);
      return () => diagnostics.channel(`chrome-sockets-tcp.${name}`).unsubscribe(listener);
    });
    cleanups.push(...channels);
    const manifest = { sockets: { tcp: { connect: `localhost:${port}` } } };
    const page = openPage(newApplication(manifest));
    page.listen();
    const { socketId } = await page.tcp.create();
    await page.call('connect', socketId, '127.0.0.1', port);
    await page.call('connect', socketId, 'LocalHost', port);
    (await accepted()).destroy();
    while (page.failed.length === 0) await page.tcp.getSockets();
    expect(told).toEqual([
      ['connect.start', { socketId, host: '127.0.0.1', port }],
      ['connect.end', { socketId, host: '127.0.0.1', port, resultCode: undefined }],
      ['connect.start', { socketId, host: 'localhost', port }],
      ['connect.end', { socketId, host: 'localhost', port, resultCode: 0 }],
      ['receive-error', { socketId, resultCode: -100 }],
    ]);
  });

  test('are shown by NODE_DEBUG like calls in Node, without payload', async () => {
    const code = `
      const { MessageChannel } = require('node:worker_threads');
      const { Application } = require('./lib/electron/application.js');
      const { port1, port2 } = new MessageChannel();
      const application = new Application({ manifest: {} });
      application.addPage({
        on: (event, listener) => port2.on(event, (data) => listener({ data })),
        postMessage: (message) => port2.postMessage(message),
        start() {},
        close: () => port2.close(),
      });
      port1.postMessage([
        ['create', 0],
        ['connect', 1, 1, 'one.example', 80, 0],
        ['send', 2, 1, new TextEncoder().encode('secret')],
      ]);
      let count = 0;
      port1.on('message', () => ++count === 3 && process.exit());`;
    const env = { ...process.env, NODE_DEBUG: 'chrome-sockets-tcp' };
    const { stderr } = await runNode(['-e', code], { env });
    const lines = stderr.match(/(?<=CHROME-SOCKETS-TCP \d+: ).*/g);
    expect(lines).toEqual([
      'socket 1: create (call 0)',
      'socket 1: denyConnect one.example (call 1)',
      'socket 1: send 6 bytes (call 2)',
      'call 0: 0',
      'socket 1: connect failed: Does not have permission (call 1)',
      expect.stringMatching(/^socket 1: send failed: .* \(call 2\)$/),
    ]);
    expect(stderr).not.toContain('secret');
  });

  test('cannot connect without a manifest that permits it', async () => {
    const page = openPage(newApplication({}));
    const { socketId } = await page.tcp.create();
    expect(await page.call('connect', socketId, '127.0.0.1', 9)).toBe(DENIED);
  });
});

describe.each(['ends', 'closes its port'])('when a page %s', (how) => {
  const leave = (page) => (how === 'ends' ? page.end() : page.close());

  test('its sockets close, and those of other pages stay', async () => {
    const application = newApplication();
    const [leaving, staying] = [openPage(application), openPage(application)];
    staying.listen();
    const { port, accepted } = await startServer({ onConnection: echo });
    await leaving.connect(port);
    const end = once((await accepted()).resume(), 'close');
    const socketId = await staying.connect(port);
    leave(leaving);
    await end;
    expect(await staying.tcp.getSockets()).toMatchObject([{ socketId }]);
    await staying.call('send', socketId, bytes('still here'));
    await staying.receives(socketId, 'still here');
    expect(staying.failed).toEqual([]);
  });

  test('a persistent socket stays, paused, for the page that uses it next', async () => {
    const application = newApplication();
    const first = openPage(application);
    const { port, accepted } = await startServer();
    const properties = { persistent: true, name: 'line', bufferSize: 5 };
    const socketId = await first.connect(port, properties);
    const peer = await accepted();
    leave(first);

    const second = openPage(application);
    second.listen();
    let info;
    do [info] = await second.tcp.getSockets();
    while (!info.paused);
    expect(info).toMatchObject({ ...properties, socketId, connected: true });
    await new Promise((resolve) => peer.write('what came meanwhile', resolve));
    await second.tcp.setPaused(socketId, false);
    await second.receives(socketId, 'what came meanwhile');

    // Now it is the second page's.
    await second.tcp.update(socketId, { persistent: false });
    leave(second);
    await once(peer.resume(), 'close');
  });

  test('its pending calls end', async () => {
    const application = newApplication();
    const page = openPage(application);
    const { port } = await startServer();
    const { socketId } = await page.tcp.create();
    page.call('connect', socketId, 'localhost', port);
    leave(page);
    const other = openPage(application);
    while ((await other.tcp.getSockets()).length > 0);
  });
});

describe('the calls of a page', () => {
  /** The API of a page, and a record of the methods of each posted message and of other notes. */
  function openRecorded() {
    const notes = [];
    const post = (calls) => notes.push(calls.map(([method]) => method).join());
    const { tcp } = createNamespaces(new RemoteNative({ post, listen() {} }));
    return { tcp, notes };
  }

  test.each([
    ['getInfo', 'getInfo', (tcp) => tcp.getInfo(1, () => {})],
    ['a small send', 'sendGathered', (tcp) => tcp.send(1, bytes('a'), () => {})],
    ['a large send', 'send', (tcp) => tcp.send(1, new ArrayBuffer(10_000), () => {})],
    ['addListener', 'listen', (tcp) => tcp.onReceive.addListener(() => {})],
  ])('precede a continuation on another channel: %s', async (_name, posted, call) => {
    const { tcp, notes } = openRecorded();
    call(tcp);
    await Promise.resolve().then(() => notes.push('continuation'));
    expect(notes).toEqual([posted, 'continuation']);
  });

  test('are one message for each tick, in the order of the calls', async () => {
    const { tcp, notes } = openRecorded();
    const send = (text) => tcp.send(1, bytes(text), () => {});
    tcp.getInfo(1, () => {});
    send('a');
    send('b');
    tcp.getSockets(() => {});
    send('c');
    await Promise.resolve();
    send('d');
    tcp.getInfo(1, () => {});
    await Promise.resolve();
    expect(notes).toEqual(['getInfo,sendGathered,getSockets,sendGathered', 'sendGathered,getInfo']);
  });
});

describe('a page that acknowledges no data', () => {
  /** The data that the page gets until the peer is stalled. */
  async function takeUnconfirmed(port, flood) {
    await flood.stalled();
    let total = 0;
    let count = 0;
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
      const [kind, , , data] = next.message;
      if (kind !== RECEIVE) continue;
      total += data.byteLength;
      count += 1;
    }
    return { total, count };
  }

  async function openFlooded(application, properties) {
    const flood = await startFlood(64);
    cleanups.push(() => flood.stop());
    const { port } = openPort(application);
    const answer = async (...calls) => {
      port.postMessage(calls);
      for (;;) {
        const next = receiveMessageOnPort(port);
        if (next) return next.message;
        await new Promise(setImmediate);
      }
    };
    const [, , , , socketId] = await answer(['create', 0, ...properties]);
    await answer(['connect', 1, socketId, '127.0.0.1', flood.port, 0]);
    port.postMessage([['listen', 'onReceive', true]]);
    return { port, flood, socketId };
  }

  test('throttles the peer and gets one window of data', async () => {
    const application = newApplication();
    const { port, flood, socketId } = await openFlooded(application, []);
    const { total, count } = await takeUnconfirmed(port, flood);
    expect(total).toBeGreaterThan(32 * 1024);
    expect(total).toBeLessThan(64 * 1024 + 4096);
    expect(flood.sentBytes()).toBeLessThan(flood.totalBytes / 2);

    // The pause is invisible, other sockets continue, and the socket continues where it was.
    const other = openPage(application);
    other.listen();
    expect(await other.tcp.getInfo(socketId)).toMatchObject({ paused: false });
    const { port: echoing } = await startServer({ onConnection: echo });
    const echoed = await other.connect(echoing);
    await other.call('send', echoed, bytes('meanwhile'));
    await other.receives(echoed, 'meanwhile');
    const came = once(port, 'message');
    port.postMessage([['received', count]]);
    await came;
  });

  test('gets small pieces joined to few messages', async () => {
    const { port, flood } = await openFlooded(newApplication(), [false, '', 1]);
    const { count } = await takeUnconfirmed(port, flood);
    expect(count).toBeGreaterThan(64);
    expect(count).toBeLessThan(129);
  });

  test('releases its sockets when it ends', async () => {
    const application = newApplication();
    const { port, flood, socketId } = await openFlooded(application, [true]);
    await takeUnconfirmed(port, flood);
    port.close();
    const page = openPage(application);
    let length = 0;
    const enough = new Promise((resolve) => {
      page.tcp.onReceive.addListener(({ data }) => {
        length += data.byteLength;
        if (length > 8 * 1024 * 1024) resolve();
      });
    });
    while (!(await page.tcp.getInfo(socketId)).paused);
    await page.tcp.setPaused(socketId, false);
    await enough;
  });
});
