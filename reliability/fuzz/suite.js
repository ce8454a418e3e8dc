'use strict';

/**
 * Nothing that comes from outside, bytes or values, crashes the module, hangs it, is believed without
 * a signature, or is taken for what it is not. The targets in JavaScript (targets/) run in both forms;
 * those in Rust (../../fuzz/) are fuzzed in the long form, and `cargo test` runs their corpus.
 */

const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { fuzz, names, targetNamed } = require('./fuzz.js');

const root = path.join(__dirname, '..', '..');

/** What takes bytes in Rust: how many inputs each gets in the long form. */
const RUST = Object.entries({
  handshake: 10_000_000,
  certificates: 4_000_000,
  records: 10_000_000,
  power: 500_000,
  settings: 4_000_000,
  host: 4_000_000,
  trust: 500_000,
  signature: 100_000,
});

const BOUND = 'no finding';

/**
 * @param {string} name
 * @param {number} inputs
 * @param {number} seed
 */
async function fuzzRust(name, inputs, seed) {
  const limits = [`-runs=${inputs}`, `-seed=${seed}`, '-max_len=8192', '-print_final_stats=1'];
  // New inputs that reach something go to the first directory.
  const corpora = [path.join('fuzz', 'target', `found-${name}`), path.join('fuzz', 'corpus', name)];
  const args = ['fuzz', 'run', '--sanitizer', 'none', name, ...corpora, '--', ...limits];
  const child = spawn('cargo', args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, RUSTC_BOOTSTRAP: '1' },
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-20_000)));
  const [code] = await once(child, 'close');
  const done = Number(/number_of_executed_units: (\d+)/.exec(output)?.[1] ?? 0);
  const rate = Number(/average_exec_per_sec: +(\d+)/.exec(output)?.[1] ?? 0);
  const edges = / DONE +cov: (\d+)/.exec(output)?.[1];
  return { ok: code === 0 && done >= inputs, done, rate, edges, output };
}

module.exports = {
  title: 'fuzzing',
  seconds: { short: 50, long: 2400 },

  /**
   * @param {{ long: boolean, seed: number, log(text: string): void }} options
   */
  async run({ long, seed, log }) {
    const rows = [];
    for (const name of names) {
      const { about, share } = targetNamed(name);
      const bounds = long ? { inputs: share.inputs } : { seconds: share.seconds };
      const { inputs, seconds, findings, figures } = await fuzz(name, { seed, ...bounds });
      for (const finding of findings) log(finding);
      const rate = Math.round(inputs / seconds);
      const details = [`${inputs} inputs, ${rate}/s`, figures, `${findings.length} findings`];
      rows.push({
        what: `${name}: ${about}`,
        figure: details.filter(Boolean).join(', '),
        bound: BOUND,
        ok: findings.length === 0,
      });
    }
    const hasFuzzer = spawnSync('cargo', ['fuzz', '--version']).status === 0;
    for (const [name, inputs] of RUST) {
      const what = `${name} (Rust)`;
      if (!long || !hasFuzzer) {
        const leftOut = long ? 'needs cargo-fuzz' : 'in the long form; cargo test runs its corpus';
        rows.push({ what, figure: '-', bound: BOUND, ok: true, leftOut });
        continue;
      }
      const { ok, done, rate, edges, output } = await fuzzRust(name, inputs, seed);
      if (!ok) log(output);
      const figure = `${done} inputs, ${rate}/s, ${edges} edges`;
      rows.push({ what, figure, bound: BOUND, ok });
    }
    return rows;
  },
};
