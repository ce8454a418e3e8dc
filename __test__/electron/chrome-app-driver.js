'use strict';

/** examples/chrome-app, driven: evaluates code in a window of the app and takes its picture. */

const { writeFileSync } = require('node:fs');
const { app, BrowserWindow } = require('electron');

const warnings = [];
process.on('warning', ({ message }) => warnings.push(message));

require('../../examples/chrome-app/main.js');

/** The window that shows a page, once it has loaded. */
async function windowOf(page) {
  for (;;) {
    const all = BrowserWindow.getAllWindows();
    const window = all.find(({ webContents }) => webContents.getURL().endsWith(`/${page}`));
    if (window && !window.webContents.isLoading()) return window;
    const contents = window?.webContents ?? app;
    const event = window ? 'did-stop-loading' : 'browser-window-created';
    const changed = new Promise((resolve) => contents.once(event, resolve));
    // A window has no URL before its document has arrived.
    const loads = all.map(
      ({ webContents }) => new Promise((resolve) => webContents.once('did-stop-loading', resolve)),
    );
    await Promise.race([changed, ...loads]);
  }
}

const commands = {
  evaluate: async ({ page, code }) => (await windowOf(page)).webContents.executeJavaScript(code),
  async picture({ page, file }) {
    const image = await (await windowOf(page)).webContents.capturePage();
    writeFileSync(file, image.toPNG());
    return image.getSize();
  },
  async state({ page }) {
    const window = await windowOf(page);
    const { sandbox, contextIsolation, nodeIntegration } =
      window.webContents.getLastWebPreferences();
    return {
      isVisible: window.isVisible(),
      windows: BrowserWindow.getAllWindows().length,
      preferences: { sandbox, contextIsolation, nodeIntegration },
    };
  },
  async close({ page }) {
    (await windowOf(page)).close();
  },
  warnings: () => warnings.splice(0),
};

process.on('message', ({ command, ...args }) => {
  Promise.resolve()
    .then(() => commands[command](args))
    .then(
      (value) => process.send({ value }),
      (error) => process.send({ error: String(error?.stack ?? error) }),
    );
});
process.on('disconnect', () => app.exit());
process.on('uncaughtException', (error) => {
  console.error(error);
  app.exit(1);
});
void app.whenReady().then(() => process.send({ ready: true }));
