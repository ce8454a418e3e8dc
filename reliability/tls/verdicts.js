'use strict';

/** The recorded verdicts and their subjects. */

const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const FILE = join(__dirname, 'verdicts.json');

/**
 * @typedef {object} Prepared
 * @property {{ name: string, port: number, host?: string }[]} cases as `judgeAll` takes them
 * @property {{ name: string, trust: string, der: Buffer }[]} anchors
 * @property {string[]} problems of the servers themselves
 * @property {string} [leftOut] the cases that this machine cannot run, and why
 * @property {() => void | Promise<void>} close
 */

/** @type {Record<string, { prepare: () => Promise<Prepared> }>} */
const SUBJECTS = {
  certificates: require('./certificates'),
  graphs: require('./graphs'),
  peers: require('./peers'),
  servers: require('./openssl-servers'),
  hosts: require('./hosts'),
};

/** Cases that have numbers: `chain 12`. */
const NUMBERED = /^(.+) (\d+)$/;

/**
 * Verdicts of numbered cases in the form of the file: one row for each series, from number 1 on.
 * @param {Record<string, string>} verdicts
 */
function packed(verdicts) {
  /** @type {Record<string, string[]>} */
  const series = {};
  for (const [name, verdict] of Object.entries(verdicts)) {
    const [, kind, number] = /** @type {RegExpMatchArray} */ (name.match(NUMBERED));
    (series[kind] ??= [])[Number(number) - 1] = verdict;
  }
  return Object.fromEntries(Object.entries(series).map(([kind, row]) => [kind, row.join(' ')]));
}

/** @param {Record<string, string>} series */
function unpacked(series) {
  const rows = Object.entries(series).map(([kind, row]) =>
    row.split(' ').map((verdict, index) => [`${kind} ${index + 1}`, verdict]),
  );
  // A case on which Chromium's verdict varies has none.
  return Object.fromEntries(rows.flat().filter(([, verdict]) => verdict !== ''));
}

/** @returns {Record<string, { chromium: string, verdicts: Record<string, string> }>} */
function readVerdicts() {
  let recorded;
  try {
    recorded = JSON.parse(readFileSync(FILE, 'utf8'));
  } catch (/** @type {any} */ error) {
    if (error.code !== 'ENOENT') throw error;
    return {};
  }
  const subjects = Object.entries(recorded).map(([subject, { chromium, verdicts, series }]) => [
    subject,
    { chromium, verdicts: verdicts ?? unpacked(series) },
  ]);
  return Object.fromEntries(subjects);
}

/** @param {Record<string, { chromium: string, verdicts: Record<string, string> }>} recorded */
function writeVerdicts(recorded) {
  const subjects = Object.entries(recorded).map(([subject, { chromium, verdicts }]) => {
    const numbered = Object.keys(verdicts).every((name) => NUMBERED.test(name));
    return [subject, { chromium, ...(numbered ? { series: packed(verdicts) } : { verdicts }) }];
  });
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(subjects), null, 2)}\n`);
}

module.exports = { SUBJECTS, readVerdicts, writeVerdicts };
