'use strict';

/** The recorded verdicts, and the subjects that they are about. */

const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const FILE = join(__dirname, 'verdicts.json');

/**
 * @typedef {object} Prepared
 * @property {{ name: string, port: number, host?: string }[]} cases as `judgeAll` takes them
 * @property {{ name: string, trust: string, der: Buffer }[]} anchors
 * @property {string[]} problems of the servers themselves
 * @property {string} [leftOut] what is not here, and why
 * @property {() => void | Promise<void>} close
 */

/** @type {Record<string, { prepare: () => Promise<Prepared> }>} */
const SUBJECTS = {
  certificates: require('./certificates'),
  peers: require('./peers'),
  servers: require('./openssl-servers'),
  hosts: require('./hosts'),
};

/** @returns {Record<string, { chromium: string, verdicts: Record<string, string> }>} */
function readVerdicts() {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'));
  } catch (/** @type {any} */ error) {
    if (error.code !== 'ENOENT') throw error;
    return {};
  }
}

function writeVerdicts(verdicts) {
  writeFileSync(FILE, `${JSON.stringify(verdicts, null, 2)}\n`);
}

module.exports = { SUBJECTS, readVerdicts, writeVerdicts };
