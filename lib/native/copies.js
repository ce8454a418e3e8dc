'use strict';

/**
 * What several copies of this package in one process share, for example where npm could not deduplicate
 * them. Copies of other versions read it, too.
 */

const KEY = Symbol.for('chrome-sockets-tcp.copies');

/**
 * @typedef {object} Copies
 * @property {Map<string, { binding: any, folder: string }>} bindings The native module that each version
 *   uses, and the copy that has loaded it.
 * @property {WeakMap<object, string>} registered By which copy each `chrome.sockets.tcp` was installed.
 */

/** @type {any} */
const shared = process;

if (!shared[KEY]) {
  /** @type {Copies} */
  const copies = { bindings: new Map(), registered: new WeakMap() };
  Object.defineProperty(shared, KEY, { value: copies });
}

module.exports = /** @type {Copies} */ (shared[KEY]);
