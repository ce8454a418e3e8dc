'use strict';

/**
 * One disturbance in a process of its own, and its effect on other sockets: plain and encrypted
 * ones exchange messages before and during the disturbance, and new ones connect.
 */

const { once } = require('node:events');
const { duplex } = require('../../entry/duplex.js');
const { received } = require('../../entry/promises.js');
const { call, close, open, repeat, send } = require('../sockets.js');

const KIB = 1024;
const ENDLESS = new BigUint64Array([2n ** 50n]).buffer;

/** Between two messages of a socket, milliseconds. */
const MESSAGE_INTERVAL_MS = 2;

/** How many messages are exchanged between two connections. */
const MESSAGES_PER_CONNECTION = 200;

/** How long a slow listener keeps the thread, milliseconds. */
const SLOW_LISTENER_MS = 4;

const { scenario, addresses, ports, before, during, plain, tls } = JSON.parse(process.argv[2]);

/** @param {number} milliseconds */
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * @param {boolean} tls
 * @param {'echo' | 'source' | 'fleeting'} role
 */
const target = (tls, role) => ({
  host: addresses[0],
  port: ports[tls ? 'tls' : 'plain'][role],
  tls,
});

// ---- Those that are not to be disturbed ---------------------------------------------------------

/** @type {number[]} Milliseconds, of messages and of new connections. */
let messages = [];
/** @type {number[]} */
let connections = [];

/** @param {boolean} tls */
async function exchangeForEver(tls) {
  const message = new ArrayBuffer(64);
  let left = 0;
  let done = () => {};
  const receiver = {
    data(/** @type {ArrayBuffer} */ data) {
      left -= data.byteLength;
      if (left === 0) done();
    },
    end(/** @type {number} */ code) {
      throw new Error(`a bystander's connection has ended: ${code}`);
    },
  };
  const socketId = await open(target(tls, 'echo'), { receiver });
  void (async () => {
    while (true) {
      const begun = performance.now();
      left = message.byteLength;
      const echoed = new Promise((resolve) => (done = () => resolve(undefined)));
      void send(socketId, message);
      await echoed;
      messages.push(performance.now() - begun);
      countTurn();
      await wait(MESSAGE_INTERVAL_MS);
    }
  })();
}

/** The connections that wait for a number of exchanged messages. */
let turns = 0;
/** @type {{ at: number, go: () => void }[]} */
const waiting = [];

function countTurn() {
  turns += 1;
  while (waiting.length > 0 && waiting[0].at <= turns) waiting.shift()?.go();
}

/**
 * Makes connections, without a timer: a timer would wake the thread, which would hide a missing
 * wake-up.
 *
 * @param {boolean} tls
 */
async function connectForEver(tls) {
  while (true) {
    const begun = performance.now();
    const socketId = await open(target(tls, 'fleeting'));
    connections.push(performance.now() - begun);
    await close(socketId);
    await new Promise((resolve) => {
      waiting.push({ at: turns + MESSAGES_PER_CONNECTION, go: () => resolve(undefined) });
    });
  }
}

/** Resident, without garbage. */
function residentBytes() {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  return process.memoryUsage.rss();
}

// ---- Disturbances: each begins, and reports its findings at the end ----------------

/**
 * @param {number} count
 * @param {boolean} tls
 * @param {import('../sockets.js').Receiver} [receiver]
 * @returns {Promise<number[]>} Sockets to which the peer sends as fast as it can.
 */
async function floods(count, tls, receiver) {
  /** @type {number[]} */
  const socketIds = [];
  await repeat(count, 16, async () => {
    const properties = { bufferSize: 64 * KIB };
    const socketId = await open(target(tls, 'source'), { properties, receiver });
    await send(socketId, ENDLESS);
    socketIds.push(socketId);
  });
  return socketIds;
}

/** @type {Record<string, () => Promise<() => Promise<object>>>} */
const disturbances = {
  async none() {
    return async () => ({});
  },

  /** A listener that is far slower than its events. */
  async 'slow-listener'() {
    let events = 0;
    const receiver = {
      data() {
        events += 1;
        const end = performance.now() + SLOW_LISTENER_MS;
        while (performance.now() < end);
      },
    };
    await Promise.all([floods(2, false, receiver), floods(2, true, receiver)]);
    return async () => ({ events });
  },

  /** Consumers that read one chunk and stop, by iterator and by stream. */
  async 'kept-data'() {
    for (const isTls of [false, true]) {
      const properties = { bufferSize: 64 * KIB };
      const flood = { ...target(isTls, 'source') };
      for (let index = 0; index < 32; index++) {
        const socketId = await open(flood, { properties, paused: true });
        const iterator = received(socketId)[Symbol.asyncIterator]();
        await send(socketId, ENDLESS);
        await iterator.next();
      }
      for (let index = 0; index < 32; index++) {
        const stream = duplex(await open(flood, { properties, paused: true }));
        stream.write(Buffer.from(ENDLESS));
        await once(stream, 'readable');
      }
    }
    return async () => ({ sockets: 128 });
  },

  /** Floods that were taken in, at full speed, and then are not. */
  async 'paused-flood'() {
    const socketIds = [...(await floods(64, false)), ...(await floods(64, true))];
    await wait(300);
    await Promise.all(socketIds.map((socketId) => call('setPaused', socketId, true)));
    return async () => ({ sockets: socketIds.length });
  },

  /** Pending sends up to the quota, to a peer that does not read. */
  async quota() {
    const [socketId] = await floods(1, false);
    await call('setPaused', socketId, true);
    // The size leaves room for the other sockets, which share the quota.
    const message = new ArrayBuffer(1000 * KIB);
    let accepted = 0;
    let refusal = '';
    const fail = (/** @type {Error} */ error) => (refusal ||= error.message);
    while (!refusal && accepted < 400) {
      accepted += 1;
      // Accepted sends stay pending.
      call('send', socketId, message).catch(fail);
      await wait(1);
    }
    // The last one was not.
    return async () => ({ accepted: (accepted - 1) * message.byteLength, refusal });
  },

  /** Checks of certificates that wait for the store of authorities, which is slow. */
  async 'blocked-checks'() {
    const codes = secureMany(40);
    return async () => ({ codes: await codes });
  },

  /** Names for which the resolver takes seconds. */
  async 'slow-names'() {
    const codes = lookUpMany(40);
    return async () => ({ codes: await codes });
  },

  async 'blocked-checks-and-slow-names'() {
    const codes = Promise.all([lookUpMany(40), secureMany(40)]);
    return async () => ({ codes: (await codes).flat() });
  },
};

/** @param {number} count */
function secureMany(count) {
  const secured = async () => {
    const socketId = await open({ ...target(true, 'echo'), tls: false }, { paused: true });
    const code = await call('secure', socketId);
    await call('close', socketId);
    return code;
  };
  return Promise.all(Array.from({ length: count }, secured));
}

/** @param {number} count */
function lookUpMany(count) {
  const connected = async (/** @type {unknown} */ _, /** @type {number} */ index) => {
    const { socketId } = await call('create', {});
    const code = await call('connect', socketId, `slow-${index}.test`, ports.plain.echo);
    await call('close', socketId);
    return code;
  };
  return Promise.all(Array.from({ length: count }, connected));
}

async function main() {
  await Promise.all([
    ...Array.from({ length: plain }, () => exchangeForEver(false)),
    ...Array.from({ length: tls }, () => exchangeForEver(true)),
  ]);
  void connectForEver(false);
  if (tls > 0) void connectForEver(true);
  await wait(300);
  [messages, connections] = [[], []];
  await wait(before);
  const undisturbed = { messages, connections };
  [messages, connections] = [[], []];
  const bytes = residentBytes();
  const find = await disturbances[scenario]();
  [messages, connections] = [[], []];
  process.send?.('disturbed');
  await wait(during);
  const grown = residentBytes() - bytes;
  const disturbed = { messages, connections };
  [messages, connections] = [[], []];
  const found = await find();
  process.send?.({ undisturbed, disturbed, grown, found });
  await new Promise((resolve) => process.once('message', resolve));
  process.exit();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
