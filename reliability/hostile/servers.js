'use strict';

/**
 * Servers whose input costs their client far more work than its length suggests: those that once froze
 * the event loop. The suite isolation has them all.
 */

const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { holdTheLoop } = require('../isolation/loop.js');

/** How the names of these inputs begin. */
const WORST_INPUTS = ['tickets, 910 in a record', 'a record of tickets'];

/** @param {import('../suite.js').Options} options */
async function run({ long, log }) {
  const folder = mkdtempSync(join(tmpdir(), 'servers-'));
  try {
    return await holdTheLoop(folder, { long, log, inputs: WORST_INPUTS });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

module.exports = { seconds: { short: 40, long: 180 }, run };
