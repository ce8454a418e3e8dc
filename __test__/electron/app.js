'use strict';

/**
 * The app of support/electron-windows.js. Each message names one of the functions here; its answer goes
 * back.
 */

const http = require('node:http');
const { join } = require('node:path');
const { app, BrowserWindow, protocol, session } = require('electron');
const { preload, serve } = require('../../entry/electron.js');

/** @type {Map<string, any>} */
const windows = new Map();
/** @type {Map<string, { close: () => void }>} */
const applications = new Map();

const page = join(__dirname, 'page.html');

protocol.registerSchemesAsPrivileged([
  { scheme: 'app', privileges: { standard: true, secure: true } },
]);
const warnings = [];
process.on('warning', ({ message }) => warnings.push(message));
const evaluate = (name, code) => windows.get(name).webContents.executeJavaScript(code);
const sessionNamed = (name) => session.fromPartition(name);

/**
 * The frames in a page. Electron 25 has a frame that moved to another process while it loaded, and of
 * which every property throws.
 */
function childFrames(webContents) {
  return webContents.mainFrame.framesInSubtree.filter((frame) => {
    try {
      return frame.parent;
    } catch {
      return false;
    }
  });
}

const commands = {
  /** Serves a session, or only windows that are open already. */
  serve(name, manifest, names, { pages, ...options } = {}) {
    const target = names
      ? { webContents: names.map((window) => windows.get(window).webContents) }
      : { session: sessionNamed(name) };
    // A function arrives as its code.
    const decides = pages && { pages: new Function('url', 'origin', pages) };
    applications.set(name, serve({ ...target, manifest, ...decides, ...options }));
  },

  stats: (name) => applications.get(name).stats(),

  /** Permits the pages of a window to open others, with these preferences. */
  allowPopups(name, webPreferences) {
    windows.get(name).webContents.setWindowOpenHandler(() => ({
      action: 'allow',
      overrideBrowserWindowOptions: {
        show: false,
        webPreferences: {
          session: windows.get(name).webContents.session,
          sandbox: true,
          ...webPreferences,
        },
      },
    }));
  },

  /** Names the window that a window opens by some code; false if it opens none. */
  async popup(name, code, popupName) {
    let webContents;
    const note = (_event, created) => (webContents = created);
    app.once('web-contents-created', note);
    await evaluate(name, `${code};0`);
    app.off('web-contents-created', note);
    if (!webContents) return false;
    const destroy = () => BrowserWindow.fromWebContents(webContents)?.destroy();
    windows.set(popupName, { webContents, destroy });
    // A document that is written by the opener is there at once, and its loading may never end.
    const { mainFrame } = webContents;
    if (webContents.isLoading() && !['', 'about:blank'].includes(mainFrame.url)) {
      await new Promise((resolve) => webContents.once('did-stop-loading', resolve));
    }
    return true;
  },

  /** Evaluates code in each frame of a window that has a parent. */
  evaluateInFrames(name, code) {
    const frames = childFrames(windows.get(name).webContents);
    return Promise.all(frames.map((frame) => frame.executeJavaScript(code)));
  },

  /** Loads a URL that cannot be loaded. */
  failToLoad: (name, url) =>
    windows
      .get(name)
      .loadURL(url)
      .then(
        () => false,
        () => true,
      ),

  unserve(name) {
    applications.get(name).close();
    applications.delete(name);
  },

  /** The error of serve(); names stand for Electron's objects. */
  complaint(options) {
    const window = [...windows.values()].at(-1);
    const objects = {
      window,
      windows: [window],
      webContents: window?.webContents,
      session: window?.webContents.session,
    };
    const given = Object.entries(options ?? {}).map(([name, value]) => [
      name,
      objects[value] ?? value,
    ]);
    try {
      serve(options && Object.fromEntries(given));
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

  /** Evaluates code though the page may still load. */
  evaluateNow: (name, code) => windows.get(name).webContents.mainFrame.executeJavaScript(code),

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
      const server = http.createServer(({ url }, response) => {
        response.setHeader('content-type', 'text/html');
        if (url === '/sandboxed') {
          response.setHeader('content-security-policy', 'sandbox allow-scripts');
        }
        if (url === '/nothing') response.statusCode = 204;
        response.end(url === '/nothing' ? undefined : '<p>from the web');
      });
      server.listen(0, '127.0.0.1', () => resolve(server.address().port));
    }),

  /** Lets windows of a session load the page from a scheme, standard or not. */
  registerScheme(partition, scheme) {
    sessionNamed(partition).protocol.registerFileProtocol(scheme, ({ url }, callback) => {
      callback({ path: url.endsWith('.js') ? join(__dirname, 'page.js') : page });
    });
  },

  takeWarnings: () => warnings.splice(0),

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
