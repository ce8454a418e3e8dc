'use strict';

/** The process of one suite: the suite's folder and its options are the arguments. */

const { join } = require('node:path');

/**
 * @typedef {import('./suite.js').Report} Report
 * @typedef {import('./suite.js').Suite} Suite
 */

const [folder, options] = process.argv.slice(2);

/**
 * @param {Report} report
 * @returns {Promise<void>}
 */
function send(report) {
  return new Promise((fulfil, reject) => {
    process.send?.(report, (/** @type {unknown} */ error) => (error ? reject(error) : fulfil()));
  });
}

/** The runner has ended, so the result has no reader. */
process.on('disconnect', () => process.exit(1));

/** @param {import('./suite.js').Row[]} rows */
function check(rows) {
  if (!Array.isArray(rows) || rows.length === 0) throw new Error('the suite reports no rows');
  for (const row of rows) {
    const { what, figure, ok } = row;
    if (typeof what !== 'string' || typeof figure !== 'string' || typeof ok !== 'boolean') {
      throw new Error(`no row: ${JSON.stringify(row)}`);
    }
  }
}

async function main() {
  const { long, seed, parts } = JSON.parse(options);
  /** @type {Suite} */
  const suite = require(join(folder, 'suite.js'));
  const { title, seconds } = suite;
  const leftOut = suite.leftOut?.();
  if (!leftOut) await suite.prepare?.();
  await send({ begins: { title, seconds: long ? seconds.long : seconds.short } });
  if (leftOut) return [{ what: title, figure: '–', ok: true, leftOut }];
  const log = (/** @type {string} */ text) => void send({ log: text });
  const rows = await suite.run({ long, seed, parts, log });
  check(rows);
  return rows;
}

process.on('uncaughtException', fail);

/** @param {any} error */
function fail(error) {
  const text = String(error?.stack ?? error);
  process.stderr.write(`${text}\n`);
  send({ trouble: text.split('\n')[0] }).finally(() => process.exit(1));
}

main()
  .then((rows) => send({ rows }))
  .then(() => process.exit(0), fail);
