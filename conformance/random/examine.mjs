/** Runs programs in both worlds and judges. */

import { agreement, same } from './compare.mjs';
import { explain } from './deviations.mjs';
import { WorldDied } from './worlds.mjs';

/** How often each world repeats a program before a difference counts, and how often Chromium does so. */
const REPEATS = 3;
const ROUNDS = 4;

/** A world that is restarted when it has died; no program runs in it during the restart. */
class Lasting {
  #world;
  #running = 0;
  #waiting = [];
  #limit;
  #alone = false;
  #restarting;

  constructor(world, limit) {
    this.#world = world;
    this.#limit = limit;
  }

  async #enter(alone) {
    while (this.#alone || this.#restarting || this.#running >= (alone ? 1 : this.#limit)) {
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
    this.#running += 1;
    this.#alone = alone;
  }

  #leave() {
    this.#running -= 1;
    this.#alone = false;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #restart() {
    this.#restarting ??= this.#world.restart();
    await this.#restarting;
    this.#restarting = undefined;
  }

  async #attempt(program, alone) {
    await this.#enter(alone);
    try {
      return await this.#world.run(program);
    } catch (error) {
      if (!(error instanceof WorldDied)) throw error;
      await this.#restart();
      return undefined;
    } finally {
      this.#leave();
    }
  }

  /** @returns {Promise<[number, string][] | undefined>} undefined if the program kills the world, also alone */
  async run(program) {
    return (await this.#attempt(program, false)) ?? (await this.#attempt(program, true));
  }

  close() {
    return this.#world.close();
  }
}

/**
 * @typedef {object} Verdict
 * @property {'same' | 'dropped' | 'unsteady' | 'difference'} kind `unsteady`: the module matched
 *   Chromium in one run and not in another
 * @property {string} [reason] why it was dropped
 * @property {string} [level] of the comparison
 * @property {string[]} [deviations] the letters of those that were used
 * @property {[number, string][]} [expected] the expected behaviour of the module
 * @property {[number, string][]} [got]
 * @property {[number, string][]} [chromium]
 */

const selfDifference = (chromium) => ({
  kind: /** @type {const} */ ('dropped'),
  reason: 'Chromium differs from itself',
  level: 'results',
  expected: chromium[0],
  got: chromium.find((other) => !same('results', chromium[0], other)),
});

const lostCallback = () => ({
  kind: /** @type {const} */ ('dropped'),
  reason: 'a callback that Chromium loses ends its worker',
});

export class Examiner {
  #chromium;
  #module;

  /**
   * @param {import('./worlds.mjs').World} chromium
   * @param {import('./worlds.mjs').World} module
   * @param {number} concurrency
   */
  constructor(chromium, module, concurrency) {
    this.#chromium = new Lasting(chromium, concurrency);
    this.#module = new Lasting(module, concurrency);
  }

  async #several(world, program, count) {
    const transcripts = [];
    for (let run = 0; run < count; run += 1) {
      const transcript = await world.run(program);
      if (!transcript) return undefined;
      transcripts.push(transcript);
    }
    return transcripts;
  }

  /** @returns {Promise<Verdict>} */
  async examine(program) {
    const [chromium, own] = await Promise.all([
      this.#several(this.#chromium, program, 2),
      this.#several(this.#module, program, 2),
    ]);
    if (!chromium) return lostCallback();
    if (!own) {
      return {
        kind: 'difference',
        level: 'everything',
        expected: chromium[0],
        got: [[-1, 'the module crashed']],
      };
    }
    if (
      [...chromium, ...own]
        .flat()
        .some(([, text]) => text.startsWith('FAILED') || text === 'never quiet')
    ) {
      return { kind: 'dropped', reason: 'failed' };
    }
    const level = agreement(program, chromium);
    if (!level) return selfDifference(chromium);
    const verdict = this.#compare(program, level, chromium[0], own);
    return verdict.kind === 'same' ? verdict : this.#confirm(program, verdict, chromium, own);
  }

  #compare(program, level, chromium, own) {
    const judged = own.map((got) => ({ own: got, ...explain(program, chromium, got) }));
    const wrong = judged.find(({ expected, got }) => !same(level, expected, got));
    const { expected, got, deviations, own: raw } = wrong ?? judged[0];
    return {
      kind: wrong ? 'difference' : 'same',
      level,
      expected,
      got,
      deviations,
      chromium,
      own: raw,
    };
  }

  /**
   * A difference counts when it repeats and when none of many runs in Chromium equals the module's,
   * because a race in Chromium may end in several ways.
   */
  async #confirm(program, verdict, chromium, own) {
    const moreOwn = await this.#several(this.#module, program, REPEATS);
    if (!moreOwn) return verdict;
    const all = [...chromium];
    const mine = [...own, ...moreOwn];
    let result = verdict;
    for (let round = 0; round < ROUNDS && result.kind === 'difference'; round += 1) {
      const runs = Array.from({ length: REPEATS }, () => this.#chromium.run(program));
      const more = await Promise.all(runs);
      if (more.includes(undefined)) return lostCallback();
      all.push(...more);
      result = this.#judge(program, all, mine);
    }
    return result;
  }

  #judge(program, chromium, own) {
    const level = agreement(program, chromium);
    if (!level) return selfDifference(chromium);
    const results = own.map((got) => {
      const tries = chromium.map((one) => this.#compare(program, level, one, [got]));
      return tries.find(({ kind }) => kind === 'same') ?? tries[0];
    });
    const wrong = results.filter(({ kind }) => kind === 'difference');
    if (wrong.length === 0) return results[0];
    return wrong.length === results.length ? wrong[0] : { ...wrong[0], kind: 'unsteady' };
  }

  async close() {
    await Promise.all([this.#chromium.close(), this.#module.close()]);
  }
}
