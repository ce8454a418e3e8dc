'use strict';

/** The targets in Rust (../../fuzz/), which cargo-fuzz runs. */

const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { mkdirSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');

/**
 * The targets in Rust: the number of inputs in the long form, and their maximum length.
 *
 * @type {Record<string, { inputs: number, longest?: number }>}
 */
const rustTargets = {
  handshake: { inputs: 10_000_000 },
  certificates: { inputs: 4_000_000 },
  records: { inputs: 10_000_000 },
  // Two numbers of 2048 bits: there are no longer ones.
  modpow: { inputs: 200_000, longest: 514 },
  settings: { inputs: 4_000_000 },
  host: { inputs: 4_000_000 },
  trust: { inputs: 500_000 },
  signature: { inputs: 100_000 },
};

const hasFuzzer = () => spawnSync('cargo', ['fuzz', '--version']).status === 0;

/**
 * @param {string} name
 * @param {{ seed: number, seconds?: number, inputs?: number }} bounds
 */
async function fuzzRust(name, { seed, seconds = Infinity, inputs = Infinity }) {
  const { longest = 8192 } = rustTargets[name];
  const limits = [`-seed=${seed}`, `-max_len=${longest}`, '-print_final_stats=1'];
  if (Number.isFinite(inputs)) limits.push(`-runs=${inputs}`);
  if (Number.isFinite(seconds)) limits.push(`-max_total_time=${seconds}`);
  // New inputs that reach something go to the first directory.
  const found = path.join('fuzz', 'target', `found-${name}`);
  mkdirSync(path.join(root, found), { recursive: true });
  const corpora = [found, path.join('fuzz', 'corpus', name)];
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
  const edges = /\bDONE +cov: (\d+)/.exec(output)?.[1];
  const isWhole = !Number.isFinite(inputs) || done >= inputs;
  const findings = code === 0 && isWhole ? [] : [`${name}: ${output}`];
  return { inputs: done, rate, findings, figures: edges ? `${edges} edges` : '' };
}

module.exports = { fuzzRust, hasFuzzer, rustTargets };
