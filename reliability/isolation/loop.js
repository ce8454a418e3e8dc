'use strict';

/**
 * The time for which a server's input holds the event loop, for each kind of input that costs the
 * client much work for little data.
 */

const { join } = require('node:path');
const { start } = require('../child.js');
const { MAX_TURN_MS, describeTurns, longestTurn } = require('../event-loop.js');

/** @typedef {import('../suite.js').Row} Row */

/** The number of connections attacked at the same time. */
const SOCKETS = 4;

/** The bound, as a row shows it. */
const bound = `≤ ${MAX_TURN_MS} ms`;

/**
 * @param {number} milliseconds for which a process measures
 * @returns {Promise<undefined>} Fulfilled long after the process should have reported.
 */
const timedOut = (milliseconds) =>
  new Promise((resolve) => setTimeout(() => resolve(undefined), 5 * milliseconds + 5000).unref());

/**
 * @param {string} folder
 * @param {{ long: boolean, log: (text: string) => void, inputs?: string[] }} options `inputs`: how the
 *   names of the wanted ones begin
 * @returns {Promise<Row[]>}
 */
async function measureTurns(folder, { long, log, inputs = [''] }) {
  const authority = join(folder, 'floods.pem');
  const server = start(join(__dirname, '..', 'tls', 'flood-server.js'), { authority });
  /** @type {Row[]} */
  const rows = [];
  try {
    const { ports, floods, handshakes: unfinished } = await server.receive();
    const kinds = [
      ...floods.flatMap((/** @type {string} */ name) => [
        { name, isHandshake: false, paused: false },
        { name, isHandshake: false, paused: true },
      ]),
      ...unfinished.map((/** @type {string} */ name) => ({
        name,
        isHandshake: true,
        paused: true,
      })),
    ];
    for (const { name, isHandshake, paused } of kinds) {
      const input = `${name}${paused && !isHandshake ? ', paused' : ''}`;
      if (!inputs.some((begin) => input.startsWith(begin))) continue;
      const what = `event loop, ${input}: p99 and longest turn`;
      log(`event loop: ${input}`);
      const job = {
        isHandshake,
        port: ports[name],
        paused,
        sockets: SOCKETS,
        before: 500,
        during: long ? 20_000 : 1500,
      };
      const child = start(join(__dirname, 'loop-probe.js'), job, {
        env: { SSL_CERT_FILE: authority },
      });
      const found = await Promise.race([child.receive(), timedOut(job.before + job.during)]);
      child.kill();
      if (!found) {
        rows.push({ what, figure: 'the loop did not turn again', bound, ok: false });
        continue;
      }
      const { quiet, attacked, received, handshakes } = found;
      const progress = isHandshake ? `${handshakes} handshakes` : `${received} bytes of data`;
      rows.push({
        what,
        figure: `${describeTurns(quiet)} → ${describeTurns(attacked)}; ${progress}`,
        bound,
        ok: longestTurn(attacked) <= MAX_TURN_MS,
      });
    }
    server.send('end');
    const { problems } = await server.receive();
    if (problems.length > 0) throw new Error(problems[0]);
    return rows;
  } finally {
    server.kill();
  }
}

module.exports = { measureTurns };
