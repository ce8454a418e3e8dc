'use strict';

/**
 * @param {number[]} values
 * @param {number} part
 * @returns {number} by linear interpolation; NaN for nothing
 */
function quantile(values, part) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const position = (sorted.length - 1) * part;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) return NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/**
 * @typedef {{ median: number, low: number, high: number }} Spread median and quartiles
 *
 * @param {number[]} values
 * @returns {Spread | null} null for nothing
 */
function spread(values) {
  const [low, median, high] = [0.25, 0.5, 0.75].map((part) => quantile(values, part));
  return Number.isNaN(median) ? null : { median, low, high };
}

/**
 * The ratios of figures measured in the same round.
 *
 * @param {(number | undefined)[]} values
 * @param {(number | undefined)[]} others
 * @returns {Spread | null}
 */
function pairedRatio(values, others) {
  const ratios = values.map((value, round) => Number(value) / Number(others[round]));
  return spread(ratios);
}

module.exports = { spread, pairedRatio };
