'use strict';

/**
 * Attacks on the process that has the sockets. Each is performed at its stated size. Memory, the
 * longest turn of the event loop, and the latency of others must stay within bounds.
 *
 * A part is a module that exports `seconds` (as a suite does) and `run(options)`, which returns rows.
 */

/**
 * @typedef {import('../suite.js').Options} Options
 * @typedef {import('../suite.js').Row} Row
 * @typedef {{ seconds: { short: number, long: number }, run(options: Options): Promise<Row[]> }} Part
 */

/** @type {Record<string, Part>} */
const PARTS = {
  pages: require('./pages.js'),
  resolvers: require('./resolvers.js'),
  servers: require('./servers.js'),
};

/** @param {'short' | 'long'} form */
const secondsOf = (form) =>
  Object.values(PARTS).reduce((sum, { seconds }) => sum + seconds[form], 0);

/** @param {Options} options */
async function run(options) {
  const names = options.parts ?? Object.keys(PARTS);
  /** @type {Row[]} */
  const rows = [];
  for (const name of names) {
    if (!Object.hasOwn(PARTS, name)) {
      throw new Error(`there is no part ${name}, only ${Object.keys(PARTS).join(', ')}`);
    }
    const found = await PARTS[name].run(options);
    rows.push(...found.map((row) => ({ ...row, what: `${name}: ${row.what}` })));
  }
  return rows;
}

module.exports = {
  title: 'hostile pages, servers and resolvers',
  seconds: { short: secondsOf('short'), long: secondsOf('long') },
  run,
};
