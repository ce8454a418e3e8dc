'use strict';

/**
 * What the preload file runs in the page's own world, before any script of the page: the same code as
 * in Node, so that everything the page sees is of its realm, over a native half in the main process.
 */

const { install } = require('../../install.js');
const { createNamespace } = require('../../namespace.js');
const { RemoteNative } = require('./remote-native.js');

/**
 * @param {string} eventName Where the preload file waits for the other end of the channel. The worlds
 *   of a page share nothing but the DOM.
 */
function start(eventName) {
  const window = /** @type {any} */ (globalThis);
  const { port1, port2 } = new MessageChannel();
  const native = /** @type {any} */ (new RemoteNative(port1));
  install(window, createNamespace(native), {});
  window.dispatchEvent(new window.MessageEvent(eventName, { ports: [port2] }));
}

module.exports = { start };
