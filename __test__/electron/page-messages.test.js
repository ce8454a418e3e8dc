'use strict';

// Messages that no page sends, in the main process's half without Electron.

const { once } = require('node:events');
const { MessageChannel } = require('node:worker_threads');
const { RemoteNative } = require('../../lib/electron/page/remote-native.js');
const { echo, startServer } = require('../../support/servers.js');
const {
  bytes,
  endApplications,
  newApplication,
  openPage,
  openPort,
} = require('../support/application.js');

afterEach(endApplications);

describe('an invalid message', () => {
  const uint8 = new Uint8Array(8);
  const cyclic = [];
  cyclic.push(cyclic);
  const BAD = {
    'an object': { length: 0 },
    'an object as an argument': [['close', 1, { valueOf: 1 }]],
    'a large integer as an argument': [['close', 1, 10n ** 1000n]],
    'more sends than a message of the API gathers': [
      ['sendGathered', 1, 1025, new Int32Array(2050), uint8],
    ],
    'the value null': null,
    'too many calls': new Array(2 ** 32 - 1),
    'a call that is a string': ['close'],
    'a cyclic call': cyclic,
    'an unknown method': [['throttle', 1, true]],
    'a method of the prototype': [['constructor', 1]],
    'a method that is an object': [[{}, 1]],
    'a call without a request number': [['create']],
    'a negative request': [['create', -1]],
    'a request that is not an integer': [['getSockets', 0.5]],
    'a request too large': [['getSockets', 2 ** 32]],
    'a name of a wrong type': [['create', 1, true, 5]],
    'a socket of a wrong type': [['close', 1, '1']],
    'a host of a wrong type': [['connect', 1, 1, {}, 80, 0]],
    'a port that is not an integer': [['connect', 1, 1, 'localhost', 80.5, 0]],
    'an unknown family': [['connect', 1, 1, 'localhost', 80, 5]],
    'a family named after a property of prototypes': [
      ['connect', 1, 1, 'localhost', 80, 'constructor'],
    ],
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
    'a number that says whether to listen': [['listen', 'onReceive', 1]],
    'a receipt for undelivered data': [['received', 1]],
    'a negative receipt': [['received', -1]],
    'an empty receipt': [['received', 0]],
    'a huge receipt': [['received', 2 ** 32 - 1]],
  };

  test.each(Object.keys(BAD))('%s ends the page and no other', async (name) => {
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

  test(`does not end the main process (SEED=${seed})`, async () => {
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
    // Only persistent sockets outlive their page, until another page closes them.
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
