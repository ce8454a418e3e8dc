'use strict';

/**
 * Teardown: workers and processes that end during traffic, plain and TLS, with sockets in every
 * state. None may crash or take longer than a second, and none may leave descriptors, threads or
 * connections.
 */

const { existsSync, readdirSync } = require('node:fs');
const { join } = require('node:path');
const { build, startPeer } = require('../../support/peer.js');
const { start } = require('../child.js');
const { RUNTIME_THREADS } = require('../../support/bounds.js');
const { createRandom } = require('../random.js');

/** @typedef {import('../suite.js').Row} Row */

const MIB = 1024 * 1024;

const COUNTS = { short: { workers: 60, processes: 12 }, long: { workers: 1000, processes: 100 } };

/** The permitted duration of an end, in milliseconds. */
const MAX_END_MS = 1000;

/** The permitted growth of a process after its workers have ended, in bytes. */
const MAX_GROWTH = 64 * MIB;

/** The time for the peer to notice, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** @param {number} milliseconds */
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** @param {import('../../support/peer.js').Peer} peer */
const descriptorsOf = ({ pid }) => readdirSync(`/proc/${pid}/fd`).length;

/**
 * @param {import('../../support/peer.js').Peer} peer
 * @param {number} idle How many descriptors it has without any connection.
 */
async function connectionsLeft(peer, idle) {
  const end = Date.now() + TIMEOUT_MS;
  while (descriptorsOf(peer) > idle && Date.now() < end) await wait(20);
  return descriptorsOf(peer) - idle;
}

/**
 * @param {import('../../support/peer.js').Peer} peer
 * @param {object} job
 */
function jobFor({ addresses, ports }, job) {
  return { addresses, ports, ...job };
}

/**
 * @param {import('../../support/peer.js').Peer} peer
 * @param {number} count
 * @param {import('../suite.js').Options} options
 * @returns {Promise<Row[]>}
 */
async function workers(peer, count, { seed, log }) {
  const idle = descriptorsOf(peer);
  const host = start(join(__dirname, 'host.js'), jobFor(peer, { count, seed }), {
    // glibc keeps freed memory in a heap for each thread; with one heap, the remaining memory is in
    // use.
    env: { SSL_CERT_FILE: peer.authority, MALLOC_ARENA_MAX: '1' },
  });
  let report = await host.receive();
  for (; !report.done; report = await host.receive()) {
    log(`${report.progress} workers ended, ${Math.round(report.bytes / MIB)} MiB`);
  }
  const { before, after, ended, slowest } = report;
  const left = await connectionsLeft(peer, idle);
  host.send('end');
  const { code, signal } = await host.ended;
  const more = (/** @type {string} */ name) => after[name] - before[name];
  const growth = more('bytes');
  return [
    {
      what: 'workers ended during traffic',
      figure: `${ended}, the process ended with ${signal ?? code}`,
      bound: `${count}, 0`,
      ok: ended === count && code === 0,
    },
    {
      what: 'the slowest worker to end',
      figure: `${Math.round(slowest)} ms`,
      bound: `≤ ${MAX_END_MS} ms`,
      ok: slowest <= MAX_END_MS,
    },
    {
      what: 'growth of their process',
      figure: `${more('descriptors')} descriptors, ${more('threads')} threads, ${(growth / MIB).toFixed(1)} MiB`,
      bound: `0, ≤ ${RUNTIME_THREADS}, ≤ ${MAX_GROWTH / MIB} MiB`,
      ok: more('descriptors') <= 0 && more('threads') <= RUNTIME_THREADS && growth <= MAX_GROWTH,
    },
    {
      what: 'connections that the peer still has',
      figure: `${left}`,
      bound: '0',
      ok: left <= 0,
    },
  ];
}

/**
 * The ways to end a process, and the expected exit code or signal.
 *
 * @type {{ way: string, expected: number | string, job?: object, signal?: NodeJS.Signals }[]}
 */
const ENDS = [
  { way: 'exit', expected: 0 },
  { way: 'exit', expected: 0, job: { workers: 2 } },
  { way: 'throw', expected: 1 },
  // A call that looks a name up is pending until there is an answer, and keeps the process.
  { way: 'closing', expected: 0, job: { looks: false } },
  { way: 'SIGTERM', expected: 'SIGTERM', signal: 'SIGTERM' },
  { way: 'SIGINT', expected: 'SIGINT', job: { workers: 2 }, signal: 'SIGINT' },
];

/**
 * @param {import('../../support/peer.js').Peer} peer
 * @param {number} count
 * @param {import('../suite.js').Options} options
 * @returns {Promise<Row[]>}
 */
async function processes(peer, count, { seed, log }) {
  const random = createRandom(seed);
  /** @type {string[]} */
  const wrong = [];
  let slowest = { milliseconds: 0, way: '' };
  for (let index = 0; index < count; index++) {
    const { way, expected, job, signal: given } = ENDS[index % ENDS.length];
    const child = start(join(__dirname, 'traffic.js'), jobFor(peer, job ?? {}), {
      env: { SSL_CERT_FILE: peer.authority },
      quiet: way === 'throw',
    });
    await child.receive();
    await wait(random.integer(0, 20));
    const begun = performance.now();
    if (given) process.kill(child.pid, given);
    else child.send(way);
    const { code, signal, at } = await child.ended;
    if ((signal ?? code) !== expected) wrong.push(`${way}: ${signal ?? code}`);
    const milliseconds = at - begun;
    if (milliseconds > slowest.milliseconds) slowest = { milliseconds, way };
    if ((index + 1) % 20 === 0) log(`${index + 1} processes ended`);
  }
  return [
    {
      what: 'processes ended during traffic, in six ways',
      figure: `${count}, ${wrong.length} crashed${wrong.length > 0 ? ` (${wrong})` : ''}`,
      bound: '0 crashed',
      ok: wrong.length === 0,
    },
    {
      what: 'the slowest process to end',
      figure: `${Math.round(slowest.milliseconds)} ms (${slowest.way})`,
      bound: `≤ ${MAX_END_MS} ms`,
      ok: slowest.milliseconds <= MAX_END_MS,
    },
  ];
}

/** @type {import('../suite.js').Suite} */
module.exports = {
  title: 'workers and processes that end during traffic',
  seconds: { short: 40, long: 900 },

  leftOut: () => (existsSync('/proc/self/fd') ? undefined : 'needs /proc'),

  prepare: build,

  async run(options) {
    const peer = await startPeer();
    try {
      const counts = COUNTS[options.long ? 'long' : 'short'];
      return [
        ...(await workers(peer, counts.workers, options)),
        ...(await processes(peer, counts.processes, options)),
      ];
    } finally {
      peer.close();
    }
  },
};
