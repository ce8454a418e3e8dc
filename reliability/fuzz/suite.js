'use strict';

/**
 * Fuzzing of every parser of untrusted input. The targets in JavaScript (../../fuzz/js/) run in both
 * forms; those in Rust (../../fuzz/) run in the long form, and `cargo test` runs their corpus.
 */

const { fuzz, names, targetNamed } = require('../../fuzz/js/fuzz.js');
const { fuzzRust, hasFuzzer, rustTargets } = require('../../fuzz/js/rust.js');

const BOUND = 'no finding';

module.exports = {
  title: 'fuzzing',
  seconds: { short: 50, long: 2400 },

  /**
   * @param {{ long: boolean, seed: number, log(text: string): void }} options
   */
  async run({ long, seed, log }) {
    /** @type {import('../suite.js').Row[]} */
    const rows = [];
    /**
     * @param {string} what
     * @param {Awaited<ReturnType<typeof fuzz>>} result
     */
    const add = (what, { inputs, rate, findings, figures }) => {
      for (const finding of findings) log(finding);
      const details = [`${inputs} inputs, ${rate}/s`, figures, `${findings.length} findings`];
      const figure = details.filter(Boolean).join(', ');
      rows.push({ what, figure, bound: BOUND, ok: findings.length === 0 });
    };
    for (const name of names) {
      const { about, share } = targetNamed(name);
      const bounds = long ? { inputs: share.inputs } : { seconds: share.seconds };
      add(`${name}: ${about}`, await fuzz(name, { seed, ...bounds }));
    }
    const canRust = long && hasFuzzer();
    const leftOut = long ? 'needs cargo-fuzz' : 'in the long form; cargo test runs its corpus';
    for (const [name, { inputs }] of Object.entries(rustTargets)) {
      const what = `${name} (Rust)`;
      if (canRust) add(what, await fuzzRust(name, { seed, inputs }));
      else rows.push({ what, figure: '-', bound: BOUND, ok: true, leftOut });
    }
    return rows;
  },
};
