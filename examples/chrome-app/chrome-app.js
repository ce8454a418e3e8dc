'use strict';

/**
 * Runs an unmodified Chrome App or NW.js app in Electron 22 or newer. Copy this file and preload.js
 * into your project, replace the path of chrome-sockets-tcp, and extend both to the APIs that your
 * app uses.
 */

const { existsSync, readFileSync } = require('node:fs');
const { extname, join, sep } = require('node:path');
const { app, BrowserWindow, ipcMain, protocol } = require('electron');
// In a project of your own: require('chrome-sockets-tcp/electron').
const { serve } = require('../../entry/electron.js');

/** In a Chrome App `location` is `chrome-extension://ID/…`; here it is `app://ID/…`. */
const SCHEME = 'app';
const ID = 'abcdefghijklmnopabcdefghijklmnop';
const ORIGIN = `${SCHEME}://${ID}`;
const BACKGROUND = '/_generated_background_page.html';

/** The policy that Chrome gives apps. */
const POLICY =
  "default-src 'self'; script-src 'self' blob: filesystem: 'wasm-unsafe-eval'; connect-src * data: blob:; " +
  "style-src 'self' data: 'unsafe-inline'; img-src 'self' data: blob:; frame-src 'self' data:; " +
  "font-src 'self' data:; media-src * data: blob:";

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

const preload = join(__dirname, 'preload.js');

const COMMANDS = ['focus', 'hide', 'maximize', 'minimize', 'restore', 'show'];

protocol.registerSchemesAsPrivileged([
  { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);

/**
 * @param {object} options
 * @param {string} options.folder The app, with its manifest.json.
 * @param {string} [options.page] The first window's page, for an app without a background page.
 * @param {object} [options.sockets] Permissions, for a manifest without the member `sockets`.
 */
async function startChromeApp({ folder, page, sockets }) {
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  await app.whenReady();
  handleScheme((url) => readFile(folder, manifest, new URL(url).pathname));
  ipcMain.on('chrome-app:data', (event) => {
    const isOurs = event.senderFrame?.url.startsWith(`${ORIGIN}/`);
    const messages = readMessages(folder, manifest.default_locale);
    const { platform: os } = process;
    event.returnValue = isOurs ? { id: ID, manifest, messages, locale: app.getLocale(), os } : null;
  });
  ipcMain.on('chrome-app:window', ({ sender, senderFrame }, command) => {
    if (!senderFrame?.url.startsWith(`${ORIGIN}/`) || !COMMANDS.includes(command)) return;
    BrowserWindow.fromWebContents(sender)?.[command]();
  });
  app.on('web-contents-created', (_event, contents) => {
    // chrome.app.window.create() is window.open(); Electron reads the window's options from its features.
    contents.setWindowOpenHandler(({ url }) => ({
      action: url.startsWith(`${ORIGIN}/`) ? 'allow' : 'deny',
      overrideBrowserWindowOptions: { webPreferences: { preload } },
    }));
    contents.on('will-navigate', (event, url) => {
      if (!url.startsWith(`${ORIGIN}/`)) event.preventDefault();
    });
  });
  const isHidden = page === undefined;
  const first = new BrowserWindow({
    show: !isHidden,
    width: 800,
    height: 600,
    webPreferences: { preload },
  });
  serve({
    session: first.webContents.session,
    manifest: sockets ? { ...manifest, sockets } : manifest,
    schemes: [SCHEME],
  });
  if (isHidden) endAfterLastWindow(first);
  await first.loadURL(`${ORIGIN}${isHidden ? BACKGROUND : `/${page}`}`);
}

/** Ends the app with its last visible window, as Chrome suspends the background page then. */
function endAfterLastWindow(/** @type {BrowserWindow} */ background) {
  app.on('browser-window-created', (_event, window) => {
    window.once('closed', async () => {
      if (BrowserWindow.getAllWindows().some((other) => other !== background)) return;
      const suspend = "dispatchEvent(new Event('chrome-app:suspend'))";
      await background.webContents.executeJavaScript(suspend);
      app.quit();
    });
  });
}

/** @param {(url: string) => { data: Buffer, mimeType: string } | undefined} read */
function handleScheme(read) {
  const headers = { 'content-security-policy': POLICY };
  if (protocol.handle) {
    protocol.handle(SCHEME, ({ url }) => {
      const { data, mimeType } = read(url) ?? {};
      if (!data) return new Response('', { status: 404 });
      return new Response(data, { headers: { ...headers, 'content-type': mimeType } });
    });
  } else {
    protocol.registerBufferProtocol(SCHEME, ({ url }, respond) => {
      respond({ ...(read(url) ?? { statusCode: 404, data: Buffer.alloc(0) }), headers });
    });
  }
}

function readFile(
  /** @type {string} */ folder,
  /** @type {any} */ manifest,
  /** @type {string} */ path,
) {
  if (path === BACKGROUND) {
    const scripts = manifest.app?.background?.scripts ?? [];
    const tags = scripts.map(
      (/** @type {string} */ file) => `<script src="${encodeURI(file)}"></script>`,
    );
    return { data: Buffer.from(`<!doctype html>${tags.join('')}`), mimeType: 'text/html' };
  }
  const file = join(folder, decodeURIComponent(path));
  if (!file.startsWith(folder + sep) || !existsSync(file)) return undefined;
  const mimeType = TYPES[extname(file)] ?? 'application/octet-stream';
  return { data: readFileSync(file), mimeType };
}

/** The messages of chrome.i18n: those of the language over those of the default one. */
function readMessages(/** @type {string} */ folder, /** @type {string | undefined} */ locale) {
  const names = locale
    ? [locale, app.getLocale().split('-')[0], app.getLocale().replace('-', '_')]
    : [];
  const files = names.map((name) => join(folder, '_locales', name, 'messages.json'));
  const found = files.filter((file) => existsSync(file));
  return Object.assign({}, ...found.map((file) => JSON.parse(readFileSync(file, 'utf8'))));
}

module.exports = { startChromeApp, ORIGIN };
