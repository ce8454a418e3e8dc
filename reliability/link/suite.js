'use strict';

/**
 * A bad link: a program between two network interfaces (tunnel/) delays, drops, duplicates,
 * reorders, corrupts and fragments packets. The streams must arrive complete, in both directions at
 * the same time, plain and encrypted.
 */

const { execFile, spawn } = require('node:child_process');
const { once } = require('node:events');
const { accessSync, constants } = require('node:fs');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { promisify } = require('node:util');
const { Stage } = require('../faults/harness.js');
const { APPLICATION, End, PEER, has, run: runProgram } = require('../faults/network.js');
const { arrives } = require('../faults/observations.js');

/**
 * @typedef {import('../suite.js').Row} Row
 * @typedef {import('../faults/observations.js').Scene} Scene
 * @typedef {import('../faults/harness.js').Transport} Transport
 */

const CRATE = join(__dirname, 'tunnel');
const TARGET = join(__dirname, '..', '..', 'target', 'lossy-tunnel');
const MB = 1_000_000;

/** See tunnel/src/main.rs. The first ones are those of the short form. */
const PROFILES = [
  'delay=20,jitter=5,loss=2,duplicate=1',
  'delay=5,jitter=5,reorder=5,corrupt=1',
  'delay=2,fragment=576,loss=1',
  'delay=200,jitter=40,loss=5,duplicate=2',
  'delay=200',
  'delay=50,jitter=50',
  'loss=5',
  'loss=5,delay=20',
  'duplicate=5',
  'duplicate=5,delay=10,jitter=10,reorder=5',
  'reorder=20,delay=10',
  'reorder=50,delay=5,jitter=5',
  'corrupt=5',
  'corrupt=2,delay=20,loss=1',
  'fragment=300',
  'fragment=576,delay=10,reorder=2',
  'rate=1000',
  'rate=500,delay=50,jitter=10',
  'delay=100,jitter=20,loss=1,duplicate=2',
  'delay=40,jitter=20,loss=3,duplicate=3,reorder=3,corrupt=1',
];
const SHORT_COUNT = 3;

/** By which count a setting of a profile can be known to have had an effect. */
const DONE = {
  loss: 'lost',
  duplicate: 'duplicated',
  reorder: 'overtaken',
  corrupt: 'corrupted',
  fragment: 'fragmented',
};

/** Concurrent links: they mostly wait. */
const CONCURRENCY = { short: 6, long: 5 };

/** The time limit of one exchange, in seconds. */
const TIMEOUT_SECONDS = { short: 25, long: 900 };

function leftOut() {
  if (!has('namespaces')) return 'no namespaces';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return 'no TUN interfaces';
  }
  return has('cargo') ? undefined : 'no Rust';
}

const build = () =>
  promisify(execFile)('cargo', ['build', '--release', '--locked', '--target-dir', TARGET], {
    cwd: CRATE,
  });

/**
 * Starts a line and lays it between the two processes of a scene.
 *
 * @param {Scene} scene
 * @param {string} profile
 * @param {number} seed
 */
async function lay({ application, peer }, profile, seed) {
  const program = join(TARGET, 'release', 'lossy-tunnel');
  const child = spawn('unshare', ['--net', program, String(seed), profile], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const gone = once(child, 'close');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  /** @returns {Promise<Record<string, number>>} the counters of the link */
  const end = async () => {
    child.stdin.end();
    const { value } = await lines.next();
    await gone;
    return JSON.parse(value);
  };
  const { value: ready } = await lines.next();
  if (ready !== 'ready') throw new Error('there is no line');
  const near = new End(application.pid, APPLICATION);
  const far = new End(peer.pid, PEER);
  await runProgram('nsenter', [
    ...['--target', String(child.pid), '--net', '--', 'sh', '-ec'],
    `ip link set near netns ${application.pid}\nip link set far netns ${peer.pid}`,
  ]);
  /**
   * @param {string} device
   * @param {string} here
   * @param {string} there
   */
  const up = (device, here, there) =>
    `ip link set lo up\nip address add ${here} peer ${there} dev ${device}\nip link set ${device} up`;
  await near.sh(up('near', APPLICATION, PEER));
  await far.sh(up('far', PEER, APPLICATION));
  return { ends: { near, far }, end };
}

/** @param {Record<string, number>} counts */
const inWords = ({ packets, ...done }) => {
  const parts = Object.entries(done).filter(([, count]) => count > 0);
  const list = parts.map(([what, count]) => `${count} ${what}`);
  return [`${packets} packets`, ...list].join(', ');
};

/**
 * @param {Awaited<ReturnType<typeof Stage.build>>} stage
 * @param {string} profile
 * @param {Transport} transport
 * @param {{ length: number, limit: number, seed: number }} options
 * @returns {Promise<Row>}
 */
async function perform(stage, profile, transport, { length, limit, seed }) {
  /** @type {Record<string, number>} */
  let counts = {};
  const result = await stage.perform(
    {
      name: profile,
      expected: 'everything arrives',
      limit,
      async connect(scene) {
        const { ends, end } = await lay(scene, profile, seed);
        scene.after(async () => (counts = await end()));
        return ends;
      },
      async run(scene) {
        const socket = await scene.open();
        await Promise.all([
          socket.send(length, 10),
          socket.peer('write', length),
          arrives(socket, length, length),
        ]);
        return arrives(socket, length, length);
      },
    },
    transport,
  );
  const { found, took, wrong } = result;
  for (const [setting, done] of Object.entries(DONE)) {
    if (profile.includes(setting) && !counts[done]) wrong.push(`the line has ${done} nothing`);
  }
  const problems = wrong.length > 0 ? `, but ${wrong.join('; ')}` : '';
  const seconds = (took / 1000).toFixed(1);
  return {
    what: `${transport}: ${profile}`,
    figure: `${found || 'nothing'}, ${length / MB} MB each way in ${seconds} s (${inWords(counts)})${problems}`,
    bound: 'everything arrives',
    ok: wrong.length === 0,
  };
}

/**
 * @param {{ long: boolean, seed: number, parts?: string[], log(text: string): void }} options
 * @returns {Promise<Row[]>}
 */
async function run({ long, seed, log }) {
  const form = long ? 'long' : 'short';
  const length = long ? 10 * MB : MB;
  const profiles = long ? PROFILES : PROFILES.slice(0, SHORT_COUNT);
  const work = profiles.flatMap((profile) =>
    /** @type {Transport[]} */ (['TCP', 'TLS']).map((transport) => ({ profile, transport })),
  );
  const stage = await Stage.build();
  /** @type {Row[]} */
  const rows = [];
  let next = 0;
  async function takeNext() {
    for (;;) {
      const index = next++;
      if (index >= work.length) return;
      const { profile, transport } = work[index];
      const options = { length, limit: TIMEOUT_SECONDS[form], seed: seed + index };
      rows[index] = await perform(stage, profile, transport, options);
      if (long || !rows[index].ok) log(`${rows[index].what}: ${rows[index].figure}`);
    }
  }
  try {
    await Promise.all(Array.from({ length: CONCURRENCY[form] }, takeNext));
  } finally {
    stage.close();
  }
  return rows;
}

module.exports = {
  title: 'a link that delays, drops, duplicates, reorders, corrupts and fragments',
  seconds: { short: 30, long: 1800 },
  leftOut,
  prepare: build,
  run,
};
