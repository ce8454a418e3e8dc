'use strict';

/**
 * `chrome.sockets.tcp` for pages that have no Node: this is the main process's half. The preload file
 * is the pages' half.
 */

const { ipcMain } = require('electron');
const { loadBinding } = require('./lib/binding.js');
const { Application } = require('./lib/electron/application.js');
const { parseManifest } = require('./lib/manifest.js');

/** The preload file, for `webPreferences.preload`. */
const preload = require.resolve('./electron-preload.js');

/**
 * What the preload file says.
 *
 * - `GRANTED`, synchronously: may this page have the API?
 * - `PAGE`, with a port: here are its calls.
 */
const GRANTED = 'chrome-sockets-tcp:granted';
const PAGE = 'chrome-sockets-tcp:page';

/** Documents that anybody may have written. */
const FROM_OUTSIDE = /^(?:https?|data|blob|about|ftp|chrome-error):/i;

/**
 * @typedef {object} Grant
 * @property {InstanceType<typeof Application>} application
 * @property {(url: string) => boolean} pages
 */

/** By session or webContents. @type {WeakMap<object, Grant>} */
const grants = new WeakMap();

/** How to end the page that a webContents shows. @type {WeakMap<object, () => void>} */
const shown = new WeakMap();

/**
 * @param {{ session?: any, webContents?: any, manifest: unknown,
 *   pages?: (url: string) => boolean }} options
 */
function serve({ session, webContents, manifest, pages = (url) => !FROM_OUTSIDE.test(url) }) {
  const targets = [session ?? webContents ?? []].flat();
  if (targets.length === 0 || (session !== undefined && webContents !== undefined)) {
    throw new TypeError('serve: expected a session or webContents, one of the two');
  }
  if (typeof pages !== 'function') throw new TypeError('serve: pages: expected a function');
  for (const target of targets) {
    if (grants.has(target)) throw new Error('serve: the session or webContents is served already');
  }
  const application = new Application(loadBinding(), parseManifest(manifest));
  const grant = { application, pages };
  for (const target of targets) {
    grants.set(target, grant);
    registerPreload(target.session ?? target);
  }
  return {
    close() {
      for (const target of targets) grants.delete(target);
      application.close();
    },
  };
}

/**
 * @param {any} session
 */
function registerPreload(session) {
  if (session.registerPreloadScript) {
    const registered = session.getPreloadScripts();
    if (registered.some((/** @type {any} */ { filePath }) => filePath === preload)) return;
    session.registerPreloadScript({ type: 'frame', filePath: preload });
  } else if (!session.getPreloads().includes(preload)) {
    session.setPreloads([...session.getPreloads(), preload]);
  }
}

/**
 * @param {any} event Of a message of a preload file, or of whoever poses as one.
 * @returns {InstanceType<typeof Application> | undefined} The application of the page, if it has one.
 */
function applicationOf({ sender, senderFrame }) {
  // A frame in a page may be anybody's.
  if (!senderFrame || senderFrame.parent) return undefined;
  const grant = grants.get(sender) ?? grants.get(sender.session);
  return grant?.pages(senderFrame.url) ? grant.application : undefined;
}

ipcMain.on(GRANTED, (event) => {
  event.returnValue = applicationOf(event) !== undefined;
});

ipcMain.on(PAGE, (event) => {
  // Whoever sends this without ports has none.
  const [port, ...others] = event.ports ?? [];
  for (const other of others) other.close();
  const application = applicationOf(event);
  if (!port) return;
  if (!application) {
    port.close();
    return;
  }
  // A webContents shows one page: the one before has gone, even if its port does not tell yet.
  shown.get(event.sender)?.();
  shown.set(event.sender, application.addPage(port));
});

module.exports = { serve, preload };
