'use strict';

/** Starts a real Electron with an app, on a display of its own where there is none. */

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { existsSync, mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join } = require('node:path');

const APP = join(__dirname, 'electron-app');

/**
 * @returns {string | undefined} The program that ELECTRON_PATH names, or that of the package
 *   `electron`.
 */
function electronPath() {
  if (process.env.ELECTRON_PATH) return process.env.ELECTRON_PATH;
  try {
    // Outside of Electron the package is the path.
    return /** @type {any} */ (require('electron'));
  } catch {
    return undefined;
  }
}

/** The message without an Electron. */
const NO_ELECTRON =
  'no Electron found: set ELECTRON_PATH to an Electron 22 or newer, or `npm install --no-save electron`';

/**
 * @param {string} path
 * @returns {string[]} How to make it start our app.
 */
function appArguments(path) {
  const resources = join(dirname(path), 'resources');
  // An Electron without the default app starts the app in its own folder, whatever its arguments.
  if (existsSync(join(resources, 'app'))) return [];
  return [APP];
}

/**
 * A display, where a program needs one and has none.
 *
 * @returns {Promise<{ environment: Record<string, string>, close: () => void }>}
 */
async function openDisplay() {
  if (process.platform !== 'linux' || process.env.DISPLAY) {
    return { environment: {}, close() {} };
  }
  const args = ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'];
  const server = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const failed = new Promise((_, reject) => {
    server.once('error', () => reject(new Error('no DISPLAY, and no Xvfb that could make one')));
    server.once('exit', () => reject(new Error('Xvfb has ended')));
  });
  failed.catch(() => {});
  const number = once(/** @type {any} */ (server.stdio[3]), 'data');
  const [data] = await Promise.race([number, failed]);
  return {
    environment: { DISPLAY: `:${String(data).trim()}` },
    close: () => server.kill(),
  };
}

/**
 * @typedef {object} RunningElectron
 * @property {(message: any) => void} send
 * @property {() => Promise<any>} next The next message of the app; `{ exited }` once it has ended.
 * @property {() => Promise<void>} close
 */

/**
 * Starts an app, which communicates over `process.send` and `process.on('message')`.
 *
 * @param {string} main The path of the app's main file.
 * @param {{ environment?: Record<string, string> }} [options]
 * @returns {Promise<RunningElectron>}
 */
async function startElectron(main, { environment = {} } = {}) {
  const path = electronPath();
  if (path === undefined) throw new Error(NO_ELECTRON);
  const display = await openDisplay();
  const isRoot = process.getuid?.() === 0;
  const home = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-electron-'));
  const flags = [
    `--user-data-dir=${home}`,
    ...(isRoot ? ['--no-sandbox'] : []), // Chromium refuses to do without, there
    '--disable-gpu',
    '--disable-dev-shm-usage',
  ];
  const child = spawn(path, [...appArguments(path), ...flags], {
    env: { ...process.env, ...display.environment, ...environment, ELECTRON_APP_MAIN: main },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let said = '';
  child.stdout?.on('data', (data) => (said += data));
  child.stderr?.on('data', (data) => (said += data));
  /** @type {Promise<{ exited: string }>} */
  const gone = new Promise((resolve) => {
    const end = (/** @type {unknown} */ reason) => {
      display.close();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
      resolve({ exited: `Electron ended: ${reason}\n${said}` });
    };
    child.once('error', end);
    child.once('close', (code, signal) => end(signal ?? code));
  });

  /** @type {any[]} */
  const inbox = [];
  let wake = () => {};
  child.on('message', (message) => {
    inbox.push(message);
    wake();
  });
  return {
    send(message) {
      if (child.connected) child.send(message);
    },
    async next() {
      while (inbox.length === 0) {
        const arrived = new Promise((resolve) => (wake = () => resolve(undefined)));
        const exited = await Promise.race([gone, arrived]);
        if (exited) return exited;
      }
      return inbox.shift();
    },
    async close() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

module.exports = { electronPath, startElectron, NO_ELECTRON };
