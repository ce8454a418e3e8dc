'use strict';

const { once } = require('node:events');
const { join } = require('node:path');
const { ROOT, runNode } = require('./support/child.js');
const { Realm } = require('./support/realm.js');
const { startServer, stopServers } = require('../support/servers.js');

afterEach(stopServers);

/** @param {Realm} realm @param {string} file */
const load = (realm, file) => realm.require(join(ROOT, file));

describe('in a realm other than Node’s', () => {
  const realm = new Realm();
  const [TheirPromise, TheirError, TheirTypeError, TheirObject, TheirArray, TheirArrayBuffer] =
    realm.evaluate('[Promise, Error, TypeError, Object, Array, ArrayBuffer]');
  const tcp = load(realm, 'index.js');

  afterEach(async () => {
    for (const { socketId } of await tcp.getSockets()) await tcp.close(socketId);
  });

  /** @param {string} text Sent by the server. */
  async function connectTo(text) {
    const { port } = await startServer({ onConnection: (socket) => socket.write(text) });
    const { socketId } = await tcp.create();
    await new Promise((resolve) => {
      tcp.connect(socketId, '127.0.0.1', port, resolve);
    });
    return socketId;
  }

  test.each([['few'], ['x'.repeat(3000)]])('received data belongs to this realm', async (text) => {
    const received = new Promise((resolve) => {
      tcp.onReceive.addListener(function listener(info) {
        tcp.onReceive.removeListener(listener);
        resolve(info);
      });
    });
    await connectTo(text);
    const { data } = await received;
    expect(data instanceof TheirArrayBuffer).toBe(true);
    expect(data instanceof ArrayBuffer).toBe(false);
    expect(Buffer.from(data).toString()).toBe(text);
  });

  test('results of promises and iterators belong to this realm', async () => {
    const { received } = load(realm, 'entry/promises.js');
    const socketId = await connectTo('text');
    await tcp.setPaused(socketId, true);
    const { value } = await received(socketId).next();
    expect(value instanceof TheirArrayBuffer).toBe(true);
    expect((await tcp.getInfo(socketId)) instanceof TheirObject).toBe(true);
    expect((await tcp.getSockets()) instanceof TheirArray).toBe(true);
  });

  test('promises and errors belong to this realm', async () => {
    const { getInfo } = load(realm, 'entry/promises.js');
    const unknown = 987654;
    for (const promise of [tcp.getInfo(unknown), getInfo(unknown)]) {
      expect(promise instanceof TheirPromise).toBe(true);
      expect((await promise.catch((/** @type {any} */ error) => error)) instanceof TheirError).toBe(
        true,
      );
    }
    const thrown = (() => {
      try {
        return tcp.connect();
      } catch (error) {
        return error;
      }
    })();
    expect(thrown instanceof TheirTypeError).toBe(true);
  });

  test('streams work with the timers of jsdom', async () => {
    const { port } = await startServer({ onConnection: (socket) => socket.write('text') });
    const { connect } = load(realm, 'entry/duplex.js');
    const stream = connect({ host: '127.0.0.1', port });
    const [data] = await once(stream, 'data');
    expect(String(data)).toBe('text');
    stream.setTimeout(1);
    await once(stream, 'timeout');
    stream.destroy();
    await once(stream, 'close');
  });
});

test('two exceptions in a row are raised without setImmediate', async () => {
  const code = `
    const { setImmediate } = globalThis;
    delete globalThis.setImmediate;
    const tcp = require('./index.js');
    process.on('uncaughtException', ({ message }) => console.log(message));
    for (const text of ['first', 'second']) tcp.onReceive.addListener(() => { throw new Error(text); });
    require('node:net').createServer((socket) => socket.end('x')).listen(0, '127.0.0.1', function () {
      tcp.create({}, ({ socketId }) => tcp.connect(socketId, '127.0.0.1', this.address().port, () => {}));
      tcp.onReceiveError.addListener(() => setImmediate(() => process.exit()));
    });`;
  const { stdout } = await runNode(['--eval', code]);
  expect(stdout).toBe('first\nsecond\n');
});

test('a replaced global Promise has no effect', async () => {
  const foreign = `
    const Native = Promise;
    globalThis.Promise = class Foreign {
      #promise;
      constructor(executor) { this.#promise = new Native(executor); }
      then(...args) { return new Foreign((resolve) => resolve(this.#promise.then(...args))); }
      static resolve(value) { return new Foreign((resolve) => resolve(value)); }
    };`;
  const use = `
    const tcp = require('./index.js');
    const promises = require('./entry/promises.js');
    (async () => {
      console.log((await tcp.create({})).socketId);
      console.log((await promises.create()).socketId);
      console.log((await promises.getInfo(99).catch((error) => error)).message);
      await promises.connect(1, '127.0.0.1', 1, { signal: AbortSignal.abort() }).catch(({ name }) => console.log(name));
    })();`;
  // Before the module is loaded, and after.
  const orders = [foreign + use, use.replace('(async', `${foreign}(async`)];
  for (const code of orders) {
    const { code: exit, stdout, stderr } = await runNode(['--eval', code]);
    expect({ exit, stdout, stderr }).toEqual({
      exit: 0,
      stdout: '1\n2\ngetInfo: Socket not found\nAbortError\n',
      stderr: '',
    });
  }
});
