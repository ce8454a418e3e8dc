'use strict';

/** One process of the load: performs the job of its argument and reports the result. */

const { readdirSync } = require('node:fs');
const { crc32 } = require('node:zlib');
const { createRandom } = require('../random.js');
const { call, close, open, receivers, repeat, send } = require('../sockets.js');

/** Concurrent handshakes: each costs both ends milliseconds. */
const MAX_HANDSHAKES = 64;

/**
 * The first sockets, whose memory is not counted: with them Node's heap and the allocator's arenas reach
 * their size.
 */
const WARM_UP = 2000;

const MIB = 1024 * 1024;

const job = JSON.parse(process.argv[2]);
const random = createRandom(job.seed);

/** @param {number} index */
const target = (index) => ({
  host: job.addresses[index % job.addresses.length],
  port: job.port,
  tls: job.tls,
});

const nextMessage = () => new Promise((resolve) => process.once('message', resolve));

/** @param {unknown} message */
const report = (message) => process.send?.(message);

/** The resident memory after a garbage collection, as the kernel reports it. */
function residentBytes() {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  return process.memoryUsage.rss();
}

const descriptors = () => readdirSync('/proc/self/fd').length;

/**
 * Checks the echoes of a socket: its own bytes must come back, and no others.
 */
class Correspondent {
  socketId = 0;
  wrong = 0;
  #message = Buffer.alloc(0);
  #received = 0;
  #done = () => {};

  data = (/** @type {ArrayBuffer} */ buffer) => {
    const data = Buffer.from(buffer);
    const expected = this.#message.subarray(this.#received, this.#received + data.length);
    if (!data.equals(expected)) this.wrong += 1;
    this.#received += data.length;
    if (this.#received >= this.#message.length) this.#done();
  };

  end = () => {
    this.wrong += 1;
    this.#done();
  };

  /** @param {string} text */
  async exchange(text) {
    this.#message = Buffer.from(text);
    this.#received = 0;
    const echoed = new Promise((resolve) => (this.#done = () => resolve(undefined)));
    // A copy, because send() takes the whole ArrayBuffer.
    await send(this.socketId, new Uint8Array(this.#message).buffer);
    await echoed;
  }
}

// ---- Many sockets at once -----------------------------------------------------------------------

async function hold() {
  /** @type {number[]} */
  const socketIds = [];
  const openOne = async (/** @type {number} */ index) => {
    socketIds.push(await open(target(index)));
  };
  const begun = performance.now();
  await repeat(WARM_UP, MAX_HANDSHAKES, openOne);
  const before = residentBytes();
  const measured = job.count - WARM_UP;
  await repeat(measured, MAX_HANDSHAKES, openOne);
  const seconds = (performance.now() - begun) / 1000;
  report({ seconds, bytesEach: (residentBytes() - before) / measured });

  // From here on the other processes have opened theirs, too.
  await nextMessage();
  const holders = socketIds.map((socketId) => {
    const holder = new Correspondent();
    holder.socketId = socketId;
    receivers.set(socketId, holder);
    return holder;
  });
  for (let round = 0; round < job.rounds; round++) {
    await Promise.all(
      holders.map((holder) => {
        const token = `process ${process.pid} socket ${holder.socketId} round ${round} `;
        return holder.exchange(token.repeat(random.integer(1, 8)));
      }),
    );
  }
  const crossed = holders.filter(({ wrong }) => wrong > 0).length;
  report({ exchanged: holders.length * job.rounds, crossed });
  await nextMessage();
  await repeat(socketIds.length, MAX_HANDSHAKES, (index) => close(socketIds[index]));
  report({ closed: true });
}

// ---- Many sockets one after another -------------------------------------------------------------

/** The number of samples of descriptors and memory. */
const SAMPLES = 10;

async function cycles() {
  let number = 0;
  let wrong = 0;
  const begun = performance.now();
  for (let look = 0; look < SAMPLES; look++) {
    await repeat(job.count / SAMPLES, MAX_HANDSHAKES, async () => {
      number += 1;
      const text = `process ${process.pid} cycle ${number} `.repeat(random.integer(1, 30));
      const correspondent = new Correspondent();
      correspondent.socketId = await open(target(number), { receiver: correspondent });
      await correspondent.exchange(text);
      wrong += correspondent.wrong;
      await close(correspondent.socketId);
    });
    report({ number, descriptors: descriptors(), bytes: residentBytes() });
  }
  report({ done: true, wrong, seconds: (performance.now() - begun) / 1000 });
}

// ---- Many bytes ---------------------------------------------------------------------------------

/** Concurrent sends of one socket. */
const MAX_PENDING_SENDS = 4;

/** The sizes of sends and their frequencies. */
const SEND_SIZES = /** @type {const} */ ([
  [0.05, 1, 16],
  [0.1, 17, 4096],
  [0.3, 4097, 64 * 1024],
  [0.5, 64 * 1024, MIB],
  [0.05, MIB, 16 * MIB],
]);

/** The probability that an event pauses its socket. */
const PAUSE_PROBABILITY = 1 / 5000;

function sendSize() {
  let part = random.next();
  for (const [share, low, high] of SEND_SIZES) {
    if (part < share) return random.integer(low, high);
    part -= share;
  }
  return 1;
}

/** The source of all sends: each has its own offset and number. */
const POOL = new Uint8Array(32 * MIB);

/**
 * @param {number} number
 * @param {number} length
 */
function chunk(number, length) {
  const from = random.integer(0, POOL.length - length);
  const bytes = POOL.slice(from, from + length);
  if (length >= 8) new DataView(bytes.buffer).setFloat64(0, number);
  return bytes;
}

/** The checksum of the received bytes up to a length, and the 16 bytes after them. */
class Download {
  checksum = 0;
  pauses = 0;
  #left;
  #reply = Buffer.alloc(0);
  /** @type {(reply: Buffer) => void} */
  #done = () => {};
  /** @type {(error: Error) => void} */
  #failed = () => {};

  /** @param {number} length */
  constructor(length) {
    this.#left = length;
    /** @type {Promise<Buffer>} */
    this.reply = new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
    });
  }

  socketId = 0;

  data = (/** @type {ArrayBuffer} */ buffer) => {
    const bytes = new Uint8Array(buffer);
    const own = bytes.subarray(0, Math.min(this.#left, bytes.length));
    this.checksum = crc32(own, this.checksum);
    this.#left -= own.length;
    if (own.length < bytes.length) {
      this.#reply = Buffer.concat([this.#reply, bytes.subarray(own.length)]);
      if (this.#reply.length === 16) this.#done(this.#reply);
      if (this.#reply.length > 16) this.#failed(new Error('more came than was sent'));
    } else if (random.next() < PAUSE_PROBABILITY) {
      void this.#pause();
    }
  };

  end = (/** @type {number} */ code) => this.#failed(new Error(`the connection ended: ${code}`));

  async #pause() {
    this.pauses += 1;
    await call('setPaused', this.socketId, true);
    await new Promise((resolve) => setTimeout(resolve, random.integer(0, 3)));
    await call('setPaused', this.socketId, false);
  }
}

/**
 * @param {number} socketId
 * @param {number} length
 * @returns {Promise<number>} the checksum of the sent bytes
 */
async function upload(socketId, length) {
  let checksum = 0;
  let left = length;
  let number = 0;
  const sendOn = async () => {
    while (left > 0) {
      const bytes = chunk(number++, Math.min(left, sendSize()));
      left -= bytes.length;
      checksum = crc32(bytes, checksum);
      await send(socketId, bytes.buffer);
    }
  };
  await Promise.all(Array.from({ length: MAX_PENDING_SENDS }, sendOn));
  return checksum;
}

/**
 * One connection: as many bytes in either direction, at the same time.
 *
 * @param {number} index
 * @param {number} length
 * @returns {Promise<{ wrong: number, pauses: number }>}
 */
async function exchangeBytes(index, length) {
  const download = new Download(length);
  const properties = { bufferSize: random.pick([4096, 64 * 1024, MIB]) };
  const socketId = await open(target(index), { properties, receiver: download });
  download.socketId = socketId;
  const seed = BigInt(random.integer(0, 2 ** 32));
  await send(socketId, new BigUint64Array([BigInt(length), BigInt(length), seed]).buffer);
  const [sent, reply] = await Promise.all([upload(socketId, length), download.reply]);
  const right =
    reply.readUInt32LE(0) === sent &&
    reply.readUInt32LE(4) === download.checksum &&
    reply.readBigUInt64LE(8) === BigInt(length);
  await close(socketId);
  return { wrong: right ? 0 : 1, pauses: download.pauses };
}

async function bytes() {
  const words = new Uint32Array(POOL.buffer);
  for (let index = 0; index < words.length; index++) words[index] = random.next() * 2 ** 32;
  let left = job.bytes;
  const sum = { done: false, transferred: 0, connections: 0, wrong: 0, pauses: 0 };
  const begun = performance.now();
  await repeat(job.sockets, job.sockets, async (index) => {
    while (left > 0) {
      const length = Math.ceil(Math.min(job.each, left) / 2);
      left -= 2 * length;
      const { wrong, pauses } = await exchangeBytes(index, length);
      sum.transferred += 2 * length;
      sum.connections += 1;
      sum.wrong += wrong;
      sum.pauses += pauses;
      report(sum);
    }
  });
  report({ ...sum, done: true, seconds: (performance.now() - begun) / 1000 });
}

const jobs = { hold, cycles, bytes };

jobs[/** @type {keyof typeof jobs} */ (job.kind)]().then(
  () => process.disconnect(),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
