'use strict';

/**
 * The servers that once froze the event loop: their input costs the client far more work than its
 * length suggests. The suite isolation has all inputs.
 */

const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { measureTurns } = require('../isolation/loop.js');

/** The beginnings of the names of the worst inputs. */
const WORST_INPUTS = ['tickets, 910 in a record', 'a record of tickets'];

/** @param {import('../suite.js').Options} options */
async function run({ long, log }) {
  const folder = mkdtempSync(join(tmpdir(), 'servers-'));
  try {
    return await measureTurns(folder, { long, log, inputs: WORST_INPUTS });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

module.exports = { seconds: { short: 40, long: 180 }, run };
