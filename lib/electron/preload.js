'use strict';

/**
 * Gives the page `chrome.sockets.tcp` if the main process grants it; see serve.js.
 * scripts/preload.js inserts the code of the page.
 */

(() => {
  const { ipcRenderer, webFrame } = require('electron');

  // It may be both the session's and the window's preload file.
  const mark = Symbol.for('chrome-sockets-tcp:preload');
  const window = /** @type {any} */ (globalThis);
  if (window[mark]) return;
  const granted = ipcRenderer.sendSync('chrome-sockets-tcp:granted');
  if (!granted) return;
  window[mark] = true;

  // Runs before any script of the page, and at once.
  const page = 'the code of a page';
  const eventName = `chrome-sockets-tcp:${Math.random()}`;
  const handOver = (/** @type {any} */ { ports }) => {
    ipcRenderer.postMessage('chrome-sockets-tcp:page', null, [...ports]);
  };
  window.addEventListener(eventName, handOver, { once: true });
  const args = [eventName, granted].map((arg) => JSON.stringify(arg));
  void webFrame.executeJavaScript(`${page}.start(${args})`);
})();
