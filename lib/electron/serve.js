'use strict';

/**
 * `chrome.sockets.tcp` for pages that have no Node: this is the main process's half. The preload file
 * is the pages' half.
 */

const { existsSync } = require('node:fs');
const { ipcMain, webContents: allWebContents } = require('electron');
const { refuseUnknown, OPTION_NAMES } = require('../options/configuration.js');
const { Application } = require('./application.js');
const { admissionAdvice, admitSchemes, isOfOrigin, schemeAdvice } = require('./documents.js');
const { ADVICE, NAME, ownFile } = require('../native/own-files.js');
const { escaped, kindOf } = require('../base/shown.js');

/** The preload file, for `webPreferences.preload`. */
const preload = ownFile('electron-preload.js');

/**
 * What the preload file says.
 *
 * - `GRANTED`, synchronously: may this page have the API, and in which form?
 * - `PAGE`, with a port: here are its calls.
 */
const GRANTED = 'chrome-sockets-tcp:granted';
const PAGE = 'chrome-sockets-tcp:page';

/** Options that are not those of `configure()`. */
const OWN_OPTIONS = ['session', 'webContents', 'pages', 'schemes', 'preload'];

/**
 * @typedef {object} Grant
 * @property {InstanceType<typeof Application>} application
 * @property {import('./documents.js').Admits} admits Only `true` admits a document.
 * @property {(kind: string, text: string) => void} warn Warns once of each kind.
 * @property {boolean} isDefault Whether the application has said nothing of documents.
 */

/** By session or webContents. @type {WeakMap<object, Grant>} */
const grants = new WeakMap();

/**
 * @typedef {object} Shown The document that a webContents shows.
 * @property {() => void} end Ends its page.
 * @property {boolean} isBanned Whether its page was ended for what it has sent.
 */

/** By webContents, from the first message on. @type {WeakMap<object, Shown>} */
const shown = new WeakMap();

/**
 * @param {import('../../entry/electron.js').Options} options
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
 * @param {import('../../entry/electron.js').Options} options
 */
function serveWith(options) {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`expected an object with options, found ${kindOf(options)}`);
  }
  refuseUnknown(options, [...OWN_OPTIONS, ...OPTION_NAMES]);
  const { session, webContents, pages, schemes, preload: file, ...configuration } = options;
  const targets = [session ?? webContents ?? []].flat();
  if (targets.length === 0 || (session !== undefined && webContents !== undefined)) {
    throw new TypeError('expected a session or webContents, one of the two');
  }
  if (pages !== undefined && schemes !== undefined) {
    throw new TypeError('expected pages or schemes, not both');
  }
  if (pages !== undefined && typeof pages !== 'function') {
    throw new TypeError('pages: expected a function');
  }
  const preloadFile = checkPreload(file ?? preload);
  const admits = pages ?? admitSchemes(schemes ?? []);
  if (configuration.manifest === undefined || configuration.manifest === null) {
    throw new TypeError('manifest: expected an object or the path of a file');
  }
  for (const target of targets) checkTarget(target, session === undefined);
  for (const target of targets) {
    if (grants.has(target)) throw new Error('the session or webContents is served already');
  }
  const application = new Application(configuration);
  const isDefault = pages === undefined && schemes === undefined;
  const grant = { application, admits, warn: createWarn(), isDefault };
  for (const target of targets) {
    grants.set(target, grant);
    registerPreload(/** @type {any} */ (target).session ?? target, preloadFile);
  }
  if (application.allowsNothing) {
    grant.warn(
      'manifest',
      'manifest: it has no sockets.tcp.connect and no sockets.tcpServer.listen, so pages may use no address',
    );
  }
  for (const url of loadedPages(targets)) {
    const advice = 'call serve() before it loads, or reload it';
    grant.warn('loaded', `${escaped(url)} has loaded without chrome.sockets.tcp: ${advice}`);
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
 * @param {any} target
 * @param {boolean} isWebContents Whether a WebContents is expected, not a Session.
 * @throws {TypeError} If it is something else.
 */
function checkTarget(target, isWebContents) {
  const [option, expected] = isWebContents
    ? ['webContents', 'a WebContents']
    : ['session', 'a Session'];
  if (target?.webContents) {
    const property = isWebContents ? 'webContents' : 'webContents.session';
    throw new TypeError(`${option}: expected ${expected}, found a window: pass its ${property}`);
  }
  const isSession = Boolean(target?.registerPreloadScript ?? target?.setPreloads);
  if (isWebContents ? target?.session && target.mainFrame : isSession) return;
  const found = isSession ? 'a Session' : target?.session ? 'a WebContents' : kindOf(target);
  throw new TypeError(`${option}: expected ${expected}, found ${found}`);
}

/**
 * @param {any[]} targets
 * @returns {string[]} The URLs of documents that these show already.
 */
function loadedPages(targets) {
  return allWebContents
    .getAllWebContents()
    .filter(
      (/** @type {any} */ shows) => targets.includes(shows) || targets.includes(shows.session),
    )
    .map((/** @type {any} */ shows) => shows.mainFrame?.url ?? '')
    .filter((/** @type {string} */ url) => url !== '' && url !== 'about:blank');
}

/** @returns {Grant['warn']} */
function createWarn() {
  /** @type {Set<string>} */
  const warned = new Set();
  return (kind, text) => {
    if (warned.has(kind)) return;
    warned.add(kind);
    process.emitWarning(`chrome-sockets-tcp: serve: ${text}`);
  };
}

/** @param {unknown} file @returns {string} The path of an existing file. */
function checkPreload(file) {
  if (typeof file !== 'string') throw new TypeError('preload: expected the path of a file');
  if (existsSync(file)) return file;
  throw new Error(
    `preload: the file ${file} does not exist. ${ADVICE}, or copy electron-preload.js from the package ` +
      `${NAME} and pass its path as preload.`,
  );
}

/**
 * @param {any} session
 * @param {string} filePath
 */
function registerPreload(session, filePath) {
  if (session.registerPreloadScript) {
    const registered = session.getPreloadScripts();
    if (registered.some((/** @type {any} */ script) => script.filePath === filePath)) return;
    session.registerPreloadScript({ type: 'frame', filePath });
  } else if (!session.getPreloads().includes(filePath)) {
    session.setPreloads([...session.getPreloads(), filePath]);
  }
}

/**
 * @param {any} event Of a message of a preload file, or of other code in a page's process.
 * @returns {InstanceType<typeof Application> | undefined} The application of the page, if it has one.
 */
function applicationOf({ sender, senderFrame }) {
  try {
    const grant = grants.get(sender) ?? grants.get(sender.session);
    if (!grant || !senderFrame || shown.get(sender)?.isBanned) return undefined;
    const { url, origin, parent } = senderFrame;
    // A frame in a page may be anyone's.
    if (parent || senderFrame !== sender.mainFrame) {
      const text = 'a frame has no chrome.sockets.tcp, only the main document of a window has';
      grant.warn('frame', `${escaped(url)}: ${text}`);
      return undefined;
    }
    return admits(grant, url, origin) ? grant.application : undefined;
  } catch {
    // The frame is gone.
    return undefined;
  }
}

/**
 * @param {Grant} grant
 * @param {string} url
 * @param {string} origin
 * @returns {boolean}
 */
function admits(grant, url, origin) {
  if (!isOfOrigin(url, origin)) {
    const advice = schemeAdvice(url, origin);
    if (advice) grant.warn('origin', `${escaped(url)} has no chrome.sockets.tcp: ${advice}`);
    return false;
  }
  try {
    const admitted = grant.admits(url, origin) === true;
    if (!admitted && grant.isDefault) {
      const advice = admissionAdvice(url, origin);
      grant.warn('document', `${escaped(url)} has no chrome.sockets.tcp: ${advice}`);
    }
    return admitted;
  } catch (error) {
    grant.warn('pages', `pages: ${escaped(error)}`);
    return false;
  }
}

/**
 * Follows a webContents, so that a page ends with its document. Its port cannot be relied on for that:
 * code in the page's process can hand it to another page.
 *
 * @param {any} webContents
 * @returns {Shown}
 */
function follow(webContents) {
  const known = shown.get(webContents);
  if (known) return known;
  /** @type {Shown} */
  const document = { end() {}, isBanned: false };
  shown.set(webContents, document);
  const end = () => {
    document.end();
    document.isBanned = false;
  };
  // Chromium tells of a new document before the document can send anything.
  webContents.on('did-navigate', end);
  webContents.on('render-process-gone', end);
  webContents.on('destroyed', end);
  // A page that stands for an error has no other event. A load that was cancelled leaves the document.
  webContents.on('did-fail-load', () => {
    const { url, origin } = webContents.mainFrame;
    if (!isOfOrigin(url, origin)) end();
  });
  return document;
}

ipcMain.on(GRANTED, (/** @type {any} */ event) => {
  event.returnValue = applicationOf(event)?.traits ?? null;
});

ipcMain.on(PAGE, (/** @type {any} */ event) => {
  // Other code than the preload file's may send none, or several.
  const [port, ...others] = event.ports ?? [];
  for (const other of others) other.close();
  const application = applicationOf(event);
  if (!port) return;
  if (!application) {
    port.close();
    return;
  }
  const document = follow(event.sender);
  // A `javascript:` URL replaces a document without a navigation.
  document.end();
  document.end = application.addPage(port, {
    url: event.senderFrame.url,
    onMisbehaved: () => (document.isBanned = true),
  });
});

module.exports = { serve, preload };
