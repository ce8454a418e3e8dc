'use strict';

/**
 * Measures the turns of this process's event loop.
 *
 * A timer of a millisecond is set again and again. The processor time that this thread uses between two
 * of its calls is that of one turn of the event loop, and of the short turns in that millisecond.
 * Unlike the time on the clock, which is measured beside it, it does not depend on other processes. The
 * kernel accounts it at least every 4 ms.
 */

const { openSync, readSync } = require('node:fs');

/** The timer's interval, in milliseconds. */
const INTERVAL_MS = 1;

/** The longest permitted turn while a peer or a resolver attacks, in milliseconds. */
const MAX_TURN_MS = 10;

/** @typedef {{ used: number[], wall: number[] }} Turns milliseconds, of each turn */

/** @returns {() => number} Milliseconds for which the main thread has used a processor. */
function openClock() {
  const schedule = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  const text = Buffer.alloc(96);
  return () => {
    const length = readSync(schedule, text, 0, text.length, 0);
    return Number(text.toString('latin1', 0, length).split(' ')[0]) / 1e6;
  };
}

/** @returns {() => Turns} Takes the turns since its last call. */
function measureTurns() {
  const used = openClock();
  /** @type {Turns} */
  let turns = { used: [], wall: [] };
  let [last, lastUsed] = [performance.now(), used()];
  const turn = () => {
    const [now, nowUsed] = [performance.now(), used()];
    turns.wall.push(now - last - INTERVAL_MS);
    turns.used.push(nowUsed - lastUsed);
    [last, lastUsed] = [now, nowUsed];
    setTimeout(turn, INTERVAL_MS);
  };
  setTimeout(turn, INTERVAL_MS);
  return () => {
    const taken = turns;
    turns = { used: [], wall: [] };
    return taken;
  };
}

/** @param {number[]} values @param {number} share */
function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? NaN;
}

/**
 * @param {Turns} turns
 * @returns {string} The 99th percentile and the longest.
 */
const describeTurns = ({ used, wall }) =>
  `${quantile(used, 0.99).toFixed(1)} and ${Math.max(...used).toFixed(1)} ms (on the clock ${Math.max(...wall).toFixed(0)} ms)`;

/** @param {Turns} turns */
const longestTurn = ({ used }) => Math.max(...used);

module.exports = { MAX_TURN_MS, openClock, measureTurns, describeTurns, longestTurn };
