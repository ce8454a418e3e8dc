'use strict';

/**
 * Numbers that look random and are the same for the same seed.
 *
 * @param {number} seed
 */
function createRandom(seed) {
  let state = seed >>> 0;
  /** @returns {number} from 0 up to 1 */
  function next() {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    next,
    /**
     * @param {number} low
     * @param {number} high
     * @returns {number} an integer, both included
     */
    integer: (low, high) => low + Math.floor(next() * (high - low + 1)),
    /**
     * @template T
     * @param {readonly T[]} items
     * @returns {T}
     */
    pick: (items) => items[Math.floor(next() * items.length)],
  };
}

module.exports = { createRandom };
