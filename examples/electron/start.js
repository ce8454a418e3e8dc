'use strict';

/**
 * Starts the example, and a small IRC server for it on this machine, in the Electron that
 * ELECTRON_PATH names, that is installed, or that npx fetches. Arguments are passed to Electron:
 * `npm run example:electron -- --no-sandbox`.
 */

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const { join } = require('node:path');
const { irc } = require('../demo/servers.js');
const { electronPath, NO_ELECTRON } = require('../../support/electron.js');

const HOST = '127.0.0.1';

/** The port that the form of the app shows first. */
const PORT = 6667;

const main = join(__dirname, 'main.js');
const flags = process.argv.slice(2);

/** @returns {Promise<void>} */
async function serveIrc() {
  const server = net.createServer(irc);
  const listening = () => once(server, 'listening');
  try {
    await Promise.all([listening(), server.listen(PORT, HOST)]);
  } catch (/** @type {any} */ { message }) {
    console.log(`Port ${PORT} cannot be used (${message}): enter this port in the window:`);
    await Promise.all([listening(), server.listen(0, HOST)]);
  }
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  console.log(`IRC server: ${HOST}:${port}`);
}

/** @returns {{ command: string, args: string[], isFetched: boolean }} */
function electron() {
  const path = electronPath();
  if (path) {
    const source = process.env.ELECTRON_PATH ? 'ELECTRON_PATH' : 'the package electron';
    console.log(`Electron: ${path} (${source})`);
    return { command: path, args: [main, ...flags], isFetched: false };
  }
  console.log('Electron: npx fetches it, because neither ELECTRON_PATH nor the package is there');
  return { command: 'npx', args: ['--yes', 'electron', main, ...flags], isFetched: true };
}

/** The requirement of Electron that the system lacks. */
function checkSystem() {
  if (process.platform !== 'linux') return;
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (!DISPLAY && !WAYLAND_DISPLAY) {
    console.log('There is no display: Electron needs one, for example that of `xvfb-run -a`.');
  }
  if (process.getuid?.() === 0 && !flags.includes('--no-sandbox')) {
    console.log('Electron refuses to run as root without the argument --no-sandbox.');
  }
}

async function start() {
  await serveIrc();
  const { command, args, isFetched } = electron();
  checkSystem();
  // npx is a script on Windows.
  const shell = isFetched && process.platform === 'win32';
  const child = spawn(command, shell ? args.map((arg) => `"${arg}"`) : args, {
    stdio: 'inherit',
    shell,
  });
  child.on('error', ({ message }) => {
    console.error(`${command} cannot be started (${message}): ${NO_ELECTRON}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (code !== 0) {
      console.error(`${isFetched ? 'npx' : 'Electron'} has ended with ${code ?? signal}.`);
      if (isFetched) console.error(`If npx could not fetch Electron: ${NO_ELECTRON}`);
    }
    process.exit(code ?? 1);
  });
}

void start();
