'use strict';

/** The guard: what a run says, against what an earlier one has said. */

const { linesOf } = require('./report.js');

const COMPARED = ['net', 'shim'];

/** Which way is worse. */
const LOWER_IS_BETTER = new Set([
  'p50',
  'p99',
  'cpuPerOperation',
  'cpuPerGigabyte',
  'loopDelayP99',
  'memoryPerConnection',
]);

/** Quartiles of few rounds may lie closer together than two runs of the same code do. */
const LEAST_SPREAD = 0.1;

/**
 * @param {any} results
 * @returns {Record<string, any>} by workload, figure and side
 */
function ratiosOf(results) {
  /** @type {Record<string, any>} */
  const ratios = {};
  for (const line of results.rows.flatMap(linesOf)) {
    for (const other of COMPARED) {
      const ratio = line.ratios[other];
      if (ratio) ratios[`${line.name}; ${line.figure}; module : ${other}`] = ratio;
    }
  }
  return ratios;
}

/**
 * @param {any} results
 * @returns {string} what bench/baseline.json holds
 */
function toBaseline(results) {
  const { date, cpu, cores, node } = results.machine;
  const short = (/** @type {number} */ value) => Number(value.toPrecision(4));
  const ratios = Object.entries(ratiosOf(results)).map(([key, { median, low, high }]) => [
    key,
    { median: short(median), low: short(low), high: short(high) },
  ]);
  const machine = { date, cpu, cores, node };
  return `${JSON.stringify({ machine, ratios: Object.fromEntries(ratios) }, null, 2)}\n`;
}

/**
 * @param {any} results
 * @param {any} baseline
 * @returns {string[]} what fell by more than the spread of both runs
 */
function compare(results, baseline) {
  const fallen = [];
  for (const [key, now] of Object.entries(ratiosOf(results))) {
    const then = baseline.ratios[key];
    if (!then) continue;
    const lower = LOWER_IS_BETTER.has(key.split('; ')[1] ?? '');
    const spread = then.high - then.low + (now.high - now.low);
    const tolerated = Math.max(spread, LEAST_SPREAD * then.median);
    const fall = lower ? now.median - then.median : then.median - now.median;
    if (fall > tolerated) {
      fallen.push(
        `${key}: ${then.median.toFixed(2)} → ${now.median.toFixed(2)} ` +
          `(tolerated: ${tolerated.toFixed(2)})`,
      );
    }
  }
  return fallen;
}

module.exports = { check: { compare, toBaseline } };
