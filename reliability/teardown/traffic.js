'use strict';

/**
 * Sockets in every state, with endless traffic. The process or worker that runs this ends during
 * the traffic, in the given way.
 */

const { parentPort, threadId, workerData, Worker } = require('node:worker_threads');
const { call, close, expect, open, receivers, send, tcp } = require('../sockets.js');

/** @typedef {'exit' | 'throw' | 'closing'} Way */

const KIB = 1024;

/** The requested amount is larger than a run can transfer. */
const ENDLESS = new BigUint64Array([2n ** 50n]).buffer;

const job = workerData ?? JSON.parse(process.argv[2]);

/** @type {() => void} */
let onData = () => {};
let closing = false;

/**
 * @param {boolean} tls
 * @param {'echo' | 'source' | 'sink'} role
 */
function target(tls, role) {
  const { addresses, ports } = job;
  return { host: addresses[0], port: ports[tls ? 'tls' : 'plain'][role], tls };
}

/**
 * Repeats an action. Failures are permitted, because sockets are being closed.
 *
 * @param {() => Promise<void>} action
 */
async function forEver(action) {
  try {
    while (!closing) await action();
  } catch (error) {
    if (!closing) throw error;
  }
}

/**
 * @param {() => void} then
 * @returns {import('../sockets.js').Receiver}
 */
function receiver(then) {
  return {
    data() {
      then();
      onData();
    },
    end(code) {
      if (!closing) throw new Error(`the connection has ended: ${code}`);
    },
  };
}

/**
 * @param {boolean} tls
 * @returns {Promise<unknown>} Ends when all are busy.
 */
function occupy(tls) {
  const first = (/** @type {(then: () => void) => Promise<unknown>} */ begin) =>
    new Promise((resolve, reject) => {
      begin(() => resolve(undefined)).catch(reject);
    });
  return Promise.all([
    // Small and large messages to and fro.
    ...[64, 256 * KIB].map((size) =>
      first(async (then) => {
        const message = new ArrayBuffer(size);
        const options = { receiver: receiver(then) };
        const socketId = await open(target(tls, 'echo'), options);
        void forEver(() => send(socketId, message));
      }),
    ),
    // A flood that is taken in, and one that is not.
    first(async (then) => {
      const properties = { bufferSize: 64 * KIB };
      const options = { properties, receiver: receiver(then) };
      await send(await open(target(tls, 'source'), options), ENDLESS);
    }),
    first(async (then) => {
      const socketId = await open(target(tls, 'source'), { receiver: receiver(then) });
      await send(socketId, ENDLESS);
      await call('setPaused', socketId, true);
    }),
    // Much to send.
    first(async (then) => {
      const socketId = await open(target(tls, 'sink'));
      const message = new ArrayBuffer(4 * KIB * KIB);
      await send(socketId, message);
      then();
      for (let sends = 0; sends < 3; sends++) void forEver(() => send(socketId, message));
    }),
    // Connections that come and go.
    first(async (then) => {
      void forEver(async () => {
        await close(await open(target(tls, 'echo')));
        then();
      });
    }),
  ]);
}

/** A name for which the resolver may take its time. */
async function look() {
  const { socketId } = await call('create', {});
  await call('connect', socketId, 'no-such-host.invalid', 80);
  await call('close', socketId);
}

/** @param {Way} way */
function end(way) {
  closing = true;
  if (way === 'closing') {
    void finish();
  } else {
    // In the middle of a delivery.
    onData = () => {
      if (way === 'throw') throw new Error('on purpose');
      process.exit(0);
    };
  }
}

/** Closes everything, so that the process can end. */
async function finish() {
  if (!parentPort) process.disconnect();
  while (true) {
    const infos = await new Promise((resolve) => tcp.getSockets(resolve));
    if (infos.length === 0) return;
    await Promise.all(
      infos.map((/** @type {any} */ { socketId }) => call('close', socketId).catch(() => {})),
    );
  }
}

async function main() {
  if (job.workers) {
    const started = Array.from({ length: job.workers }, () => {
      const worker = new Worker(__filename, { workerData: { ...job, workers: 0 } });
      return new Promise((resolve) => worker.once('message', resolve));
    });
    await Promise.all(started);
  }
  if (job.looks !== false) void forEver(look);
  await Promise.all([occupy(false), occupy(true)]);
  expect(receivers.size > 0, true, 'sockets');
  (parentPort ?? process).on('message', end);
  if (parentPort) parentPort.postMessage(threadId);
  else process.send?.('live');
}

void main();
