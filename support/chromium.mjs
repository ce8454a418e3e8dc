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

/** @returns {string} the browser's path; throws an error that says what to install */
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

/** Chromium's error about a manifest that it refuses. */
export class ManifestRefused extends Error {}

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
 * @param {string[]} [options.args] More of its command line.
 */
export async function openWithSockets({ directory, name, fill, ready, env, args = [] }) {
  const executablePath = findChromium();
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  const extension = join(directory, 'extension');
  mkdirSync(extension);
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
      '--enable-unsafe-extension-debugging',
      `--allowlisted-extension-id=${id}`,
      ...args,
    ],
  });
  const session = await /** @type {any} */ (context.browser()).newBrowserCDPSession();
  const { manifest, members } = fixedMembers(name, key);
  let loaded = false;

  /**
   * Loads the extension, in place of the previous one.
   *
   * @param {object | string} [own] The manifest's members that matter, or their text: a JSON object.
   * @returns {Promise<import('playwright-core').Worker>} Its service worker; rejects with a
   *   ManifestRefused if Chromium does not like the manifest.
   */
  async function load(own = ALL_ALLOWED) {
    if (loaded) await session.send('Extensions.uninstall', { id });
    loaded = false;
    await until(() => context.serviceWorkers().length === 0, 'The service worker did not end.');
    const text = typeof own === 'string' ? own : JSON.stringify({ ...manifest, ...own });
    const whole = typeof own === 'string' ? text.replace(/\}\s*$/, `, ${members} }`) : text;
    writeFileSync(join(extension, 'manifest.json'), whole);
    try {
      await session.send('Extensions.loadUnpacked', { path: extension });
    } catch (/** @type {any} */ error) {
      const [, words] = error.message.match(/\(Extensions\.loadUnpacked\): (.*)/s) ?? [];
      throw words === undefined ? error : new ManifestRefused(words, { cause: error });
    }
    loaded = true;
    await until(() => context.serviceWorkers().length > 0, 'The service worker did not start.');
    const [worker] = context.serviceWorkers();
    await until(
      () => worker.evaluate((global) => global in globalThis, ready),
      'The service worker is not ready.',
    );
    return worker;
  }

  return { context, load };
}

const ALL_ALLOWED = { sockets: { tcp: { connect: '*' }, tcpServer: { listen: '*' } } };

/**
 * The common members of manifests.
 *
 * @param {string} name
 * @param {Buffer} key
 */
function fixedMembers(name, key) {
  const manifest = {
    manifest_version: 3,
    name,
    version: '1',
    key: key.toString('base64'),
    background: { service_worker: 'worker.mjs', type: 'module' },
  };
  return { manifest, members: JSON.stringify(manifest).slice(1, -1) };
}

/**
 * @param {() => boolean | Promise<boolean>} condition
 * @param {string} complaint
 */
async function until(condition, complaint) {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(complaint);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
