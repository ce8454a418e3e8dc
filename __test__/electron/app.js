'use strict';

/**
 * The app of electron.test.js. Each message names one of the functions here; its answer goes back.
 */

const http = require('node:http');
const { join } = require('node:path');
const { app, BrowserWindow, session } = require('electron');
const { preload, serve } = require('../../electron.js');

/** @type {Map<string, any>} */
const windows = new Map();
/** @type {Map<string, { close: () => void }>} */
const applications = new Map();

const page = join(__dirname, 'page.html');
const evaluate = (name, code) => windows.get(name).webContents.executeJavaScript(code);
const sessionNamed = (name) => session.fromPartition(name);

const commands = {
  /** Serves a session, or only windows that are open already. */
  serve(name, manifest, names) {
    const target = names
      ? { webContents: names.map((window) => windows.get(window).webContents) }
      : { session: sessionNamed(name) };
    applications.set(name, serve({ ...target, manifest }));
  },

  unserve(name) {
    applications.get(name).close();
    applications.delete(name);
  },

  complaint(options) {
    try {
      serve(options);
      return undefined;
    } catch (error) {
      return error.message;
    }
  },

  /** Opens a window without a page. */
  open(name, partition, webPreferences = {}) {
    const window = new BrowserWindow({
      show: false,
      webPreferences: { session: sessionNamed(partition), sandbox: true, ...webPreferences },
    });
    windows.set(name, window);
  },

  load: (name) => windows.get(name).loadFile(page),

  loadURL: (name, url) => windows.get(name).loadURL(url),

  evaluate,

  /** Whether the page and a frame in it have the API. */
  async frames(name) {
    const { mainFrame } = windows.get(name).webContents;
    await mainFrame.executeJavaScript(`new Promise((resolve) => {
      const frame = document.createElement('iframe');
      frame.src = 'page.html';
      frame.onload = resolve;
      document.body.append(frame);
    }).then(() => {})`);
    const code = "typeof chrome === 'object' && 'sockets' in chrome";
    return Promise.all(mainFrame.framesInSubtree.map((frame) => frame.executeJavaScript(code)));
  },

  async reload(name) {
    const { webContents } = windows.get(name);
    const loaded = new Promise((resolve) => webContents.once('did-finish-load', resolve));
    webContents.reload();
    await loaded;
  },

  close(name) {
    windows.get(name).destroy();
    windows.delete(name);
  },

  async crash(name) {
    const { webContents } = windows.get(name);
    const gone = new Promise((resolve) => webContents.once('render-process-gone', resolve));
    webContents.forcefullyCrashRenderer();
    await gone;
  },

  preloads: (partition) => sessionNamed(partition).getPreloads(),
  preload: () => preload,

  /** A web server on loopback. */
  startWeb: () =>
    new Promise((resolve) => {
      const server = http.createServer((_request, response) => response.end('<p>from the web'));
      server.listen(0, '127.0.0.1', () => resolve(server.address().port));
    }),

  memory: () => process.memoryUsage().rss,

  /** In the main process itself. */
  main: (code) => new Function('require', `return ${code}`)(require),
};

process.on('message', ({ id, command, args }) => {
  Promise.resolve()
    .then(() => commands[command](...args))
    .then(
      (value) => process.send({ id, value }),
      (error) => process.send({ id, error: String(error?.stack ?? error) }),
    );
});
process.on('disconnect', () => app.exit());
// Electron would show it in a window and wait.
process.on('uncaughtException', (error) => {
  console.error(error);
  app.exit(1);
});
app.on('window-all-closed', () => {});
void app.whenReady().then(() => process.send({ id: 0 }));
