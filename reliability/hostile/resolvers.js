'use strict';

/** Resolvers that are silent or lie: the cost for look-ups of other names. */

const { execFileSync } = require('node:child_process');
const { mkdtempSync, rmSync } = require('node:fs');
const { createServer } = require('node:net');
const { once } = require('node:events');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { boundOf } = require('../../support/bounds.js');
const { start } = require('../child.js');
const { MAX_TURN_MS, describeTurns, longestTurn } = require('../event-loop.js');
const { withResolver } = require('../isolation/names.js');
const { LATE_MS, MANY_ADDRESSES, startResolver } = require('./resolver.js');

/** @typedef {import('../suite.js').Row} Row */

/** The number of unanswered names. */
const NAME_COUNT = 500;

/** The permitted duration of another look-up, and the time after which it is abandoned. */
const MAX_LOOKUP_MS = 2000;
const TIMEOUT_MS = 20_000;

/** The maximum of concurrent look-ups of one environment. */
const MAX_LOOKUPS = boundOf('src/runtime/mod.rs', 'MAX_LOOKUPS') / 2;

/** @param {string} what @param {number | undefined} time @returns {Row} */
const answered = (what, time) => ({
  what,
  figure: time === undefined ? `no answer in ${TIMEOUT_MS / 1000} s` : `${time.toFixed(0)} ms`,
  bound: `≤ ${MAX_LOOKUP_MS} ms`,
  ok: time !== undefined && time <= MAX_LOOKUP_MS,
});

/** @type {Record<string, (found: any) => Row[]>} */
const CHECKS = {
  worker: ({ beside, after }) => [
    answered(`another name while a worker has ${NAME_COUNT} unanswered names`, beside),
    answered('another name after that worker is terminated', after),
  ],
  pages: ({ beside, after }) => [
    answered(`another name while a page has ${NAME_COUNT} unanswered names`, beside),
    answered('another name after that page has ended', after),
  ],
  close: ({ before, told }) => [
    {
      what: `connects ended within 200 ms after ${NAME_COUNT} sockets were closed`,
      figure: `${before}, then ${told.length}`,
      bound: `0, then ≥ ${NAME_COUNT - MAX_LOOKUPS}`,
      ok: before === 0 && told.length >= NAME_COUNT - MAX_LOOKUPS && told.every(isSocketNotFound),
    },
  ],
  thousands: ({ quiet, attacked, codes }) => [
    {
      what: `4 names with ${MANY_ADDRESSES} addresses that refuse: p99 and longest turn`,
      figure: `${describeTurns(quiet)} → ${describeTurns(attacked)}; connect ${codes}`,
      bound: `≤ ${MAX_TURN_MS} ms`,
      ok:
        longestTurn(attacked) <= MAX_TURN_MS &&
        codes.every((/** @type {number} */ code) => code === -102),
    },
  ],
  odd: ({ codes }) => [
    {
      what: 'records of other types and lengths, circular aliases: connect',
      figure: codes.join(', '),
      bound: '-105',
      ok: codes.every((/** @type {number} */ code) => code === -105),
    },
  ],
  late: ({ closed, told, code }) => [
    {
      what: 'an answer after close()',
      figure: `closed after ${closed.toFixed(0)} ms, connect called back after ${told.toFixed(0)} ms: ${code}`,
      bound: `< ${LATE_MS} ms, ≥ ${LATE_MS} ms: Socket not found`,
      ok: closed < LATE_MS && told >= LATE_MS && isSocketNotFound(code),
    },
  ],
};

/** @param {unknown} code */
const isSocketNotFound = (code) => code === 'Socket not found';

/** @returns {string | undefined} Why this machine cannot use another resolver. */
function leftOut() {
  try {
    const [program, ...args] = withResolver('/dev/null');
    execFileSync(program, [...args, 'true'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs root and mount namespaces';
  }
}

/** @param {import('../suite.js').Options} options @returns {Promise<Row[]>} */
async function run({ log }) {
  const reason = leftOut();
  if (reason) return [{ what: 'resolvers', figure: '–', ok: true, leftOut: reason }];
  const folder = mkdtempSync(join(tmpdir(), 'resolvers-'));
  const file = join(folder, 'resolv.conf');
  const resolver = await startResolver(file);
  const server = createServer((socket) => socket.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  try {
    /** @type {Row[]} */
    const rows = [];
    for (const [scenario, check] of Object.entries(CHECKS)) {
      log(`resolvers: ${scenario}`);
      const job = { scenario, port, names: NAME_COUNT, limit: TIMEOUT_MS };
      const child = start(join(__dirname, 'resolvers-process.js'), job, {
        wrapper: withResolver(file),
      });
      rows.push(...check(await child.receive()));
      child.kill();
    }
    return rows;
  } finally {
    resolver.stop();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

module.exports = { seconds: { short: 90, long: 90 }, run };
