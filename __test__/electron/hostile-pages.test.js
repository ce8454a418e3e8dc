'use strict';

// Hostile pages in a real Electron.

const { once } = require('node:events');
const { join } = require('node:path');
const { echo, startServer } = require('../../support/servers.js');
const {
  ask,
  connect,
  describeElectron,
  evaluate,
  newApplication,
  newName,
  openWindow,
  says,
} = require('../support/electron-windows.js');

const preload = join(__dirname, 'hostile-preload.js');

/** Another page of the same application, and whether it is as it was. */
async function openWitness(partition) {
  const window = await openWindow(partition);
  await evaluate(window, 'listen()');
  const { port } = await startServer({ onConnection: echo });
  const socketId = await connect(window, port);
  return {
    socketId,
    async isWell() {
      await evaluate(window, `send(${socketId}, 'well')`);
      await says(window, socketId, 'well');
    },
  };
}

describeElectron('a hostile page', () => {
  test.each(['blob', 'port', 'buffer', 'canvas', 'sparse', 'deep'])(
    'does no harm by a message with a %s',
    async (strange) => {
      const partition = await newApplication();
      const witness = await openWitness(partition);
      const hostile = await openWindow(partition, { preload });
      await evaluate(hostile, `hostile.post([], '${strange}')`);
      await evaluate(hostile, 'hostile.granted()');
      await witness.isWell();
    },
  );

  test('does no harm by random messages and gets no API until it is reloaded', async () => {
    const partition = await newApplication();
    const witness = await openWitness(partition);
    const hostile = await openWindow(partition, { preload });
    for (let load = 0; load < 10; load++) {
      await evaluate(
        hostile,
        `(() => {
          const methods = ['create', 'close', 'connect', 'send', 'sendGathered', 'secure', 'update',
            'listen', 'received', 'setPaused', 'constructor', '__proto__', 1, null];
          const values = [0, 1, -1, 0.5, NaN, 2 ** 32, 'localhost', '', true, null, undefined, [], {},
            new Uint8Array(3), new Int32Array(4), new ArrayBuffer(2), new Date(), new Map(), 10n];
          const pick = (list) => list[Math.floor(Math.random() * list.length)];
          for (let round = 0; round < 50; round++) {
            const args = Array.from({ length: Math.random() * 7 }, () => pick(values));
            hostile.post([[[pick(methods), ...args]], pick(values)]);
          }
          hostile.post([0]);
        })()`,
      );
      expect(await evaluate(hostile, 'until(() => !hostile.granted())')).toBeUndefined();
      await ask('reload', hostile);
      expect(await evaluate(hostile, 'hostile.granted()')).toBe(true);
    }
    for (const count of [0, 1, 2]) await evaluate(hostile, `hostile.ports(${count})`);
    await evaluate(hostile, "hostile.send('chrome-sockets-tcp:page', 1)");
    expect(await evaluate(hostile, 'hostile.granted()')).toBe(true);
    await witness.isWell();
  });

  test('cannot end or stall the main process at any size of its calls', async () => {
    const partition = newName('application');
    await ask('serve', partition, {}, undefined, { maxSockets: 20_480 });
    const witness = await openWindow(partition);
    const before = await ask('memory');
    for (const attack of [
      `[[['create', 0, false, 'x'.repeat(64 * 1024 * 1024), 1]]]`,
      `Array.from({ length: 20 }, () => Array.from({ length: 1024 }, () => ['create', 0]))`,
      `[Array.from({ length: 1024 }, () => ['getSockets', 0])]`,
      `[[['connect', 0, 1, '\\u00e9'.repeat(1e6), 80, 0]]]`,
      `Array.from({ length: 600 }, () => Array.from({ length: 1024 }, () => ['getSockets', 0]))`,
    ]) {
      const hostile = await openWindow(partition, { preload });
      await evaluate(hostile, `hostile.post(${attack})`);
      const begun = performance.now();
      for (let count = 0; count < 10; count++) await evaluate(witness, `call('getInfo', -1)`);
      expect(performance.now() - begun).toBeLessThan(5000);
      expect((await ask('memory')) - before).toBeLessThan(768 * 1024 * 1024);
      await ask('close', hostile);
    }
  }, 60_000);

  test('gets no API over a port of its own without a grant', async () => {
    const hostile = await openWindow(newName('application'), { preload });
    const { port, accepted } = await startServer();
    expect(await evaluate(hostile, 'hostile.granted()')).toBe(false);
    const calls = [
      ['create', 0],
      ...Array.from({ length: 99 }, (_, id) => ['connect', 1, id, '127.0.0.1', port, 0]),
    ];
    await evaluate(hostile, `hostile.post([${JSON.stringify(calls)}])`);
    // A page that may connect does so later, and its connection is the first.
    const window = await openWindow(await newApplication());
    const socketId = await connect(window, port);
    const { localPort } = await evaluate(window, `call('getInfo', ${socketId})`);
    expect((await accepted()).remotePort).toBe(localPort);
  });
});

describeElectron.each([
  ['navigates', (window, web) => ask('loadURL', window, `${web}/`)],
  ['shows an error', (window) => ask('failToLoad', window, 'file:///does/not/exist.html')],
  ['is closed', (window) => ask('close', window)],
  ['is reloaded', (window) => ask('reload', window)],
])('a hostile page that has passed on its port and %s', (_how, leave) => {
  test('loses the API then, and not before', async () => {
    const partition = await newApplication();
    const window = await openWindow(partition, { preload });
    await ask('allowPopups', window, { preload });
    const popup = newName('window');
    // A name that is known already would be that of the popup of another page.
    await ask('popup', window, `window.open('about:blank', '${popup}')`, popup);
    const { port, accepted } = await startServer();
    const socketId = await evaluate(window, `hostile.connectAndPassOn(${port}, '${popup}')`);
    const closed = once((await accepted()).resume(), 'close');
    await evaluate(
      popup,
      'new Promise((resolve) => {\
      const look = () => (hostile.hasPassedOn() ? resolve() : setTimeout(look, 5));\
      look();\
    })',
    );

    const web = `http://127.0.0.1:${await ask('startWeb')}`;
    await evaluate(window, "location.hash = 'elsewhere'; history.pushState(1, '', '?here')");
    expect(await ask('failToLoad', window, `${web}/nothing`)).toBe(true);
    const [, , , failure] = await evaluate(
      popup,
      `hostile.callPassedOn(['getInfo', 9, ${socketId}])`,
    );
    expect(failure).toBeFalsy();

    await leave(window, web);
    await closed;
  });
});

describeElectron('a page with a hostile realm', () => {
  test('cannot get the port by replacing functions of the realm', async () => {
    const window = await openWindow(await newApplication());
    const { port } = await startServer({ onConnection: echo });
    const found = await evaluate(
      window,
      `(async () => {
        const { apply, construct, ownKeys } = Reflect;
        const { defineProperty, getOwnPropertyDescriptor } = Object;
        const [Port, Event] = [MessagePort, MessageEvent];
        const { get: targetOf } = getOwnPropertyDescriptor(window.Event.prototype, 'target');
        const seen = [];
        let watching = false;
        const isPort = (value) =>
          value instanceof Port || (value instanceof Event && apply(targetOf, value, []) instanceof Port);
        const note = (value, key) => {
          if (watching && isPort(value)) seen[seen.length] = String(key);
        };
        const watched = (f, key) => function (...args) {
          note(this, key);
          for (let i = 0; i < args.length; i++) note(args[i], key);
          const result = new.target ? construct(f, args, new.target) : apply(f, this, args);
          note(result, key);
          return result;
        };
        let count = 0;
        for (const object of [
          Port.prototype, EventTarget.prototype, Event.prototype, window.Event.prototype,
          Function.prototype, Array.prototype, Map.prototype, WeakMap.prototype, Promise.prototype,
          Object.prototype, Reflect, Object, Array, Promise, Symbol.prototype,
          Object.getPrototypeOf([][Symbol.iterator]()), Object.getPrototypeOf(Uint8Array.prototype),
        ]) {
          for (const key of ownKeys(object)) {
            const descriptor = getOwnPropertyDescriptor(object, key);
            if (!descriptor.configurable || key === 'constructor' || key === '__proto__') continue;
            for (const part of ['value', 'get', 'set']) {
              if (typeof descriptor[part] === 'function') {
                descriptor[part] = watched(descriptor[part], key);
                count++;
              }
            }
            defineProperty(object, key, descriptor);
          }
        }
        watching = true;
        listen();
        const socketId = await connect('127.0.0.1', ${port});
        await send(socketId, 'x'.repeat(500));
        await until(() => texts[socketId]?.length === 500);
        await call('close', socketId);
        watching = false;
        return { seen, count };
      })()`,
    );
    expect(found.count).toBeGreaterThan(100);
    expect(found.seen).toEqual([]);
  });
});
