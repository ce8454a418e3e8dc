/** Runs the workloads of sides/sockets.js in a real Chromium, on its own chrome.sockets.tcp. */

import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { findChromium } from '../conformance/chromium.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

/** A measurement takes much longer than in Node to vary as little. */
const ROUNDS = 3;

/** One of our CommonJS files as a module for the extension. */
function asModule(path) {
  const source = readFileSync(join(here, path), 'utf8').replace("'use strict';", '');
  return `const module = { exports: {} };\n${source}\nexport default module.exports;\n`;
}

const WORKER = `
import meter from './meter.mjs';
import sockets from './sockets.mjs';

const unknown = () => NaN;
const gauges = { threadCpu: unknown, processCpu: unknown, loopDelays: () => [] };
globalThis.measure = async (parameters) => {
  const own = new meter.Meter({ ...parameters, gauges });
  const listeners = { receive: [], receiveError: [] };
  const record = (event, list) => ({
    addListener(listener) {
      list.push(listener);
      event.addListener(listener);
    },
  });
  const tcp = Object.create(chrome.sockets.tcp, {
    onReceive: { value: record(chrome.sockets.tcp.onReceive, listeners.receive) },
    onReceiveError: { value: record(chrome.sockets.tcp.onReceiveError, listeners.receiveError) },
  });
  try {
    return await sockets.run(tcp, parameters, own, unknown);
  } finally {
    // The worker outlives the measurement; its listeners and sockets must not.
    for (const listener of listeners.receive) chrome.sockets.tcp.onReceive.removeListener(listener);
    for (const listener of listeners.receiveError) {
      chrome.sockets.tcp.onReceiveError.removeListener(listener);
    }
    const open = await new Promise((resolve) => chrome.sockets.tcp.getSockets(resolve));
    for (const { socketId } of open) {
      await new Promise((resolve) => chrome.sockets.tcp.close(socketId, resolve));
    }
  }
};
`;

function writeExtension(directory) {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  mkdirSync(directory);
  const files = {
    'manifest.json': JSON.stringify({
      manifest_version: 3,
      name: 'bench',
      version: '1',
      key: key.toString('base64'),
      background: { service_worker: 'worker.mjs', type: 'module' },
      sockets: { tcp: { connect: '*' } },
    }),
    'worker.mjs': WORKER,
    'meter.mjs': asModule('meter.js'),
    'sockets.mjs': asModule('sides/sockets.js'),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 32);
  return hash.replace(/./g, (digit) => String.fromCharCode(97 + parseInt(digit, 16)));
}

/** A side for run.js. */
export async function openChromium() {
  const executablePath = findChromium();
  const directory = mkdtempSync(join(tmpdir(), 'bench-chromium-'));
  const extension = join(directory, 'extension');
  const id = writeExtension(extension);
  const context = await chromium.launchPersistentContext(join(directory, 'profile'), {
    executablePath,
    headless: true,
    ignoreDefaultArgs: ['--disable-extensions'],
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-dev-shm-usage',
      `--allowlisted-extension-id=${id}`,
      `--load-extension=${extension}`,
      `--disable-extensions-except=${extension}`,
    ],
  });
  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker'));
  const deadline = Date.now() + 10_000;
  while (!(await worker.evaluate(() => 'measure' in globalThis))) {
    if (Date.now() > deadline) throw new Error('The service worker did not start.');
  }
  return {
    name: 'chromium',
    version: context.browser().version(),
    rounds: ROUNDS,
    applies: (workload) => workload.chromium === true,
    measure: (parameters) => worker.evaluate((input) => globalThis.measure(input), parameters),
    async close() {
      await context.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
