/** The child process in which the module performs scenarios, so that a crash shows as one. */

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { perform } from './context.mjs';
import { createQuestions } from './questions.mjs';
import { MANIFEST_REFUSED } from './transcript.mjs';

const require = createRequire(import.meta.url);
require('../entry/register.js');
const { configure } = require('../entry/configure.js');
const { chrome } = globalThis;

let messages = [];
for (const level of ['error', 'warn', 'log', 'info']) {
  console[level] = (...parts) => {
    const text = parts.map((part) => (typeof part === 'string' ? part : inspect(part))).join(' ');
    messages.push({ kind: 'console', level, text });
  };
}

const showThrown = (value) => (value instanceof Error ? value.stack : JSON.stringify(value));
process.on('uncaughtException', (error) => {
  messages.push({ kind: 'uncaught', text: showThrown(error) });
});
process.on('unhandledRejection', (reason) => {
  messages.push({ kind: 'unhandled rejection', text: showThrown(reason) });
});

/** In the directory of the run, which its starter removes. */
function fileOf(text) {
  const path = join(dirname(process.env.SSL_CERT_FILE), `manifest-${process.pid}.json`);
  writeFileSync(path, text);
  return path;
}

const { ask, answer } = createQuestions((message) => process.send(message));

async function run({ subject, name, environment, manifest }) {
  messages = [];
  try {
    configure({ manifest: typeof manifest === 'string' ? fileOf(manifest) : (manifest ?? null) });
  } catch {
    process.send({ lines: [MANIFEST_REFUSED], messages });
    return;
  }
  const { default: scenarios } = await import(`./scenarios/${subject}.mjs`);
  const scenario = scenarios.find((candidate) => candidate.name === name);
  const side = { ...chrome.sockets, runtime: chrome.runtime, ask };
  const lines = await perform(scenario, environment, side);
  process.send({ lines, messages });
}

process.on('message', (message) => {
  if (message.run) void run(message.run);
  else answer(message);
});
process.on('disconnect', () => process.exit());
process.send({ ready: true });
