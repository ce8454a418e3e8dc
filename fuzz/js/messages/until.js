'use strict';

/** How long a condition may take to become true, in milliseconds. */
const TIMEOUT = 20_000;

/**
 * @param {() => unknown} condition
 * @param {() => string} otherwise The message of the error after the time-out.
 */
async function until(condition, otherwise) {
  const end = performance.now() + TIMEOUT;
  while (!condition()) {
    if (performance.now() > end) throw new Error(otherwise());
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

module.exports = { TIMEOUT, until };
