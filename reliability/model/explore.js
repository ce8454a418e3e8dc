'use strict';

/**
 * Plays random sequences up to a number of calls. By itself, `node explore.js [--calls N] [--seed N
 * [--path P]]` does it with the module of this checkout; seed and path are printed with a failure
 * and repeat it, unless it was a race.
 */

const fc = require('fast-check');
const { parseArgs } = require('node:util');
const { Peers } = require('./peers.js');
const { newTally, Play } = require('./play.js');
const { sequences } = require('./steps.js');

/** @typedef {import('./play.js').Tally} Tally */

/** Sequences that share a seed. */
const CHUNK = 100;

/**
 * @typedef {object} Options
 * @property {number} [calls] the least number of calls
 * @property {number} [until] not longer, as a time
 * @property {number} [seed]
 * @property {string} [path] of one sequence
 * @property {number} [shrinking] for so long at most a failing sequence is made shorter, in
 *   milliseconds
 * @property {number} [timeout] the time limit for a due result, in milliseconds
 * @property {(tally: Tally) => void} [onChunk]
 */

/**
 * @param {{ tcp: any, runtime: any, configure(options: object): void }} module
 * @param {Options} options
 * @returns {Promise<{ tally: Tally, failure?: string }>}
 */
async function explore({ tcp, runtime, configure }, options) {
  const {
    calls = Infinity,
    until = Infinity,
    path,
    shrinking = 20_000,
    timeout = 5000,
    onChunk,
  } = options;
  let { seed = Date.now() % 2 ** 31 } = options;
  const peers = new Peers();
  await peers.start();
  configure({ ca: [peers.ca], manifest: { sockets: { tcp: { connect: peers.allowed } } } });
  const tally = newTally();
  let failedAt = 0;
  const property = fc.asyncProperty(sequences, async (steps) => {
    const late = failedAt > 0 && Date.now() - failedAt > shrinking;
    if (late || (!path && failedAt === 0 && (tally.calls >= calls || Date.now() >= until))) return;
    try {
      await new Play({ tcp, runtime, peers }, tally, timeout).run(steps);
    } catch (error) {
      failedAt ||= Date.now();
      throw error;
    }
  });
  try {
    do {
      const result = await fc.check(property, { seed, path, numRuns: CHUNK });
      if (result.failed) {
        return { tally, failure: describe(result) };
      }
      onChunk?.(tally);
      seed = (seed + 1) % 2 ** 31;
    } while (!path && tally.calls < calls && Date.now() < until);
    return { tally };
  } finally {
    configure({ ca: null, manifest: null });
    await peers.stop();
  }
}

/** @param {fc.RunDetails<[any]>} result */
function describe({ seed, counterexamplePath, counterexample, errorInstance, numShrinks }) {
  const steps = counterexample?.[0].map((/** @type {object} */ step) => JSON.stringify(step)) ?? [];
  return [
    /** @type {Error} */ (errorInstance).stack,
    `The sequence, made shorter ${numShrinks} times:`,
    ...steps,
    `node reliability/model/explore.js --seed ${seed} --path ${counterexamplePath}`,
  ].join('\n');
}

/** The module of this checkout. */
function ownModule() {
  return {
    tcp: require('../../index.js'),
    runtime: require('../../entry/runtime.js'),
    configure: require('../../entry/configure.js').configure,
  };
}

/** @param {Tally} tally */
function summary({ calls, sequences, sockets, connections, received, givenUp }) {
  const numbers = {
    calls,
    sequences,
    sockets,
    connections,
    'bytes received': received,
    'given up': givenUp,
  };
  return Object.entries(numbers)
    .map(([name, number]) => `${number.toLocaleString('en')} ${name}`)
    .join(', ');
}

async function main() {
  const { values } = parseArgs({
    options: { calls: { type: 'string' }, seed: { type: 'string' }, path: { type: 'string' } },
  });
  const { calls = '10000', seed = String(Date.now() % 2 ** 31), path } = values;
  process.stdout.write(`seed ${seed}\n`);
  const options = { calls: Number(calls), seed: Number(seed), path };
  const { tally, failure } = await explore(ownModule(), options);
  process.stdout.write(`${summary(tally)}\n`);
  if (failure) {
    process.stdout.write(`${failure}\n`);
    process.exitCode = 1;
  }
}

if (require.main === module) void main();

module.exports = { explore, ownModule, summary };
