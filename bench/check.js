'use strict';

/** The guard: compares the ratios of a run with those of an earlier run. */

const { linesOf, LOWER_IS_BETTER, NOISE } = require('./report.js');

const COMPARED = ['net', 'shim'];

/** Quartiles of few rounds may lie closer together than two runs of the same code do. */
const MIN_SPREAD = 0.1;

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
 * @returns {string} the text of bench/baseline.json
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
 * How far two equal builds were apart in this run, as a part of the figure.
 *
 * @param {any} results
 * @returns {Record<string, number>} by workload and figure; empty without that column
 */
function noiseOf(results) {
  /** @type {Record<string, number>} */
  const noise = {};
  for (const { name, figure, ratios } of results.rows.flatMap(linesOf)) {
    const ratio = ratios[NOISE];
    if (ratio) noise[`${name}; ${figure}`] = Math.max(1 - ratio.low, ratio.high - 1, 0);
  }
  return noise;
}

/**
 * @param {any} results
 * @param {any} baseline
 * @returns {string[]} The ratios that fell by more than the spread of both runs and by more than two equal
 *   builds differ.
 */
function compare(results, baseline) {
  const fallen = [];
  const noise = noiseOf(results);
  for (const [key, now] of Object.entries(ratiosOf(results))) {
    const then = baseline.ratios[key];
    if (!then) continue;
    const [workload, figure = ''] = key.split('; ');
    const lower = LOWER_IS_BETTER.has(figure);
    const spread = then.high - then.low + (now.high - now.low);
    const least = Math.max(MIN_SPREAD, noise[`${workload}; ${figure}`] ?? 0);
    const tolerated = Math.max(spread, least * then.median);
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

module.exports = { check: { compare, noiseOf, toBaseline } };
