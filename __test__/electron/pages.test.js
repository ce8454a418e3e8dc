'use strict';

// Sandboxed and isolated pages in a real Electron.

const { once } = require('node:events');
const { startFlood } = require('../support/flood.js');
const { certificate, echo, startServer } = require('../../support/servers.js');
const {
  ask,
  connect,
  describeElectron,
  evaluate,
  newApplication,
  openWindow,
  says,
} = require('../support/electron-windows.js');

describeElectron('a sandboxed page', () => {
  test('has the API of its own realm before its scripts run', async () => {
    const window = await openWindow(await newApplication());
    expect(await evaluate(window, '[atStart, typeof require, typeof process]')).toEqual([
      'function',
      'undefined',
      'undefined',
    ]);
    const { port } = await startServer({ onConnection: echo });
    const seen = await evaluate(
      window,
      `(async () => {
        const { tcp } = chrome.sockets;
        const event = new Promise((resolve) => tcp.onReceive.addListener(resolve));
        const promise = tcp.create();
        const socketId = await connect('127.0.0.1', ${port});
        await send(socketId, 'own');
        const info = await event;
        let thrown;
        try { tcp.close('1'); } catch (error) { thrown = error; }
        const rejected = await tcp.close(-1).catch((error) => error);
        return [
          promise instanceof Promise,
          info.data instanceof ArrayBuffer,
          Object.getPrototypeOf(info) === Object.prototype,
          (await tcp.getSockets()) instanceof Array,
          thrown instanceof TypeError,
          rejected instanceof Error,
        ];
      })()`,
    );
    expect(seen).toEqual(Array(6).fill(true));
  });

  test('connects over TLS', async () => {
    const window = await openWindow(await newApplication());
    const { port } = await startServer({ onConnection: echo, tls: certificate() });
    const socketId = await evaluate(
      window,
      `(async () => {
        listen();
        const socketId = (await chrome.sockets.tcp.create()).socketId;
        await call('setPaused', socketId, true);
        await call('connect', socketId, 'localhost', ${port});
        const result = await call('secure', socketId);
        if (result !== 0) throw new Error(result);
        await call('setPaused', socketId, false);
        await send(socketId, 'encrypted');
        return socketId;
      })()`,
    );
    await says(window, socketId, 'encrypted');
  });

  test('sends in order, small and large, many in one turn', async () => {
    const window = await openWindow(await newApplication());
    const { port, accepted } = await startServer();
    const socketId = await connect(window, port);
    const peer = await accepted();
    let total = 0;
    let ordered = true;
    const all = new Promise((resolve) => {
      peer.on('data', (data) => {
        for (const byte of data) ordered &&= byte === total++ % 251;
        if (total >= 2_000_000) resolve(undefined);
      });
    });
    const ended = await evaluate(
      window,
      `(async () => {
        const bytes = Uint8Array.from({ length: 2_000_000 }, (_, index) => index % 251);
        const ends = [];
        const calls = [];
        for (let from = 0, size = 1; from < bytes.length; from += size, size = (size * 3) % 99_991) {
          const number = calls.length;
          const piece = bytes.subarray(from, from + size);
          calls.push(call('send', ${socketId}, piece).then((info) => {
            ends.push(number);
            return info.resultCode === 0 && info.bytesSent === piece.length;
          }));
          // The application may use its buffer again.
          if (number % 10 === 9) await null;
        }
        const results = await Promise.all(calls);
        return results.every(Boolean) && ends.every((number, index) => number === index);
      })()`,
    );
    expect(ended).toBe(true);
    await all;
    expect(ordered).toBe(true);
  });

  test('is denied hosts that its manifest does not list', async () => {
    const { port } = await startServer();
    const manifest = { sockets: { tcp: { connect: [`localhost:${port}`] } } };
    const window = await openWindow(await newApplication(manifest));
    const denied = `connect('127.0.0.1', ${port}).catch((error) => error.message)`;
    expect(await evaluate(window, denied)).toBe('connect: Does not have permission');
    expect(await evaluate(window, `connect('localhost', ${port})`)).toBeGreaterThan(0);
  });
});

describeElectron('a page of Manifest V2', () => {
  test('gets no promises with Manifest V2', async () => {
    const manifest = { manifest_version: 2, sockets: { tcp: { connect: '*' } } };
    const window = await openWindow(await newApplication(manifest));
    const returned =
      "String(chrome.sockets.tcp.getSockets()) + ' ' + String(chrome.sockets.tcp.close(9))";
    expect(await evaluate(window, returned)).toBe('undefined undefined');
  });
});

describeElectron('two windows', () => {
  test('share the sockets and events of one application', async () => {
    const partition = await newApplication();
    const [one, two] = [await openWindow(partition), await openWindow(partition)];
    await evaluate(one, 'listen()');
    await evaluate(two, 'listen()');
    const { port } = await startServer({ onConnection: echo });
    const socketId = await connect(one, port);
    await evaluate(two, `send(${socketId}, 'to both')`);
    await Promise.all([says(one, socketId, 'to both'), says(two, socketId, 'to both')]);
  });
});

describeElectron.each([
  ['is closed', (window) => ask('close', window)],
  ['is reloaded', (window) => ask('reload', window)],
  ['navigates', (window) => ask('loadURL', window, 'data:text/html,elsewhere')],
  ['crashes', (window) => ask('crash', window)],
])('when a page %s', (_how, leave) => {
  test('sockets close and persistent ones stay, paused, for the next page', async () => {
    const partition = await newApplication();
    const [leaving, staying] = [await openWindow(partition), await openWindow(partition)];
    await evaluate(staying, 'listen()');
    const { port, accepted } = await startServer();
    await connect(leaving, port);
    const closing = once((await accepted()).resume(), 'close');
    const properties = { persistent: true, name: 'line', bufferSize: 7 };
    const socketId = await connect(leaving, port, properties);
    const peer = await accepted();
    await leave(leaving);
    await closing;

    const [info, ...others] = await evaluate(staying, `call('getSockets')`);
    expect(others).toEqual([]);
    expect(info).toMatchObject({ ...properties, socketId, connected: true, paused: true });
    await new Promise((resolve) => peer.write('meanwhile', resolve));
    await evaluate(staying, `call('setPaused', ${socketId}, false)`);
    await says(staying, socketId, 'meanwhile');
    expect(await evaluate(staying, 'errors')).toEqual([]);
  });
});

describeElectron('a busy page', () => {
  test('throttles the peer with bounded memory', async () => {
    const partition = await newApplication();
    const window = await openWindow(partition);
    const flood = await startFlood(96);
    try {
      await evaluate(window, 'listen()');
      const socketId = await connect(window, flood.port, { bufferSize: 65536 });
      const before = await ask('memory');
      const busy = evaluate(window, '{ const end = Date.now() + 1500; while (Date.now() < end); }');
      await flood.stalled();
      expect(flood.sentBytes()).toBeLessThan(flood.totalBytes / 2);
      expect((await ask('memory')) - before).toBeLessThan(24 * 1024 * 1024);
      await busy;
      await evaluate(window, `until(() => lengths[${socketId}] === ${flood.totalBytes})`);
    } finally {
      await flood.stop();
    }
  });
});
