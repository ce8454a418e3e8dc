/** Drives a real Chromium: the side whose transcripts are the truth. */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ManifestRefused, openWithSockets } from '../support/chromium.mjs';
import { MANIFEST_REFUSED } from './transcript.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Makes a home directory in which Chromium trusts the authority. */
export function makeTrustingHome(directory, authorityPath) {
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

/** Writes the scenarios and their runner into an extension. */
function fill(extension, subjects) {
  for (const file of ['worker.mjs', 'context.mjs', 'context', 'scenarios']) {
    cpSync(join(here, file), join(extension, file), { recursive: true });
  }
  const imports = subjects.map((name, index) => `import s${index} from './scenarios/${name}.mjs';`);
  const members = subjects.map((name, index) => `${JSON.stringify(name)}: s${index}`);
  const list = `export const subjects = { ${members.join(', ')} };`;
  writeFileSync(join(extension, 'subjects.mjs'), [...imports, list, ''].join('\n'));
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
    /** The console output since the last call, once it has certainly arrived. */
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
  const directory = mkdtempSync(join(tmpdir(), 'conformance-'));
  makeTrustingHome(directory, authorityPath);
  const { context, load } = await openWithSockets({
    directory,
    name: 'conformance',
    fill: (extension) => fill(extension, subjects),
    ready: 'conformance',
    env: { ...process.env, HOME: directory },
  });
  let worker;
  let watched;
  let loaded;
  const loadWith = async (manifest) => {
    if (worker && loaded === JSON.stringify(manifest)) return;
    worker = await load(manifest);
    watched = await watchConsole(context);
    loaded = JSON.stringify(manifest);
  };

  return {
    version: context.browser().version(),

    async run({ subject, name, environment, manifest }, answer) {
      try {
        await loadWith(manifest);
      } catch (error) {
        if (!(error instanceof ManifestRefused)) throw error;
        worker = undefined;
        return { lines: [MANIFEST_REFUSED], messages: [] };
      }
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
