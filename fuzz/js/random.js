'use strict';

/**
 * Reproducible choices: they depend only on the seed and the number of the input, so a single input
 * of a hundred million can be repeated.
 */

class Random {
  #state = 0;

  /**
   * @param {number} seed
   * @param {number} input
   */
  start(seed, input) {
    this.#state = (Math.imul(input, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b)) | 0;
    this.bits();
  }

  /**
   * @returns {number} 32 bits.
   */
  bits() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /**
   * @param {number} limit
   * @returns {number} From 0 to less than `limit`.
   */
  below(limit) {
    return this.bits() % limit;
  }

  /**
   * @param {number} sides
   * @returns {boolean} True with a probability of one in `sides`.
   */
  oneIn(sides) {
    return this.bits() % sides === 0;
  }

  /**
   * @template T
   * @param {readonly T[]} from
   * @returns {T}
   */
  pick(from) {
    return from[this.bits() % from.length];
  }

  /**
   * @template T
   * @param {number} most
   * @param {() => T} make
   * @returns {T[]} Up to `most` of them.
   */
  some(most, make) {
    const result = [];
    for (let left = this.below(most + 1); left > 0; left--) result.push(make());
    return result;
  }
}

module.exports = { Random };
