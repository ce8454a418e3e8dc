'use strict';

/** The app of asar.test.js: its main process and its page each have a conversation with an echo. */

const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { app, BrowserWindow } = require('electron');
const { connect } = require('chrome-sockets-tcp/duplex');
const { serve } = require('chrome-sockets-tcp/electron');

const port = Number(process.env.ASAR_TEST_PORT);

/** The program files below the test's folder that this process has loaded, as the kernel knows them. */
function loadedPrograms() {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  const paths = lines.filter((line) => / r-xp /.test(line)).map((line) => line.slice(73));
  return [...new Set(paths)].filter((path) => path.startsWith(process.env.TMPDIR));
}

async function inMain() {
  const stream = connect({ host: '127.0.0.1', port });
  stream.write('from main');
  const [data] = await once(stream, 'data');
  stream.destroy();
  return data.toString();
}

async function inPage() {
  const window = new BrowserWindow({ show: false, webPreferences: { sandbox: true } });
  serve({
    webContents: window.webContents,
    manifest: { sockets: { tcp: { connect: '127.0.0.1:*' } } },
  });
  await window.loadFile(join(__dirname, 'page.html'));
  return window.webContents.executeJavaScript(`new Promise((resolve, reject) => {
    const { tcp } = chrome.sockets;
    tcp.onReceive.addListener(({ data }) => resolve(new TextDecoder().decode(data)));
    tcp.create({}, ({ socketId }) => tcp.connect(socketId, '127.0.0.1', ${port}, (result) => {
      if (result < 0) reject(new Error(String(result)));
      tcp.send(socketId, new TextEncoder().encode('from the page').buffer, () => {});
    }));
  })`);
}

process.on('disconnect', () => app.exit());
app.whenReady().then(async () => {
  try {
    const [main, page] = [await inMain(), await inPage()];
    process.send({ main, page, loaded: loadedPrograms() });
  } catch (error) {
    process.send({ main: String(error) });
  }
});
