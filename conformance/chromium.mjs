/** Drives a real Chromium: the side whose transcripts are the truth. */

import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import {
  accessSync,
  constants,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = fileURLToPath(new URL('.', import.meta.url));

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

/** Makes a home directory in which Chromium trusts the authority. */
function makeTrustingHome(directory, authorityPath) {
  const database = join(directory, '.pki', 'nssdb');
  mkdirSync(database, { recursive: true });
  try {
    execFileSync('certutil', ['-d', `sql:${database}`, '-N', '--empty-password']);
    const trust = ['-A', '-t', 'C,,', '-n', 'conformance', '-i', authorityPath];
    execFileSync('certutil', ['-d', `sql:${database}`, ...trust]);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new Error('No certutil found. Install it (Debian: apt-get install libnss3-tools).', {
      cause: error,
    });
  }
}

/** Writes an extension that may use the API; Chromium allowlists it by the hash of its key. */
function writeExtension(directory, subjects) {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  mkdirSync(directory);
  const manifest = {
    manifest_version: 3,
    name: 'conformance',
    version: '1',
    key: key.toString('base64'),
    background: { service_worker: 'worker.mjs', type: 'module' },
    sockets: { tcp: { connect: '*' } },
  };
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
  for (const file of ['worker.mjs', 'context.mjs', 'scenarios']) {
    cpSync(join(here, file), join(directory, file), { recursive: true });
  }
  const imports = subjects.map((name, index) => `import s${index} from './scenarios/${name}.mjs';`);
  const members = subjects.map((name, index) => `${JSON.stringify(name)}: s${index}`);
  const list = `export const subjects = { ${members.join(', ')} };`;
  writeFileSync(join(directory, 'subjects.mjs'), [...imports, list, ''].join('\n'));

  const hash = createHash('sha256').update(key).digest('hex').slice(0, 32);
  return hash.replace(/./g, (digit) => String.fromCharCode(97 + parseInt(digit, 16)));
}

/** The worker's own DevTools session: the only place where Chromium's error texts appear. */
async function watchConsole(context) {
  const session = await context.browser().newBrowserCDPSession();
  const { targetInfos } = await session.send('Target.getTargets');
  const target = targetInfos.find(({ type }) => type === 'service_worker');
  const { sessionId } = await session.send('Target.attachToTarget', {
    targetId: target.targetId,
    flatten: false,
  });

  let messages = [];
  const marks = new Map();
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { method, params } = JSON.parse(message);
    if (method === 'Log.entryAdded') {
      messages.push({ kind: 'console', level: params.entry.level, text: params.entry.text });
    } else if (method === 'Runtime.consoleAPICalled') {
      const texts = params.args.map(({ value, description }) => value ?? description);
      const mark = marks.get(texts[0]);
      if (mark) mark();
      else messages.push({ kind: 'console', level: params.type, text: texts.join(' ') });
    } else if (method === 'Runtime.exceptionThrown') {
      const { text, exception } = params.exceptionDetails;
      const rejected = text.includes('in promise');
      const thrown = exception.description ?? JSON.stringify(exception.value);
      messages.push({ kind: rejected ? 'unhandled rejection' : 'uncaught', text: thrown });
    }
  });
  let sent = 0;
  const send = (method, params = {}) => {
    sent += 1;
    const message = JSON.stringify({ id: sent, method, params });
    return session.send('Target.sendMessageToTarget', { sessionId, message });
  };
  await send('Runtime.enable');
  await send('Log.enable');

  return {
    /** Everything said since the last time, once it has certainly arrived. */
    async take() {
      const mark = `mark ${sent}`;
      const seen = new Promise((resolve) => marks.set(mark, resolve));
      await send('Runtime.evaluate', { expression: `console.debug(${JSON.stringify(mark)})` });
      await seen;
      marks.delete(mark);
      const taken = messages;
      messages = [];
      return taken;
    },
  };
}

/**
 * @param {{ subjects: string[], authorityPath: string }} options
 * @returns {Promise<import('./runner.mjs').Side & { version: string }>}
 */
export async function openChromium({ subjects, authorityPath }) {
  const executablePath = findChromium();
  const directory = mkdtempSync(join(tmpdir(), 'conformance-'));
  makeTrustingHome(directory, authorityPath);
  const extension = join(directory, 'extension');
  const id = writeExtension(extension, subjects);

  const context = await chromium.launchPersistentContext(join(directory, 'profile'), {
    executablePath,
    headless: true,
    env: { ...process.env, HOME: directory },
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
  const ready = Date.now() + 10_000;
  while (!(await worker.evaluate(() => 'conformance' in globalThis))) {
    if (Date.now() > ready) throw new Error('The service worker did not start.');
  }
  const watched = await watchConsole(context);

  return {
    version: context.browser().version(),

    async run({ subject, name, environment }, answer) {
      await watched.take();
      await worker.evaluate(
        ([...args]) => globalThis.conformance.start(...args),
        [subject, name, environment],
      );
      for (;;) {
        const message = await worker.evaluate(() => globalThis.conformance.next());
        if (message.lines) return { lines: message.lines, messages: await watched.take() };
        void answer(message.name, message.args).then((reply) =>
          worker
            .evaluate(
              ([request, value]) => globalThis.conformance.answer(request, value),
              [message.request, reply],
            )
            .catch(() => {}),
        );
      }
    },

    async close() {
      await context.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
