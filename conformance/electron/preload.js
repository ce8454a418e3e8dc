'use strict';

/** The page's way to the driver, and in a page with Node to the module. */

const { contextBridge, ipcRenderer } = require('electron');

const driver = {
  withNode: process.argv.includes('--with-node'),
  isolated: process.contextIsolated,
  sandboxed: process.sandboxed === true,
  send: (message) => ipcRenderer.send('to-driver', message),
  listen: (listener) => ipcRenderer.on('from-driver', (_event, message) => listener(message)),
};

if (driver.withNode) {
  require('../../entry/register.js');
  const { configure } = require('../../entry/configure.js');
  const { manifestOf } = require('./manifest.js');
  driver.configure = (manifest) => {
    try {
      configure({ manifest: manifestOf(manifest) ?? null });
      return true;
    } catch {
      return false;
    }
  };
}

if (process.contextIsolated) contextBridge.exposeInMainWorld('driver', driver);
else globalThis.driver = driver;
