'use strict';

const { once } = require('node:events');
const { execFile } = require('node:child_process');
const net = require('node:net');
const { join } = require('node:path');
const { Worker } = require('node:worker_threads');
const tcp = require('../index.js');
const tcpServer = require('../entry/server.js');
const runtime = require('../entry/runtime.js');
const sockets = require('../entry/promises.js');
const { configure } = require('../entry/configure.js');
const { stats } = require('../entry/stats.js');
const { ROOT, runNode } = require('./support/child.js');

/** The code that a call's callback gets, or the message of lastError. */
const result = (method, ...args) =>
  new Promise((resolve) =>
    tcpServer[method](...args, (value) => resolve(value ?? runtime.lastError?.message)),
  );

/** The accepted connections, in order, and a way to wait for them. */
class Accepted {
  all = [];
  errors = [];
  #wake = () => {};

  constructor() {
    tcpServer.onAccept.addListener(this.#onAccept);
    tcpServer.onAcceptError.addListener(this.#onAcceptError);
    cleanups.push(() => {
      tcpServer.onAccept.removeListener(this.#onAccept);
      tcpServer.onAcceptError.removeListener(this.#onAcceptError);
    });
  }

  #onAccept = (info) => {
    this.all.push(info);
    this.#wake();
  };

  #onAcceptError = (info) => {
    this.errors.push(info);
    this.#wake();
  };

  async count(number) {
    while (this.all.length < number) await new Promise((resolve) => (this.#wake = resolve));
    return this.all;
  }

  async failed() {
    while (this.errors.length === 0) await new Promise((resolve) => (this.#wake = resolve));
    return this.errors[0];
  }
}

const cleanups = [];
const clients = [];

afterEach(async () => {
  configure({ manifest: null, maxSockets: null });
  for (const clean of cleanups.splice(0)) clean();
  for (const client of clients.splice(0)) client.destroy();
  for (const { socketId } of await tcpServer.getSockets()) await tcpServer.close(socketId);
  for (const { socketId } of await tcp.getSockets()) await tcp.close(socketId);
});

/** A connected client of Node. */
async function dial(port) {
  const client = net.connect({ port, host: '127.0.0.1' });
  client.on('error', () => {});
  clients.push(client);
  await once(client, 'connect');
  return client;
}

/** Resumes an accepted socket. Returns the first that it receives, as text. */
function firstBytes(socketId) {
  return new Promise((resolve) => {
    const receive = (info) => {
      if (info.socketId !== socketId) return;
      tcp.onReceive.removeListener(receive);
      resolve(Buffer.from(info.data).toString());
    };
    tcp.onReceive.addListener(receive);
    void tcp.setPaused(socketId, false);
  });
}

async function listening(properties = {}) {
  const { socketId } = await tcpServer.create(properties);
  expect(await result('listen', socketId, '127.0.0.1', 0)).toBe(0);
  const { localPort } = await tcpServer.getInfo(socketId);
  return { socketId, port: localPort };
}

describe('accepted connections', () => {
  test('are paused sockets of chrome.sockets.tcp', async () => {
    const accepted = new Accepted();
    const { socketId, port } = await listening();
    const client = await dial(port);
    const [info] = await accepted.count(1);
    expect(info).toStrictEqual({ clientSocketId: expect.any(Number), socketId });
    const { clientSocketId } = info;
    const state = await tcp.getInfo(clientSocketId);
    expect(state).toStrictEqual({
      connected: true,
      paused: true,
      peerAddress: '127.0.0.1',
      peerPort: client.localPort,
      persistent: false,
      socketId: clientSocketId,
    });
  });

  test('deliver bytes that arrived before they were resumed', async () => {
    const accepted = new Accepted();
    const { port } = await listening();
    const client = await dial(port);
    client.write('early');
    const [{ clientSocketId }] = await accepted.count(1);
    expect(await firstBytes(clientSocketId)).toBe('early');
  });

  test('have other ids than servers', async () => {
    const accepted = new Accepted();
    const { socketId, port } = await listening();
    await dial(port);
    const [{ clientSocketId }] = await accepted.count(1);
    expect(clientSocketId).toBeGreaterThan(socketId);
    await expect(tcp.getInfo(socketId)).rejects.toThrow('Socket not found');
    await expect(tcp.close(socketId)).rejects.toThrow('Socket not found');
    await expect(tcpServer.getInfo(clientSocketId)).rejects.toThrow('Socket not found');
    expect((await tcpServer.getInfo(socketId)).localPort).toBe(port);
  });

  test('can connect again after disconnect, which ends Chromium', async () => {
    const accepted = new Accepted();
    const { port } = await listening();
    await dial(port);
    const [{ clientSocketId }] = await accepted.count(1);
    await tcp.disconnect(clientSocketId);
    const code = await new Promise((resolve) =>
      tcp.connect(clientSocketId, '127.0.0.1', port, resolve),
    );
    expect(code).toBe(0);
    await accepted.count(2);
  });

  test('are each reported once, thousands at a time', async () => {
    const COUNT = 1000;
    const accepted = new Accepted();
    const { port } = await listening();
    for (let made = 0; made < COUNT; made += 100) {
      const ports = await Promise.all(Array.from({ length: 100 }, () => dial(port)));
      expect(ports).toHaveLength(100);
    }
    const ids = (await accepted.count(COUNT)).map(({ clientSocketId }) => clientSocketId);
    expect(new Set(ids).size).toBe(COUNT);
    expect(accepted.all).toHaveLength(COUNT);
  });
});

describe('pausing', () => {
  test('a paused server accepts when it is resumed (deviation p)', async () => {
    const accepted = new Accepted();
    const { socketId } = await tcpServer.create();
    await tcpServer.setPaused(socketId, true);
    expect(await result('listen', socketId, '127.0.0.1', 0)).toBe(0);
    const { localPort } = await tcpServer.getInfo(socketId);
    await dial(localPort);
    await tcpServer.getInfo(socketId);
    expect(accepted.all).toEqual([]);
    await tcpServer.setPaused(socketId, false);
    await accepted.count(1);
  });
});

describe('limits', () => {
  test('accepted sockets count towards maxSockets, and an accept beyond it fails', async () => {
    const accepted = new Accepted();
    const { socketId, port } = await listening();
    const { accepted: before, acceptsFailed } = stats();
    configure({ maxSockets: 2 });
    await dial(port);
    const [{ clientSocketId }] = await accepted.count(1);
    await dial(port);
    expect(await accepted.failed()).toStrictEqual({ resultCode: -12, socketId });
    expect((await tcpServer.getInfo(socketId)).paused).toBe(true);
    await expect(tcp.create()).rejects.toThrow('Too many sockets');
    await tcp.close(clientSocketId);
    await tcpServer.setPaused(socketId, false);
    await accepted.count(2);
    expect(stats()).toMatchObject({
      servers: 1,
      listening: 1,
      accepted: before + 2,
      acceptsFailed: acceptsFailed + 1,
    });
  });

  test('clients beyond the backlog wait for a paused server, and each is accepted once', async () => {
    // Elsewhere the system takes another number of connections.
    if (process.platform !== 'linux') return;
    // The others fit into the queue together when they try again.
    const [BACKLOG, CLIENTS] = [30, 60];
    const accepted = new Accepted();
    const { socketId } = await tcpServer.create();
    await tcpServer.setPaused(socketId, true);
    expect(await result('listen', socketId, '127.0.0.1', 0, BACKLOG)).toBe(0);
    const { localPort } = await tcpServer.getInfo(socketId);
    const connected = [];
    const dials = Array.from({ length: CLIENTS }, async () => {
      const client = await dial(localPort);
      connected.push(client.localPort);
      client.write(String(client.localPort));
    });
    // A later connection to a server that has room shows that the system has answered the others.
    await dial((await listening()).port);
    await accepted.count(1);
    expect(connected).toHaveLength(BACKLOG + 1);

    await tcpServer.setPaused(socketId, false);
    await Promise.all(dials);
    const [, ...infos] = await accepted.count(CLIENTS + 1);
    const ids = infos.map(({ clientSocketId }) => clientSocketId);
    const ports = await Promise.all(ids.map(async (id) => (await tcp.getInfo(id)).peerPort));
    expect([...ports].sort()).toEqual([...connected].sort());
    const sent = await Promise.all(ids.map((id) => firstBytes(id)));
    expect(sent).toEqual(ports.map(String));
  }, 30_000);

  test('clients that reset before they are accepted do not affect others', async () => {
    if (process.platform !== 'linux') return;
    const accepted = new Accepted();
    const { socketId } = await tcpServer.create();
    await tcpServer.setPaused(socketId, true);
    expect(await result('listen', socketId, '127.0.0.1', 0)).toBe(0);
    const { localPort } = await tcpServer.getInfo(socketId);
    const dialed = await Promise.all(Array.from({ length: 20 }, () => dial(localPort)));
    const resets = dialed.filter((_, index) => index % 2 === 0);
    const portsOfReset = resets.map((client) => client.localPort);
    const closed = resets.map((client) => once(client, 'close'));
    for (const client of resets) client.resetAndDestroy();
    await Promise.all(closed);
    for (const client of dialed) if (!client.destroyed) client.write('alive');

    const errors = new Set();
    const onError = (info) => errors.add(`${info.socketId} ${info.resultCode}`);
    tcp.onReceiveError.addListener(onError);
    cleanups.push(() => tcp.onReceiveError.removeListener(onError));
    await tcpServer.setPaused(socketId, false);
    const ids = (await accepted.count(dialed.length)).map(({ clientSocketId }) => clientSocketId);
    const infos = await Promise.all(ids.map((id) => tcp.getInfo(id)));
    const isReset = ({ peerPort }) => portsOfReset.includes(peerPort);
    expect(infos.filter(isReset)).toHaveLength(resets.length);
    const alive = infos.filter((info) => !isReset(info));
    for (const info of infos.filter(isReset)) await tcp.setPaused(info.socketId, false);
    const texts = await Promise.all(alive.map((info) => firstBytes(info.socketId)));
    expect(texts).toEqual(alive.map(() => 'alive'));
    // Each reset was reported before the data of the sockets that were resumed later.
    const expected = infos.filter(isReset).map((info) => `${info.socketId} -100`);
    expect([...errors].sort()).toEqual(expected.sort());
  }, 30_000);

  test('a process without descriptors gets one error and does not spin', async () => {
    if (process.platform === 'win32') return;
    const script = join(ROOT, '__test__', 'fixtures', 'accept-without-descriptors.js');
    const child = execFile('sh', ['-c', `ulimit -n 64; exec "${process.execPath}" "${script}"`]);
    let out = '';
    let complaint = '';
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (complaint += data));
    const [code] = await once(child, 'exit');
    expect({ code, complaint }).toEqual({ code: 0, complaint: '' });
    const { errors, resumed, share } = JSON.parse(out);
    expect(errors).toEqual([-12]);
    expect(resumed).toBe(true);
    expect(share).toBeLessThan(0.5);
  }, 30_000);
});

describe('permissions', () => {
  test('a manifest allows addresses and ports', async () => {
    configure({ manifest: { sockets: { tcpServer: { listen: '127.0.0.1' } } } });
    await listening();
    const { socketId } = await tcpServer.create();
    expect(await result('listen', socketId, '0.0.0.0', 0)).toBe('Does not have permission');
    expect(await result('listen', 99999, '0.0.0.0', 0)).toBe('Socket not found');
  });

  test('a manifest with sockets.tcp alone allows no server', async () => {
    configure({ manifest: { sockets: { tcp: { connect: '*' } } } });
    const { socketId } = await tcpServer.create();
    expect(await result('listen', socketId, '127.0.0.1', 0)).toBe('Does not have permission');
  });
});

describe('lifetimes', () => {
  test('disconnect and close abort a listen and release its port', async () => {
    const { socketId } = await tcpServer.create();
    const listen = new Promise((resolve) =>
      tcpServer.listen(socketId, '127.0.0.1', 0, (code) =>
        resolve([code, runtime.lastError?.message]),
      ),
    );
    await tcpServer.disconnect(socketId);
    expect(await listen).toEqual([-3, 'net::ERR_ABORTED']);
    expect(await result('listen', socketId, '127.0.0.1', 0)).toBe(0);
  });

  /** A worker that listens; its port and id. */
  async function workerWithServer(persistent) {
    const code = `
      const { parentPort } = require('node:worker_threads');
      const server = require(${JSON.stringify(join(ROOT, 'entry/server.js'))});
      server.create({ persistent: ${persistent} }, ({ socketId }) =>
        server.listen(socketId, '127.0.0.1', 0, () =>
          server.getInfo(socketId, ({ localPort }) =>
            parentPort.postMessage({ socketId, port: localPort }))));`;
    const worker = new Worker(code, { eval: true });
    const [info] = await once(worker, 'message');
    return { worker, ...info };
  }

  test('a server ends with its worker', async () => {
    const { worker, port, socketId } = await workerWithServer(false);
    await worker.terminate();
    await expect(dial(port)).rejects.toThrow('ECONNREFUSED');
    await expect(tcpServer.getInfo(socketId)).rejects.toThrow('Socket not found');
  });

  test('a persistent server stays, paused, after its worker, and its next owner resumes it', async () => {
    const { worker, port, socketId } = await workerWithServer(true);
    await worker.terminate();
    const accepted = new Accepted();
    await dial(port);
    expect(await tcpServer.getInfo(socketId)).toMatchObject({ paused: true, localPort: port });
    expect((await tcpServer.getSockets()).map((info) => info.socketId)).toContain(socketId);
    await tcpServer.setPaused(socketId, false);
    const [info] = await accepted.count(1);
    expect(info.socketId).toBe(socketId);
  });

  test('a server keeps the event loop alive until it is closed', async () => {
    const code = `
      const server = require('./entry/server.js');
      server.create({}, ({ socketId }) => server.listen(socketId, '127.0.0.1', 0, () => {
        process.on('exit', () => console.log('end'));
        setTimeout(() => server.close(socketId, () => console.log('closed')), 100).unref();
      }));`;
    const { stdout } = await runNode(['-e', code]);
    expect(stdout).toBe('closed\nend\n');
  });
});

describe('with promises,', () => {
  test('a loop yields the connections, and its end closes the server', async () => {
    const server = await sockets.listen();
    expect(server).toMatchObject({ address: '127.0.0.1', port: expect.any(Number) });
    const client = await dial(server.port);
    client.write('hello');
    for await (const socketId of server) {
      for await (const data of sockets.received(socketId)) {
        await sockets.send(socketId, data);
        break;
      }
      await sockets.close(socketId);
      break;
    }
    const [echoed] = await once(client, 'data');
    expect(echoed.toString()).toBe('hello');
    await expect(dial(server.port)).rejects.toThrow('ECONNREFUSED');
    expect(await tcpServer.getSockets()).toEqual([]);
  });

  test("connections wait in the kernel's queue while no loop waits for one", async () => {
    const server = await sockets.listen();
    await Promise.all(Array.from({ length: 5 }, () => dial(server.port)));
    expect(await tcp.getSockets()).toEqual([]);
    await server.next();
    expect((await tcp.getSockets()).length).toBeLessThanOrEqual(2);
    await server.close();
    expect(await server.next()).toEqual({ value: undefined, done: true });
  });

  test('close ends a loop that waits', async () => {
    const server = await sockets.listen();
    const next = server.next();
    await server.close();
    expect(await next).toEqual({ value: undefined, done: true });
  });

  test('a signal closes the server, and the loop throws its reason', async () => {
    const controller = new AbortController();
    const server = await sockets.listen({ signal: controller.signal });
    const next = server.next();
    controller.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    expect(await server.next()).toEqual({ value: undefined, done: true });
  });

  test('a signal has no effect on a server that is closed already', async () => {
    const controller = new AbortController();
    const server = await sockets.listen({ signal: controller.signal });
    await server.close();
    controller.abort(new Error('late'));
    expect(await server.next()).toEqual({ value: undefined, done: true });
  });

  test('listen() on a port in use rejects with a SocketError', async () => {
    const server = await sockets.listen();
    await expect(sockets.listen({ port: server.port })).rejects.toMatchObject({
      name: 'SocketError',
      code: 'ERR_ADDRESS_IN_USE',
      method: 'listen',
      port: server.port,
    });
    await server.close();
  });
});
