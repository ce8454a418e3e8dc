/** A real Chromium with `chrome.sockets.tcp`, for the conformance suite and the benchmarks. */

import { createHash, generateKeyPairSync } from 'node:crypto';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/opt/google/chrome/chrome',
];

/** @returns {string} the browser's path; throws with what to install where there is none */
export function findChromium() {
  const named = process.env.CHROMIUM_PATH;
  for (const path of named ? [named] : USUAL_PLACES) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next candidate may be there.
    }
  }
  throw new Error(
    named
      ? `CHROMIUM_PATH is ${named}, which cannot be run.`
      : 'No Chromium found. Install one (Debian: apt-get install chromium) or name it in CHROMIUM_PATH.',
  );
}

/**
 * Starts a Chromium whose only extension may use the API: the command line puts it on the allowlist,
 * by the hash of its key.
 *
 * @param {object} options
 * @param {string} options.directory Where the extension and the profile are put; it exists.
 * @param {string} options.name Of the extension.
 * @param {(extension: string) => void} options.fill Puts the extension's files into its folder,
 *   among them `worker.mjs`, the service worker.
 * @param {string} options.ready The global that the worker has when it is ready.
 * @param {NodeJS.ProcessEnv} [options.env] Chromium's environment.
 */
export async function openWithSockets({ directory, name, fill, ready, env }) {
  const executablePath = findChromium();
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  const extension = join(directory, 'extension');
  mkdirSync(extension);
  const manifest = {
    manifest_version: 3,
    name,
    version: '1',
    key: key.toString('base64'),
    background: { service_worker: 'worker.mjs', type: 'module' },
    sockets: { tcp: { connect: '*' } },
  };
  writeFileSync(join(extension, 'manifest.json'), JSON.stringify(manifest));
  fill(extension);
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 32);
  const id = hash.replace(/./g, (digit) => String.fromCharCode(97 + parseInt(digit, 16)));

  const context = await chromium.launchPersistentContext(join(directory, 'profile'), {
    executablePath,
    headless: true,
    env,
    ignoreDefaultArgs: ['--disable-extensions'],
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
      `--allowlisted-extension-id=${id}`,
      `--load-extension=${extension}`,
      `--disable-extensions-except=${extension}`,
    ],
  });
  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker'));
  const deadline = Date.now() + 10_000;
  while (!(await worker.evaluate((global) => global in globalThis, ready))) {
    if (Date.now() > deadline) throw new Error('The service worker did not start.');
  }
  return { context, worker };
}
