/** Runs the workloads of sides/sockets.js in a real Chromium, on its own chrome.sockets.tcp. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openWithSockets } from '../support/chromium.mjs';

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

function fill(extension) {
  const files = {
    'worker.mjs': WORKER,
    'meter.mjs': asModule('meter.js'),
    'sockets.mjs': asModule('sides/sockets.js'),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(extension, name), text);
}

/** A side for run.js. */
export async function openChromium() {
  const directory = mkdtempSync(join(tmpdir(), 'bench-chromium-'));
  const options = { directory, name: 'bench', fill, ready: 'measure' };
  const { context, load } = await openWithSockets(options);
  const worker = await load();
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
