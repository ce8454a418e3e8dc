'use strict';

/** How many connections are opened at the same time. */
const CONCURRENCY = 64;

/**
 * Opens connections until there are `count`. sockets.js has a copy, because Chromium loads that file alone.
 *
 * @template T
 * @param {(ready: (socket: T) => void) => void} open
 * @param {number} count
 * @param {T[]} [sockets] those that are open already, which the others join
 * @returns {Promise<T[]>}
 */
async function openAll(open, count, sockets = []) {
  while (sockets.length < count) {
    const missing = Math.min(CONCURRENCY, count - sockets.length);
    const group = Array.from(
      { length: missing },
      () => new Promise((/** @type {(socket: T) => void} */ resolve) => open(resolve)),
    );
    sockets.push(...(await Promise.all(group)));
  }
  return sockets;
}

module.exports = { openAll };
