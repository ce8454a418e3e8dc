'use strict';

/**
 * Compares the module's verdicts on certificates, hostile peers, servers and forms of host names with
 * those in verdicts.json, which were recorded from the API in a real Chromium. deviations.json must
 * list every difference. Also exchanges a megabyte each way with servers of other TLS libraries.
 */

const tcp = require('../..');
const { configure } = require('../../entry/configure');
const runtime = require('../../entry/runtime');
const { pem } = require('./certificate');
const deviations = require('./deviations.json');
const { judgeAll } = require('./judge');
const { judgeStacks } = require('./stacks');
const { SUBJECTS, readVerdicts } = require('./verdicts');

const CONCURRENCY = 8;
const MAX_DEVIATIONS = 15;
/** The number of rounds of the long form. */
const ROUNDS = 5;

/** The module's verdicts where they deviate. @param {string} subject */
function deviating(subject) {
  /** @type {Record<string, string>} */
  const all = {};
  for (const { cases } of /** @type {any[]} */ (deviations)) Object.assign(all, cases[subject]);
  return all;
}

/**
 * @param {string} subject @param {(text: string) => void} log
 * @returns {Promise<any[]>} rows
 */
async function judgeSubject(subject, log) {
  const prepared = await SUBJECTS[subject].prepare();
  try {
    configure({ ca: prepared.anchors.map(({ der }) => pem(der)) });
    const chrome = { sockets: { tcp }, runtime };
    const verdicts = await judgeAll(chrome, prepared.cases, CONCURRENCY);
    const { chromium, verdicts: recorded } = readVerdicts()[subject];
    const known = deviating(subject);
    const found = { identical: 0, deviating: 0, wrong: prepared.problems.length, laxer: 0 };
    for (const problem of prepared.problems) log(`${subject}: ${problem}`);
    prepared.cases.forEach(({ name }, index) => {
      const own = verdicts[index];
      const theirs = recorded[name];
      if (own === theirs && !(name in known)) {
        found.identical += 1;
        return;
      }
      if (own.startsWith('0') && !theirs?.startsWith('0')) found.laxer += 1;
      if (own === known[name]) {
        found.deviating += 1;
      } else {
        found.wrong += 1;
        log(
          `${subject}: ${name}: Chromium ${theirs}, here ${own}, expected ${known[name] ?? theirs}`,
        );
      }
    });
    const { leftOut } = prepared;
    const names = new Set(prepared.cases.map(({ name }) => name));
    for (const name of [...Object.keys(recorded), ...Object.keys(known)]) {
      if (names.has(name) || leftOut) continue;
      found.wrong += 1;
      log(`${subject}: ${name}: the case no longer exists`);
    }
    const total = prepared.cases.length;
    const rows = [
      {
        what: `${subject}, compared with Chromium ${chromium}`,
        figure: `${found.identical} of ${total} identical, ${found.deviating} as listed, ${found.wrong} otherwise`,
        bound: '0 otherwise',
        ok: found.wrong === 0 && (total > 0 || leftOut !== undefined),
      },
    ];
    if (leftOut) rows.push({ what: `the other ${subject}`, figure: '', ok: true, leftOut });
    if (subject === 'certificates') {
      const figure = `${found.laxer} of ${total}`;
      rows.push({
        what: 'certificates accepted here and refused by Chromium',
        figure,
        bound: '0',
        ok: found.laxer === 0,
      });
    }
    return rows;
  } finally {
    configure({ ca: null });
    await prepared.close();
  }
}

/** @param {{ long: boolean, seed: number, log: (text: string) => void }} options */
async function run({ long, log }) {
  const rows = [];
  for (let round = 0; round < (long ? ROUNDS : 1); round += 1) {
    for (const subject of Object.keys(SUBJECTS)) rows.push(...(await judgeSubject(subject, log)));
  }
  const count = deviations.length;
  const bound = `${MAX_DEVIATIONS}`;
  rows.push({
    what: 'listed deviations',
    figure: `${count}`,
    bound,
    ok: count <= MAX_DEVIATIONS,
  });
  rows.push(...(await judgeStacks()));
  return rows;
}

module.exports = { title: "Chromium's verdicts on TLS", seconds: { short: 90, long: 300 }, run };
