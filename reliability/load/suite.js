'use strict';

/**
 * Load: many sockets at the same time, each of which must get its own echo, and their memory while
 * idle; very many sockets in succession, without growth; very many bytes, without loss, duplication
 * or reordering.
 *
 * The peer is a program of its own (support/peer). Transferred bytes are checked by CRC-32 on both
 * sides, which costs little time; the sent data has no repetitions, so that every loss, doubling
 * and change of places changes the sum.
 */

const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const zlib = require('node:zlib');
const { build, startPeer } = require('../../support/peer.js');
const { start } = require('../child.js');

/**
 * @typedef {import('../suite.js').Row} Row
 * @typedef {import('../suite.js').Options} Options
 * @typedef {typeof SIZES.short} Sizes
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const GB = 1e9;

const SIZES = {
  short: {
    one: { plain: 8000, tls: 4000 },
    three: { plain: 18_000, tls: 9000 },
    cycles: { plain: 40_000, tls: 20_000 },
    bytes: { plain: 6 * GB, tls: 3 * GB },
    each: 256 * MIB,
  },
  long: {
    one: { plain: 19_000, tls: 19_000 },
    three: { plain: 50_000, tls: 50_000 },
    cycles: { plain: 1_000_000, tls: 100_000 },
    bytes: { plain: 100 * GB, tls: 50 * GB },
    each: 1024 * MIB,
  },
};

/** Tokens that each socket sends and gets back. */
const ROUNDS = 3;

/** Connections that transfer bytes at the same time. */
const TRANSFERS = 4;

/** The permitted memory of an idle socket, in bytes. */
const MAX_SOCKET_BYTES = { plain: 8 * KIB, tls: 24 * KIB };

/**
 * The young generation has its full size from the beginning. Otherwise V8 doubles it at any time during
 * the cycles, up to 16 MiB, which looks like a leak.
 */
const YOUNG_GENERATION = '--min-semi-space-size=16';

/** The permitted growth of a process in the second half of the cycles, in bytes. */
const MAX_GROWTH = 5 * MIB;

/** Descriptors of a process that are not sockets. */
const OTHER_DESCRIPTORS = 200;

const CLIENT = join(__dirname, 'client.js');

/** @typedef {'plain' | 'tls'} Kind */

/**
 * @param {import('../../support/peer.js').Peer} peer
 * @param {Kind} kind
 * @param {import('../../support/peer.js').Role} role
 * @param {object} job
 */
function startClient(peer, kind, role, job) {
  const { addresses, ports, authority } = peer;
  const target = { addresses, port: ports[kind][role], tls: kind === 'tls' };
  const env = { SSL_CERT_FILE: authority };
  return start(CLIENT, { ...job, ...target }, { env, flags: [YOUNG_GENERATION] });
}

/** How many descriptors a process may have. */
function descriptorLimit() {
  const limits = readFileSync('/proc/self/limits', 'latin1');
  return Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1] ?? Infinity);
}

/** @param {number} count */
const amount = (count) => count.toLocaleString('en');

/**
 * @param {Kind} kind
 * @param {number} total
 * @param {number} processes Each with a peer of its own, because descriptors are limited in each.
 * @param {Options} options
 * @returns {Promise<Row[]>}
 */
async function hold(kind, total, processes, { seed }) {
  const where = processes === 1 ? 'one process' : `${processes} processes`;
  const name = `${kind}: ${amount(total)} sockets in ${where}`;
  const needed = Math.ceil(total / processes) + OTHER_DESCRIPTORS;
  if (needed > descriptorLimit()) {
    return [{ what: name, figure: '–', ok: true, leftOut: `needs ${needed} descriptors` }];
  }
  const peers = await Promise.all(Array.from({ length: processes }, () => startPeer()));
  try {
    const clients = peers.map((peer, index) => {
      const count = Math.floor((total + index) / processes);
      return startClient(peer, kind, 'echo', { kind: 'hold', count, rounds: ROUNDS, seed });
    });
    /** @param {any} [message] */
    const next = (message) => {
      if (message) for (const client of clients) client.send(message);
      return Promise.all(clients.map((client) => client.receive()));
    };
    const opened = await next();
    const exchanged = await next('exchange');
    await next('close');
    const sum = (/** @type {string} */ name) =>
      exchanged.reduce((sum, message) => sum + message[name], 0);
    const seconds = Math.max(...opened.map(({ seconds }) => seconds));
    const cost = Math.max(...opened.map(({ bytesEach }) => bytesEach));
    return [
      {
        what: `${name}: tokens echoed`,
        figure: `${amount(sum('exchanged'))}, ${sum('crossed')} crossed; opened in ${seconds.toFixed(1)} s`,
        bound: `${amount(total * ROUNDS)}, 0 crossed`,
        ok: sum('exchanged') === total * ROUNDS && sum('crossed') === 0,
      },
      {
        what: `${kind}: memory of an idle socket, ${amount(total)} in ${where}`,
        figure: `${(cost / KIB).toFixed(2)} KiB`,
        bound: `≤ ${MAX_SOCKET_BYTES[kind] / KIB} KiB`,
        ok: cost <= MAX_SOCKET_BYTES[kind],
      },
    ];
  } finally {
    for (const peer of peers) peer.close();
  }
}

/**
 * @param {Kind} kind
 * @param {number} count
 * @param {Options} options
 * @returns {Promise<Row[]>}
 */
async function cycles(kind, count, { seed, log }) {
  const peer = await startPeer();
  try {
    const client = startClient(peer, kind, 'fleeting', { kind: 'cycles', count, seed });
    const looks = [];
    let look = await client.receive();
    for (; !look.done; look = await client.receive()) {
      log(`${kind}: ${amount(look.number)} cycles, ${(look.bytes / MIB).toFixed(1)} MiB`);
      looks.push(look);
    }
    const last = looks[looks.length - 1];
    const first = looks[looks.length / 2 - 1];
    const growth = last.bytes - first.bytes;
    const more = last.descriptors - first.descriptors;
    const name = `${kind}: ${amount(count)} cycles of connect, echo, close`;
    return [
      {
        what: name,
        figure: `${look.wrong} wrong; ${amount(Math.round(count / look.seconds))} a second`,
        bound: '0 wrong',
        ok: look.wrong === 0 && last.number === count,
      },
      {
        what: `${kind}: growth of descriptors and memory in the second half`,
        figure: `${more} more, ${(growth / MIB).toFixed(1)} MiB more`,
        bound: `0, ≤ ${MAX_GROWTH / MIB} MiB`,
        ok: more <= 0 && growth <= MAX_GROWTH,
      },
    ];
  } finally {
    peer.close();
  }
}

/**
 * @param {Kind} kind
 * @param {number} length
 * @param {number} each
 * @param {Options} options
 * @returns {Promise<Row[]>}
 */
async function bytes(kind, length, each, { seed, log }) {
  const peer = await startPeer();
  try {
    const job = { kind: 'bytes', bytes: length, each, sockets: TRANSFERS, seed };
    const client = startClient(peer, kind, 'transfer', job);
    let sum = await client.receive();
    while (!sum.done) {
      if (sum.connections % 8 === 0) log(`${kind}: ${(sum.transferred / GB).toFixed(1)} GB`);
      sum = await client.receive();
    }
    const { transferred, wrong, connections, pauses, seconds } = sum;
    const speed = Math.round(transferred / seconds / 1e6);
    return [
      {
        what: `${kind}: bytes transferred, both directions at the same time`,
        figure: `${(transferred / GB).toFixed(1)} GB, ${connections} connections, ${pauses} pauses, ${wrong} sums wrong; ${speed} MB/s`,
        bound: `${length / GB} GB, 0 wrong`,
        ok: wrong === 0 && transferred >= length,
      },
    ];
  } finally {
    peer.close();
  }
}

/** @type {Record<string, (sizes: Sizes, options: Options) => Promise<Row[]>>} */
const parts = {};
for (const kind of /** @type {const} */ (['plain', 'tls'])) {
  parts[`${kind}-one`] = ({ one }, options) => hold(kind, one[kind], 1, options);
  parts[`${kind}-three`] = ({ three }, options) => hold(kind, three[kind], 3, options);
  parts[`${kind}-cycles`] = (sizes, options) => cycles(kind, sizes.cycles[kind], options);
  parts[`${kind}-bytes`] = (sizes, options) => bytes(kind, sizes.bytes[kind], sizes.each, options);
}

/** @type {import('../suite.js').Suite} */
module.exports = {
  title: 'many sockets, many connections, many bytes',
  seconds: { short: 90, long: 3600 },

  leftOut() {
    if (!existsSync('/proc/self/fd')) return 'needs /proc';
    return 'crc32' in zlib ? undefined : 'needs zlib.crc32, which Node 20.15 and 22.2 have';
  },

  prepare: build,

  async run(options) {
    const { long, parts: wanted = Object.keys(parts), log } = options;
    const rows = [];
    for (const name of wanted) {
      if (!parts[name]) throw new Error(`no such part: ${name} (${Object.keys(parts).join(', ')})`);
      log(name);
      rows.push(...(await parts[name](long ? SIZES.long : SIZES.short, options)));
    }
    return rows;
  },
};
