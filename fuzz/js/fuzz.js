'use strict';

/**
 * Gives a target inputs until the time is over or their number is reached:
 *
 *     node fuzz/js/fuzz.js hosts --seconds 60
 *     node fuzz/js/fuzz.js hosts --seed 7 --from 1234 --inputs 1     one input again
 *     node fuzz/js/fuzz.js handshake --seconds 60                    one of those in Rust
 */

const { readdirSync } = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { Random } = require('./random.js');
const { fuzzRust, rustTargets } = require('./rust.js');

/**
 * @typedef {object} Context
 * @property {(holds: unknown, otherwise: () => string) => void} expect Ends the input with a finding
 *   unless something holds.
 *
 * @typedef {InstanceType<typeof Random>} Choices
 *
 * @typedef {(random: Choices, context: Context) => void} Try Makes one input and checks the result.
 *
 * @typedef {object} Running
 * @property {Try} try
 * @property {number} [batch] The event loop turns after this many inputs.
 * @property {(context: Context) => Promise<void>} [between] Runs after each batch.
 * @property {() => Promise<void> | void} [end]
 * @property {() => string} [figures] Further figures for the report.
 *
 * @typedef {object} Target
 * @property {string} about
 * @property {{ seconds: number, inputs: number }} share Of the short form and of the long one.
 * @property {() => Promise<Running> | Running} start
 *
 * @typedef {object} Bounds
 * @property {number} seed
 * @property {number} [seconds]
 * @property {number} [inputs]
 * @property {number} [from] The number of the first input.
 */

const BATCH = 500;

/** A run stops after this many findings. */
const MAX_FINDINGS = 5;

const targets = path.join(__dirname, 'targets');
const names = readdirSync(targets).map((file) => path.basename(file, '.js'));

/**
 * @param {string} name
 * @returns {Target}
 */
const targetNamed = (name) => require(path.join(targets, name));

/**
 * @param {string} name
 * @param {Bounds} bounds
 * @returns {Promise<{ inputs: number, rate: number, findings: string[], figures: string }>}
 */
async function fuzz(name, { seed, seconds = Infinity, inputs = Infinity, from = 0 }) {
  const random = new Random();
  /** @type {string[]} */
  const findings = [];
  const began = performance.now();
  const took = () => (performance.now() - began) / 1000;
  const running = await targetNamed(name).start();
  let number = from;

  /** @type {Context} */
  const context = {
    expect(holds, otherwise) {
      if (!holds) throw new Error(otherwise());
    },
  };
  const note = (/** @type {any} */ error) => {
    const where = `seed ${seed}, input ${number}`;
    findings.push(`${name}, ${where}: ${error?.stack ?? error}`);
  };
  // Stacks cost more than most inputs; run the input again by itself to get one.
  const { stackTraceLimit } = Error;
  if (inputs > 1) Error.stackTraceLimit = 0;
  // An uncaught exception is a finding as well.
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);

  try {
    while (number - from < inputs && took() < seconds && findings.length < MAX_FINDINGS) {
      const batch = Math.min(running.batch ?? BATCH, inputs - (number - from));
      for (let left = batch; left > 0; left--) {
        random.start(seed, number);
        try {
          running.try(random, context);
        } catch (error) {
          note(error);
        }
        number += 1;
      }
      try {
        await running.between?.(context);
      } catch (error) {
        note(error);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    const figures = running.figures?.() ?? '';
    try {
      await running.end?.();
    } catch (error) {
      note(error);
    }
    const done = number - from;
    return { inputs: done, rate: Math.round(done / took()), findings, figures };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    process.off('uncaughtException', note);
    process.off('unhandledRejection', note);
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      inputs: { type: 'string' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string' },
    },
  });
  const [name] = positionals;
  const all = [...names, ...Object.keys(rustTargets)];
  if (!all.includes(name)) throw new Error(`expected a target, one of ${all.join(', ')}`);
  const numbers = Object.entries(values).map(([option, value]) => [option, Number(value)]);
  const bounds = { seconds: values.inputs ? Infinity : 60, ...Object.fromEntries(numbers) };
  const isRust = name in rustTargets;
  if (isRust && values.from) throw new Error('libFuzzer numbers no inputs: --from has no meaning');
  const { inputs, rate, findings, figures } = await (isRust ? fuzzRust : fuzz)(name, bounds);
  for (const finding of findings) console.error(finding);
  const details = [`${inputs} inputs`, `${rate}/s`, figures, `${findings.length} findings`];
  console.log(`${name}: ${details.filter(Boolean).join(', ')}`);
  process.exitCode = findings.length > 0 ? 1 : 0;
}

if (require.main === module) main();

module.exports = { fuzz, names, targetNamed };
