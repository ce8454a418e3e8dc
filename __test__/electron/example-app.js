'use strict';

/** Drives examples/electron/ or a similar app: evaluates code in its page and takes screenshots. */

const { writeFileSync } = require('node:fs');
const { app, BrowserWindow } = require('electron');

require(process.env.EXAMPLE_MAIN);

app.on('browser-window-created', (_event, window) => {
  window.webContents.once('did-finish-load', () => process.send({ ready: true }));
});

process.on('message', async ({ code, picture }) => {
  const [window] = BrowserWindow.getAllWindows();
  const value = await window.webContents.executeJavaScript(code);
  if (picture) {
    const image = await window.webContents.capturePage();
    writeFileSync(picture, image.toPNG());
    process.send({ value, size: image.getSize() });
  } else {
    process.send({ value });
  }
});
process.on('disconnect', () => app.exit());
