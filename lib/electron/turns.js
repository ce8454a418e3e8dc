'use strict';

/**
 * Shares the main process's event loop among pages: in one turn of the loop the calls of all pages take
 * `SLICE` at most, and pages with calls are served one call at a time in rotation.
 */

// Fake timers replace the global one.
const { setImmediate } = require('node:timers');

/** Milliseconds. */
const SLICE = 4;

/**
 * @typedef {() => boolean} Job Performs one call of a page. Returns whether it can perform another.
 */

/** Jobs that can go on, in the order of their turns. @type {Set<Job>} */
const waiting = new Set();

let left = SLICE;
let running = false;
let scheduled = false;

/**
 * Has a job run, until it cannot go on: now if it is the only one or there is time left in this turn of
 * the event loop.
 *
 * @param {Job} job
 */
function start(job) {
  const isAlone = waiting.size === 0;
  waiting.add(job);
  if (!running) run(isAlone);
}

/** @param {boolean} isAlone Whether no other job waits. Then a call is performed in any case. */
function run(isAlone) {
  running = true;
  const begun = performance.now();
  const end = begun + left;
  try {
    for (const job of waiting) {
      if (!isAlone && performance.now() >= end) break;
      isAlone = false;
      waiting.delete(job);
      // What is added while the set is walked through gets its turn at the end of the walk.
      if (job()) waiting.add(job);
    }
  } finally {
    running = false;
    left -= performance.now() - begun;
    if (!scheduled) {
      scheduled = true;
      setImmediate(nextTurn);
    }
  }
}

function nextTurn() {
  scheduled = false;
  left = SLICE;
  if (waiting.size > 0) run(false);
}

module.exports = { start };
