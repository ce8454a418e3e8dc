'use strict';

/**
 * `chrome.sockets.tcp` for pages that have no Node: this is the main process's half. The preload file
 * is the pages' half.
 */

const { ipcMain } = require('electron');
const { Application } = require('./lib/electron/application.js');

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

const isOwn = (/** @type {string} */ url) => !FROM_OUTSIDE.test(url);

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
 * @param {import('./electron.js').Options} options
 */
function serve(options) {
  try {
    return serveWith(options);
  } catch (/** @type {any} */ error) {
    error.message = `serve: ${error.message}`;
    throw error;
  }
}

/**
 * @param {import('./electron.js').Options} options
 */
function serveWith({ session, webContents, pages = isOwn, ...configuration }) {
  const targets = [session ?? webContents ?? []].flat();
  if (targets.length === 0 || (session !== undefined && webContents !== undefined)) {
    throw new TypeError('expected a session or webContents, one of the two');
  }
  if (typeof pages !== 'function') throw new TypeError('pages: expected a function');
  if (configuration.manifest === undefined || configuration.manifest === null) {
    throw new TypeError('manifest: expected an object or the path of a file');
  }
  for (const target of targets) {
    if (grants.has(target)) throw new Error('the session or webContents is served already');
  }
  const application = new Application(configuration);
  for (const target of targets) {
    grants.set(target, { application, pages });
    registerPreload(/** @type {any} */ (target).session ?? target);
  }
  return {
    stats: () => application.stats(),
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
