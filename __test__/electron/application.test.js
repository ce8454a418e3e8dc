'use strict';

// The main process's half without Electron: pages are message channels of Node.

const diagnostics = require('node:diagnostics_channel');
const { once } = require('node:events');
const net = require('node:net');
const { MessageChannel, receiveMessageOnPort } = require('node:worker_threads');
const { Application } = require('../../lib/electron/application.js');
const { RemoteNative } = require('../../lib/electron/page/remote-native.js');
const { createNamespaces } = require('../../lib/renderer/namespace.js');
const { ANSWER_WINDOW } = require('../../lib/electron/credit.js');
const { MAX_HOST, MAX_NAME, MAX_SOCKETS, MAX_UNANSWERED } = require('../../lib/electron/limits.js');
const { COMPLETE, RECEIVE } = require('../../lib/renderer/requests.js');
const runtime = require('../../entry/runtime.js');
const { runNode } = require('../support/child.js');
const { startFlood } = require('../support/flood.js');
const { echo, startServer, stopServers } = require('../support/servers.js');

const DENIED = 'Does not have permission';
const EVERYTHING = { sockets: { tcp: { connect: '' } } };

/** @type {(() => void)[]} */
const cleanups = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  await stopServers();
  jest.restoreAllMocks();
});

function newApplication(manifest = EVERYTHING, configuration = {}) {
  const application = new Application({ manifest, ...configuration });
  cleanups.push(() => application.close());
  return application;
}

/** A page's end of a channel to the application, and how to end the page. */
function openPort(application, document) {
  const { port1, port2 } = new MessageChannel();
  const end = application.addPage(
    {
      // As a MessagePortMain of Electron tells it, which takes ports out of the message.
      on: (event, listener) =>
        event === 'message'
          ? port2.on(event, (data) => listener({ data, ports: data?.ports ?? [] }))
          : port2.on(event, listener),
      postMessage: (message) => port2.postMessage(message),
      start() {},
      close: () => port2.close(),
    },
    document,
  );
  cleanups.push(() => port1.close());
  return { port: port1, end };
}

/** Like lib/electron/page/main.js, for a port of Node. */
const channelOver = (port) => ({
  post: (message) => port.postMessage(message),
  listen: (listener) => port.on('message', listener),
});

/** A page: the API over such a port, with what its events tell. */
function openPage(application) {
  const { port, end } = openPort(application);
  const { tcp, tcpServer } = createNamespaces(new RemoteNative(channelOver(port)));
  const received = new Map();
  const failed = [];
  let wake = () => {};
  return {
    tcp,
    tcpServer,
    end,
    close: () => port.close(),
    failed,
    listen() {
      tcp.onReceive.addListener(({ socketId, data }) => {
        received.set(socketId, (received.get(socketId) ?? '') + Buffer.from(data).toString());
        wake();
      });
      tcp.onReceiveError.addListener(({ socketId, resultCode }) => {
        failed.push([socketId, resultCode]);
        wake();
      });
    },
    async receives(socketId, text) {
      while (received.get(socketId) !== text) await new Promise((resolve) => (wake = resolve));
    },
    text: (socketId) => received.get(socketId) ?? '',
    /** The first argument of the callback, or the message of lastError if there is none. */
    call: (method, ...args) =>
      new Promise((resolve) =>
        tcp[method](...args, (value) => resolve(value ?? runtime.lastError?.message)),
      ),
    async connect(port, properties = {}) {
      const { socketId } = await tcp.create(properties);
      expect(await this.call('connect', socketId, '127.0.0.1', port)).toBe(0);
      return socketId;
    },
  };
}

/** A listening socket of a page, its port, and what it accepts. */
async function listen(page) {
  const { socketId } = await page.tcpServer.create();
  const code = await new Promise((resolve) =>
    page.tcpServer.listen(socketId, '127.0.0.1', 0, (result) =>
      resolve(result ?? runtime.lastError?.message),
    ),
  );
  const accepted = [];
  const failed = [];
  let wake = () => {};
  page.tcpServer.onAccept.addListener((info) => {
    accepted.push(info.clientSocketId);
    wake();
  });
  page.tcpServer.onAcceptError.addListener((info) => {
    failed.push(info.resultCode);
    wake();
  });
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => (wake = resolve));
  };
  const { localPort } = await page.tcpServer.getInfo(socketId);
  return { socketId, code, port: localPort, accepted, failed, until };
}

/** A connected client of Node. */
async function dial(port) {
  const client = net.connect({ port, host: '127.0.0.1' });
  cleanups.push(() => client.destroy());
  client.on('error', () => {});
  await once(client, 'connect');
  return client;
}

describe('servers of pages', () => {
  const LISTEN = { sockets: { tcpServer: { listen: '127.0.0.1' } } };

  test('need the permission of the manifest', async () => {
    const { code } = await listen(openPage(newApplication()));
    expect(code).toBe(DENIED);
  });

  test('accept sockets that the page can use', async () => {
    const page = openPage(newApplication(LISTEN));
    page.listen();
    const server = await listen(page);
    expect(server.code).toBe(0);
    const client = await dial(server.port);
    client.write('ping');
    await server.until(() => server.accepted.length === 1);
    const [socketId] = server.accepted;
    await page.tcp.setPaused(socketId, false);
    await page.receives(socketId, 'ping');
    await page.call('send', socketId, bytes('pong'));
    expect(String((await once(client, 'data'))[0])).toBe('pong');
  });

  test('end with their page, and so do the connections', async () => {
    const page = openPage(newApplication(LISTEN));
    const server = await listen(page);
    const client = await dial(server.port);
    const closed = once(client, 'end');
    client.resume();
    await server.until(() => server.accepted.length === 1);
    page.close();
    await closed;
    await expect(dial(server.port)).rejects.toThrow('ECONNREFUSED');
  });

  test('accept no more sockets than the application may have', async () => {
    const page = openPage(newApplication(LISTEN, { maxSockets: 2 }));
    const server = await listen(page);
    await dial(server.port);
    await server.until(() => server.accepted.length === 1);
    await dial(server.port);
    await server.until(() => server.failed.length === 1);
    expect(server.failed).toEqual([-12]);
    await page.tcp.close(server.accepted[0]);
    await page.tcpServer.setPaused(server.socketId, false);
    await server.until(() => server.accepted.length === 2);
  });

  test('are out of reach of sockets.tcp, and of other applications', async () => {
    const page = openPage(newApplication(LISTEN));
    const { socketId, port } = await listen(page);
    await expect(page.tcp.close(socketId)).rejects.toThrow('Socket not found');
    const other = openPage(newApplication(LISTEN));
    await expect(other.tcpServer.close(socketId)).rejects.toThrow('Socket not found');
    expect(await other.tcpServer.getSockets()).toEqual([]);
    expect(await page.tcpServer.getSockets()).toMatchObject([{ socketId, localPort: port }]);
  });

  test('that are persistent wait for another page', async () => {
    const application = newApplication(LISTEN);
    const [one, two] = [openPage(application), openPage(application)];
    const server = await listen(one);
    await one.tcpServer.update(server.socketId, { persistent: true });
    one.end();
    const waits = await two.tcpServer.getInfo(server.socketId);
    expect(waits).toMatchObject({ paused: true, localPort: server.port });
    const accepted = new Promise((resolve) => two.tcpServer.onAccept.addListener(resolve));
    await dial(server.port);
    await two.tcpServer.setPaused(server.socketId, false);
    const { clientSocketId } = await accepted;
    expect(await two.tcp.getInfo(clientSocketId)).toMatchObject({ connected: true, paused: true });
  });
});

const bytes = (text) => new TextEncoder().encode(text).buffer;

describe('pages of one application', () => {
  test('share its sockets, and all that listen get the events', async () => {
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

  test('leave what they have sent to arrive when they end, although bytes are unread', async () => {
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

  test('have no more sockets together than was configured', async () => {
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

  test('are counted apart from everything else', async () => {
    const { port } = await startServer();
    const [application, other] = [newApplication(), newApplication()];
    const page = openPage(application);
    const { socketId } = await page.tcp.create();
    expect(await page.call('connect', socketId, '127.0.0.1', port)).toBe(0);
    expect(application.stats()).toMatchObject({ sockets: 1, connected: 1, connectsStarted: 1 });
    expect(other.stats()).toMatchObject({ sockets: 0, connectsStarted: 0 });
  });

  test('connect to what the manifest allows, under the name that the page has written', async () => {
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

  test('are shown on the channels as Node is', async () => {
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

  test('are shown by NODE_DEBUG as Node is, without what they send', async () => {
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

  test('connect to nothing without a manifest that says so', async () => {
    const page = openPage(newApplication({}));
    const { socketId } = await page.tcp.create();
    expect(await page.call('connect', socketId, '127.0.0.1', 9)).toBe(DENIED);
  });
});

describe.each(['ends', 'closes its port'])('when a page %s', (how) => {
  const leave = (page) => (how === 'ends' ? page.end() : page.close());

  test('its sockets close and those of other pages stay', async () => {
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

  test('a call that is under way ends with it', async () => {
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
  /** The API of a page, and the methods of each message that it posts, with what else is noted. */
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
  ])('%s is posted before a continuation can use another channel', async (_name, posted, call) => {
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

describe('a page that takes nothing in', () => {
  /** What the page is sent, until nothing more comes while the peer is stalled. */
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

  test('throttles the peer and is sent no more than its window', async () => {
    const application = newApplication();
    const { port, flood, socketId } = await openFlooded(application, []);
    const { total, count } = await takeUnconfirmed(port, flood);
    expect(total).toBeGreaterThan(32 * 1024);
    expect(total).toBeLessThan(64 * 1024 + 4096);
    expect(flood.sentBytes()).toBeLessThan(flood.totalBytes / 2);

    // Nobody sees that it is held, others go on, and it goes on where it was.
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

  test('is sent few pieces where they are small', async () => {
    const { port, flood } = await openFlooded(newApplication(), [false, '', 1]);
    const { count } = await takeUnconfirmed(port, flood);
    expect(count).toBeGreaterThan(64);
    expect(count).toBeLessThan(129);
  });

  test('lets its sockets go when it ends', async () => {
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

/** The answers that have come to a page that posts by itself, oldest first. */
function takeAnswers(port) {
  const answers = [];
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
    if (next.message[0] === COMPLETE) answers.push(next.message);
  }
  return answers;
}

/** Waits for that many answers of a page that posts by itself. */
async function answersOf(port, count) {
  const answers = [];
  while (answers.length < count) {
    answers.push(...takeAnswers(port));
    await new Promise(setImmediate);
  }
  return answers;
}

describe('limits', () => {
  test('a name may have 4,096 characters, and a longer one fails in its place', async () => {
    const { tcp } = openPage(newApplication());
    const name = 'n'.repeat(MAX_NAME);
    const { socketId } = await tcp.create({ name });
    const order = [];
    const note = (what) => (error) => order.push([what, error?.message]);
    await Promise.allSettled([
      tcp.getInfo(socketId).then(note('before')),
      tcp.create({ name: `${name}n` }).catch(note('create')),
      tcp.update(socketId, { name: `${name}n`, bufferSize: 5 }).catch(note('update')),
      tcp.getInfo(socketId).then(note('after')),
    ]);
    expect(order).toEqual([
      ['before', undefined],
      ['create', 'Name too long'],
      ['update', 'Name too long'],
      ['after', undefined],
    ]);
    expect(await tcp.getSockets()).toHaveLength(1);
    const info = await tcp.getInfo(socketId);
    expect(info.name).toBe(name);
    expect(info).not.toHaveProperty('bufferSize');
  });

  test.each([
    ['denied', {}, [undefined, DENIED]],
    ['allowed by its end', { sockets: { tcp: { connect: '*.example.com' } } }, [-105]],
  ])('a host of a million characters that is %s costs no time', async (_, manifest, outcome) => {
    const { port } = openPort(newApplication(manifest));
    port.postMessage([['create', 0]]);
    const [[, , , , socketId]] = await answersOf(port, 1);
    const parts = ['\u00e9', '\u00e9.', '%41'];
    const hosts = parts.map((part) => `${part.repeat(10 ** 6)}.example.com`);
    const before = process.cpuUsage();
    for (const host of hosts) port.postMessage([['connect', 1, socketId, host, 80, 0]]);
    const answers = await answersOf(port, hosts.length);
    const { user } = process.cpuUsage(before);
    for (const [, , ...found] of answers) expect(found).toEqual(expect.arrayContaining(outcome));
    expect(user).toBeLessThan(1_000_000);
  });

  test('a host that is just short enough is looked at in full', async () => {
    const { port } = await startServer();
    const page = openPage(newApplication({ sockets: { tcp: { connect: `localhost:${port}` } } }));
    const { socketId } = await page.tcp.create();
    // Soft hyphens are no part of a name.
    const host = `${'%C2%AD'.repeat(Math.floor((MAX_HOST - 10) / 6))}localhost`;
    expect(host.length).toBeGreaterThan(MAX_HOST - 20);
    expect(await page.call('connect', socketId, host, port)).toBe(DENIED);
  });

  test('an application has 1,024 sockets unless it is configured', async () => {
    const create = async (configuration) => {
      const page = openPage(newApplication(EVERYTHING, configuration));
      const made = Array.from({ length: MAX_SOCKETS + 1 }, () => page.call('create', {}));
      return (await Promise.all(made)).filter(({ socketId }) => socketId).length;
    };
    expect(await create({})).toBe(MAX_SOCKETS);
    expect(await create({ maxSockets: undefined })).toBe(MAX_SOCKETS);
    expect(await create({ maxSockets: 7 })).toBe(7);
    expect(await create({ maxSockets: null })).toBe(MAX_SOCKETS + 1);
  });

  test('getInfo tells how the socket was when it was called', async () => {
    const { tcp } = openPage(newApplication());
    const { socketId } = await tcp.create({ name: 'first' });
    const infos = [tcp.getInfo(socketId), tcp.getSockets()];
    void tcp.update(socketId, { name: 'second' });
    infos.push(tcp.getInfo(socketId));
    void tcp.close(socketId);
    infos.push(tcp.getSockets());
    const [first, all, second, none] = await Promise.all(infos);
    expect([first.name, all[0].name, second.name, none]).toEqual(['first', 'first', 'second', []]);
  });

  test('a page that takes in no answer gets a window of them, and the others when it does', async () => {
    const { port } = openPort(newApplication());
    port.postMessage([['create', 0, false, 'n'.repeat(MAX_NAME), 4096]]);
    const [[, , , , socketId]] = await answersOf(port, 1);
    const calls = Array.from({ length: 1000 }, (_, index) => ['getInfo', index + 1, socketId]);
    port.postMessage(calls);
    const other = openPage(newApplication());
    const first = [];
    for (let quiet = 0; quiet < 20; quiet += 1) {
      await other.tcp.getSockets();
      const some = takeAnswers(port);
      first.push(...some);
      if (some.length > 0) quiet = 0;
    }
    const bytes = first.length * 2 * MAX_NAME;
    expect(bytes).toBeGreaterThan(ANSWER_WINDOW / 2);
    expect(bytes).toBeLessThan(ANSWER_WINDOW + 2 * MAX_NAME);

    let taken = first.length + 1;
    const numbers = first.map(([, number]) => number);
    while (numbers.length < calls.length) {
      port.postMessage([['received', taken]]);
      const some = await answersOf(port, 1);
      numbers.push(...some.map(([, number]) => number));
      taken = some.length;
    }
    expect(numbers).toEqual(calls.map(([, number]) => number));
  });

  test('calls with the same number are answered each', async () => {
    const { port } = openPort(newApplication());
    port.postMessage([
      ['create', 7],
      ['create', 7],
      ['close', 7, -1],
    ]);
    const answers = await answersOf(port, 3);
    expect(answers.map(([, number, , failure]) => [number, failure])).toEqual([
      [7, undefined],
      [7, undefined],
      [7, 'Socket not found'],
    ]);
    const [[, , , , first], [, , , , second]] = answers;
    expect(first).not.toBe(second);
  });

  test('a page with more calls than may be without an answer posts some of them later', async () => {
    const page = openPage(newApplication());
    const { port } = await startServer({ onConnection: (socket) => socket.resume() });
    const socketId = await page.connect(port);
    const count = MAX_UNANSWERED + 1000;
    const data = new ArrayBuffer(1);
    let succeeded = 0;
    await new Promise((resolve) => {
      let answered = 0;
      const callback = ({ resultCode }) => {
        answered += 1;
        if (resultCode === 0) succeeded += 1;
        if (answered === count) resolve();
      };
      for (let index = 0; index < count; index++) page.tcp.send(socketId, data, callback);
    });
    expect(succeeded).toBe(count);
    expect(await page.tcp.getInfo(socketId)).toMatchObject({ connected: true });
  }, 60_000);

  test('a page with more calls than may be without an answer is ended if it posts them', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation();
    const { port } = openPort(newApplication());
    const closed = once(port, 'close');
    const calls = Array.from({ length: 1024 }, (_, index) => ['getSockets', index]);
    for (let sent = 0; sent <= MAX_UNANSWERED + ANSWER_WINDOW / 64; sent += 1024) {
      port.postMessage(calls);
    }
    await closed;
    expect(warn.mock.calls.flat()).toEqual([expect.stringContaining('calls without an answer')]);
  }, 60_000);

  test('the warning of a page that was ended is one line of printable text', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation();
    const onMisbehaved = jest.fn();
    const url = `file:///a\n(node:1) forged\u001b[31m\u202e${'x'.repeat(10_000)}`;
    const { port } = openPort(newApplication(), { url, onMisbehaved });
    const closed = once(port, 'close');
    port.postMessage(0);
    port.postMessage(0);
    await closed;
    expect(onMisbehaved).toHaveBeenCalledTimes(1);
    const [[text], ...others] = warn.mock.calls;
    expect(others).toEqual([]);
    expect(text).toMatch(/^chrome-sockets-tcp: a page was ended: [^\p{Control}\u202e]+$/u);
    expect(text.length).toBeLessThan(500);
  });
});

describe('a message that no page sends', () => {
  const uint8 = new Uint8Array(8);
  const cyclic = [];
  cyclic.push(cyclic);
  const BAD = {
    'no array': { length: 0 },
    'an object as an argument': [['close', 1, { valueOf: 1 }]],
    'a large integer as an argument': [['close', 1, 10n ** 1000n]],
    'more sends than a message of the API gathers': [
      ['sendGathered', 1, 1025, new Int32Array(2050), uint8],
    ],
    nothing: null,
    'too many calls': new Array(2 ** 32 - 1),
    'a call that is none': ['close'],
    'a call of itself': cyclic,
    'an unknown method': [['throttle', 1, true]],
    'a method of the prototype': [['constructor', 1]],
    'a name that is none': [[{}, 1]],
    'no request': [['create']],
    'a negative request': [['create', -1]],
    'a request that is no integer': [['getSockets', 0.5]],
    'a request too large': [['getSockets', 2 ** 32]],
    'a name of a wrong type': [['create', 1, true, 5]],
    'a socket of a wrong type': [['close', 1, '1']],
    'a host of a wrong type': [['connect', 1, 1, {}, 80, 0]],
    'a port that is no integer': [['connect', 1, 1, 'localhost', 80.5, 0]],
    'an unknown family': [['connect', 1, 1, 'localhost', 80, 5]],
    'a family that is none': [['connect', 1, 1, 'localhost', 80, 'constructor']],
    'data of a wrong type': [['send', 1, 1, 'text']],
    'sends without bytes': [['sendGathered', 1, 1, new Int32Array(2)]],
    'sends without a number': [['sendGathered', {}, 1, new Int32Array(2), uint8]],
    'more sends than headers': [['sendGathered', 1, 2, new Int32Array(2), uint8]],
    'very many sends': [['sendGathered', 1, 2 ** 32 - 1, new Int32Array(2), uint8]],
    'a negative length': [['sendGathered', 1, 1, Int32Array.of(1, -1), uint8]],
    'a length beyond the bytes': [['sendGathered', 1, 1, Int32Array.of(1, 9), uint8]],
    'lengths that overflow': [
      ['sendGathered', 1, 2, Int32Array.of(1, 2 ** 31 - 1, 1, 2 ** 31 - 1), uint8],
    ],
    'an unknown event': [['listen', 'onConnect', true]],
    'neither listening nor not': [['listen', 'onReceive', 1]],
    'a receipt for nothing': [['received', 1]],
    'a negative receipt': [['received', -1]],
    'an empty receipt': [['received', 0]],
    'a huge receipt': [['received', 2 ** 32 - 1]],
  };

  test.each(Object.keys(BAD))('%s ends the page, and nothing else', async (name) => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation();
    const application = newApplication();
    const other = openPage(application);
    other.listen();
    const { port: echoing } = await startServer({ onConnection: echo });
    const socketId = await other.connect(echoing);
    const { port } = openPort(application);
    const closed = once(port, 'close');
    port.postMessage(BAD[name]);
    await closed;
    expect(warn).toHaveBeenCalledWith(
      expect.stringMatching(/a page was ended: TypeError|RangeError/),
    );
    await other.call('send', socketId, bytes('unharmed'));
    await other.receives(socketId, 'unharmed');
  });

  test('with ports ends the page and closes them', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation();
    const { port } = openPort(newApplication());
    const { port1, port2 } = new MessageChannel();
    const closed = [once(port, 'close'), once(port1, 'close')];
    port.postMessage({ ports: [port2] }, [port2]);
    await Promise.all(closed);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('no ports'));
  });

  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

  test(`is survived, whatever chance makes of it (SEED=${seed})`, async () => {
    jest.spyOn(process, 'emitWarning').mockImplementation();
    const application = newApplication({ sockets: { tcp: { connect: '192.0.2.1:1' } } });
    const random = generator(seed);
    const methods = Object.getOwnPropertyNames(RemoteNative.prototype).concat('received');
    const pick = (list) => list[Math.floor(random() * list.length)];
    const value = (depth) =>
      pick([
        () => Math.floor(random() * 4),
        () => pick([-1, 0.5, NaN, Infinity, 2 ** 31, 2 ** 32 - 1, 10n]),
        () => pick(['', 'localhost', '\ud800', 'onReceive', '__proto__', 'x'.repeat(70_000)]),
        () => pick([true, false, null, undefined]),
        () => new Uint8Array(Math.floor(random() * 20)),
        () => Int32Array.from({ length: 4 }, () => Math.floor(random() * 8) - 1),
        () => pick([new ArrayBuffer(3), new Date(), new Map(), new Error('x'), /x/]),
        () => (depth > 2 ? 0 : Array.from({ length: random() * 6 }, () => value(depth + 1))),
        () => (depth > 2 ? 0 : { [pick(['length', 'data', 'name'])]: value(depth + 1) }),
      ])();
    const call = () => [pick(methods), ...Array.from({ length: random() * 7 }, () => value(0))];
    const survivor = openPage(application);
    for (let round = 0; round < 100; round++) {
      const ports = Array.from({ length: 20 }, () => openPort(application).port);
      for (const port of ports) {
        port.postMessage(random() < 0.1 ? value(0) : [call(), call()]);
      }
      await survivor.tcp.getSockets();
      for (const port of ports) port.close();
    }
    // Only what was made persistent outlives its page, until somebody else closes it.
    for (;;) {
      const infos = await survivor.tcp.getSockets();
      if (infos.length === 0) break;
      const left = infos.filter(({ persistent, paused }) => persistent && paused);
      await Promise.all(left.map(({ socketId }) => survivor.tcp.close(socketId)));
    }
  });
});

/** Mulberry32: a generator that a seed determines. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
