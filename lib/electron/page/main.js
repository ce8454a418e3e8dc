'use strict';

/**
 * The code that the preload file runs in the page's own world before any script of the page. It is
 * the same code as in Node, so that every object that the page sees belongs to its realm, over a
 * native half in the main process.
 */

const { install } = require('../../renderer/install.js');
const { createNamespaces } = require('../../renderer/namespace.js');
const { RemoteNative } = require('./remote-native.js');

/**
 * The two functions over a port that the page's half needs. They look up no property when they are
 * called: a script of the page that replaces a method or an accessor of a prototype must not get
 * the port as `this`, because the port could then outlive the page.
 *
 * @param {any} port A MessagePort.
 * @returns {import('./remote-native.js').Channel}
 */
function channelOver(port) {
  const { bind, call } = Function.prototype;
  /** Turns a method into a function of its receiver and arguments. */
  const uncurried = bind.bind(call);
  const data = Object.getOwnPropertyDescriptor(MessageEvent.prototype, 'data');
  const dataOf = uncurried(/** @type {any} */ (data).get);
  return {
    post: port.postMessage.bind(port),
    listen(listener) {
      port.onmessage = (/** @type {unknown} */ event) => listener(dataOf(event));
    },
  };
}

/**
 * @param {string} eventName The event for which the preload file waits to get the other end of the channel. The
 *   worlds of a page share only the DOM.
 * @param {{ returnsPromises: boolean }} application
 */
function start(eventName, { returnsPromises }) {
  const window = /** @type {any} */ (globalThis);
  const { port1, port2 } = new MessageChannel();
  const native = /** @type {any} */ (new RemoteNative(channelOver(port1)));
  install(window, createNamespaces(native, { returnsPromises: () => returnsPromises }), {});
  window.dispatchEvent(new window.MessageEvent(eventName, { ports: [port2] }));
}

module.exports = { start };
