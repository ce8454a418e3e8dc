'use strict';

/**
 * A Chrome App in Electron. This file replaces background.js; the app's other files, its manifest
 * included, are unchanged. In an application of your own the second line is
 * `require('chrome-sockets-tcp/electron')`.
 */

const { join } = require('node:path');
const { app, BrowserWindow } = require('electron');
const { serve } = require('../../entry/electron.js');

const folder = join(__dirname, 'app');

void app.whenReady().then(() => {
  const window = new BrowserWindow({ width: 640, height: 440, useContentSize: true });
  serve({ webContents: window.webContents, manifest: join(folder, 'manifest.json') });
  void window.loadFile(join(folder, 'index.html'));
});
