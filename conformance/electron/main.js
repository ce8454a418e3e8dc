'use strict';

/**
 * The Electron app whose page performs scenarios: sandboxed and isolated, as Electron's pages are
 * by default. With WITH_NODE it is one with Node, which loads the module itself.
 */

const { join, normalize } = require('node:path');
const { app, BrowserWindow, ipcMain, protocol, session } = require('electron');
const { manifestOf } = require('./manifest.js');

const HERE = join(__dirname, '..');
const PAGE = 'conformance://suite/electron/page.html';

/** The permissions of scenarios without a manifest. */
const EVERYTHING = { sockets: { tcp: { connect: '' }, tcpServer: { listen: '' } } };

const withNode = process.env.WITH_NODE === '1';

protocol.registerSchemesAsPrivileged([
  { scheme: 'conformance', privileges: { standard: true, secure: true } },
]);

async function start() {
  protocol.registerFileProtocol('conformance', ({ url }, callback) => {
    callback(join(HERE, normalize(new URL(url).pathname)));
  });
  const window = new BrowserWindow({
    show: false,
    webPreferences: {
      preload: join(__dirname, 'preload.js'),
      ...(withNode
        ? {
            nodeIntegration: true,
            contextIsolation: false,
            sandbox: false,
            additionalArguments: ['--with-node'],
          }
        : { sandbox: true }),
    },
  });
  window.webContents.on('console-message', (_event, _level, message) => console.log(message));
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    process.send({ lines: [`FAILED: the page has ${reason}`], messages: [] });
  });

  let application;
  let served;
  /** A fresh page, with an application of the manifest. */
  const serve = async (manifest) => {
    if (served === manifest || (served && withNode)) return;
    served = undefined;
    if (!withNode) {
      application?.close();
      application = require('../../entry/electron.js').serve({
        session: session.defaultSession,
        schemes: ['conformance'],
        manifest: manifestOf(manifest),
      });
    }
    await window.loadURL(PAGE);
    served = manifest;
  };

  const run = async (request) => {
    try {
      await serve(request.manifest ?? EVERYTHING);
    } catch {
      process.send({ lines: ['the manifest is refused'], messages: [] });
      return;
    }
    window.webContents.send('from-driver', { run: request });
  };

  let ready = false;
  ipcMain.on('to-driver', (_event, message) => {
    if (message.ready) ready = true;
    else process.send(message);
  });
  await serve(EVERYTHING);
  if (!ready) throw new Error('the page did not start');
  process.on('message', (message) => {
    if (message.run) void run(message.run);
    else window.webContents.send('from-driver', message);
  });
  process.on('disconnect', () => app.exit());
  process.send({ ready: true });
}

app
  .whenReady()
  .then(start)
  .catch((error) => {
    console.error(error);
    app.exit(1);
  });
