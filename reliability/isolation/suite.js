'use strict';

/**
 * Isolation: one socket, name or certificate must not affect others. Messages of other sockets and
 * new connections take as long as before, and memory stays within the bounds that SECURITY.md
 * lists.
 */

const { execFileSync } = require('node:child_process');
const { existsSync, mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { writeFile } = require('node:fs/promises');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { build, startPeer } = require('../../support/peer.js');
const { boundOf } = require('../../support/bounds.js');
const { start } = require('../child.js');
const { measureTurns } = require('./loop.js');
const { startResolver, withResolver } = require('./names.js');

/**
 * @typedef {import('../suite.js').Row} Row
 *
 * @typedef {object} Scenario
 * @property {string} title
 * @property {number} grows The permitted growth, in bytes.
 * @property {boolean} [blocksChecks] Whether the store of authorities can be read only after a while.
 * @property {boolean} [slowNames] Whether the resolver is slow.
 * @property {boolean} [slowListener] Whether the application itself is: then new connections, which
 *   take many turns of its thread, are not looked at.
 * @property {(found: any) => { what: string, figure: string, bound: string, ok: boolean }} [check]
 */

const MIB = 1024 * 1024;

/** The part that measures how long a server's input holds the event loop. */
const EVENT_LOOP = 'event-loop';

/** The permitted increase of the 99th percentile, in milliseconds. */
const MAX_INCREASE_MS = 50;

/** The growth of a process by V8, the allocator and temporary connections, in bytes. */
const NOISE = 24 * MIB;

/** The duration of a blocked check and of a slow look-up, in milliseconds. */
const BLOCKED_MS = 2000;

/** The pauses between two messages and between two connections, in milliseconds. */
const MESSAGE_INTERVAL_MS = 5;
const CONNECTION_INTERVAL_MS = 50;

/** Of those that are not to be disturbed. */
const BYSTANDERS = { plain: 16, tls: 4 };

const READ_SIZE = boundOf('src/table/receive.rs', 'READ_SIZE');
const QUOTA = boundOf('src/table/send.rs', 'WRITE_QUOTA');
/** Three buffers, each of which may have grown to twice its content. */
const INBOUND = 6 * (boundOf('src/tls/pipe.rs', 'MAX_INBOUND') + READ_SIZE);
const MAX_READ_AHEAD = boundOf('src/tls/bulk.rs', 'MAX_READ_AHEAD');
/** The buffers of 64 TLS sockets in bulk; those without a permit buffer one read. */
const INBOUND_OF_64 = MAX_READ_AHEAD * INBOUND + (64 - MAX_READ_AHEAD) * 6 * 2 * READ_SIZE;

/** The buffer of an iterator or stream: its high-water mark and one chunk. */
const MAX_STREAM_BUFFER = 2 * 64 * 1024;

/** @param {{ codes: number[] }} found */
const allEnd = ({ codes }) => ({
  what: 'calls that succeeded afterwards',
  figure: `${codes.filter((code) => code === 0).length} of ${codes.length}`,
  bound: 'all',
  ok: codes.length > 0 && codes.every((code) => code === 0),
});

/** @type {Record<string, Scenario>} */
const SCENARIOS = {
  'slow-listener': {
    title: 'four floods and a listener that takes 4 ms for each chunk',
    grows: 2 * READ_SIZE + 2 * INBOUND + NOISE,
    slowListener: true,
    check: ({ events }) => ({
      what: 'chunks that it received',
      figure: `${events}`,
      bound: '> 50',
      ok: events > 50,
    }),
  },
  'kept-data': {
    title: '128 floods that iterators and streams do not read',
    grows: 64 * (READ_SIZE + MAX_STREAM_BUFFER) + INBOUND_OF_64 + 64 * MAX_STREAM_BUFFER + NOISE,
  },
  'paused-flood': {
    title: '128 floods on paused sockets',
    // V8 and the allocator keep some of the memory that was used before the pause.
    grows: 64 * READ_SIZE + INBOUND_OF_64 + 2 * NOISE,
  },
  quota: {
    title: 'a peer that does not read',
    grows: QUOTA + NOISE,
    check: ({ accepted, refusal }) => ({
      what: `accepted until: ${refusal}`,
      figure: `${(accepted / MIB).toFixed(0)} MiB`,
      bound: `at least ${QUOTA / MIB - 1} MiB`,
      ok: refusal === 'send: Exceeded write quota.' && accepted > QUOTA - MIB,
    }),
  },
  'blocked-checks': {
    title: `40 certificate checks that are blocked for ${BLOCKED_MS / 1000} s`,
    grows: NOISE,
    blocksChecks: true,
    check: allEnd,
  },
  'slow-names': {
    title: `40 names that take ${BLOCKED_MS / 1000} s each`,
    grows: NOISE,
    slowNames: true,
    check: allEnd,
  },
  'blocked-checks-and-slow-names': {
    title: 'both',
    grows: NOISE,
    blocksChecks: true,
    slowNames: true,
    check: allEnd,
  },
};

/**
 * A socket that waits for an answer sends no further message: the latencies that it would have
 * measured at its usual pace count as well. Otherwise a long pause would count as a single value of
 * each socket.
 *
 * @param {number[]} values
 * @param {number} pace
 */
function p99(values, pace) {
  const all = [];
  for (const value of values) {
    for (let left = value; left > 0; left -= pace) all.push(left);
  }
  const sorted = all.sort((a, b) => a - b);
  return sorted[Math.ceil(0.99 * sorted.length) - 1] ?? NaN;
}

/**
 * @param {string} what
 * @param {number[]} before
 * @param {number[]} during
 * @param {number} pace
 * @returns {Row}
 */
function compare(what, before, during, pace) {
  const [was, is] = [p99(before, pace), p99(during, pace)];
  return {
    what,
    figure: `${was.toFixed(1)} → ${is.toFixed(1)} ms of ${during.length}, at most ${Math.max(...during).toFixed(0)} ms`,
    bound: `+ < ${MAX_INCREASE_MS} ms`,
    ok: is - was < MAX_INCREASE_MS,
  };
}

/**
 * @param {import('../../support/peer.js').Peer} peer
 * @param {string} name
 * @param {Scenario} scenario
 * @param {string} folder
 * @param {boolean} long
 * @returns {Promise<Row[]>}
 */
async function disturb({ addresses, ports, authority }, name, scenario, folder, long) {
  const { blocksChecks, slowNames, slowListener, grows, check } = scenario;
  const [before, during] = long ? [10_000, 20_000] : [1000, 2500];
  // Without the store of authorities there is no encrypted bystander yet.
  const bystanders = blocksChecks ? { ...BYSTANDERS, tls: 0 } : BYSTANDERS;
  let store = authority;
  if (blocksChecks) {
    store = join(folder, `${name}.fifo`);
    execFileSync('mkfifo', [store]);
  }
  const job = { scenario: name, addresses, ports, before, during, ...bystanders };
  const child = start(join(__dirname, 'probe.js'), job, {
    env: { SSL_CERT_FILE: store },
    wrapper: slowNames ? withResolver(join(folder, 'resolv.conf')) : [],
  });
  await child.receive();
  if (blocksChecks) {
    await new Promise((resolve) => setTimeout(resolve, BLOCKED_MS));
    await writeFile(store, readFileSync(authority));
  }
  const { undisturbed, disturbed, grown, found } = await child.receive();
  child.send('end');
  await child.ended;
  const rows = [
    compare(
      `${name}: p99 of others' messages`,
      undisturbed.messages,
      disturbed.messages,
      MESSAGE_INTERVAL_MS,
    ),
    {
      what: `${name}: memory`,
      figure: `${(grown / MIB).toFixed(1)} MiB more`,
      bound: `≤ ${(grows / MIB).toFixed(1)} MiB`,
      ok: grown <= grows,
    },
  ];
  if (!slowListener) {
    rows.push(
      compare(
        `${name}: p99 of new connections`,
        undisturbed.connections,
        disturbed.connections,
        CONNECTION_INTERVAL_MS,
      ),
    );
  }
  if (check) {
    const row = check(found);
    rows.push({ ...row, what: `${name}: ${row.what}` });
  }
  return rows;
}

/** @returns {string | undefined} Why names cannot be slow here. */
function namesLeftOut() {
  try {
    const [program, ...args] = withResolver('/dev/null');
    execFileSync(program, [...args, 'true'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs root and mount namespaces';
  }
}

/** @type {import('../suite.js').Suite} */
module.exports = {
  title: 'latency of other sockets, memory and event loop under load',
  seconds: { short: 160, long: 1500 },

  leftOut: () => (existsSync('/proc/self/fd') ? undefined : 'needs Linux'),

  prepare: build,

  async run({ long, log, parts: wanted = [...Object.keys(SCENARIOS), EVENT_LOOP] }) {
    const folder = mkdtempSync(join(tmpdir(), 'isolation-'));
    const peer = await startPeer();
    const leftOut = namesLeftOut();
    const resolver = leftOut
      ? undefined
      : await startResolver(BLOCKED_MS, join(folder, 'resolv.conf'));
    try {
      const rows = [];
      for (const name of wanted) {
        if (name === EVENT_LOOP) {
          rows.push(...(await measureTurns(folder, { long, log })));
          continue;
        }
        const scenario = SCENARIOS[name];
        log(`${name}: ${scenario.title}`);
        if (leftOut && scenario.slowNames) {
          rows.push({ what: name, figure: '–', ok: true, leftOut });
        } else {
          rows.push(...(await disturb(peer, name, scenario, folder, long)));
        }
      }
      return rows;
    } finally {
      resolver?.stop();
      peer.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
