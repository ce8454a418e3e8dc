/** Performs scenarios in a page. */

import { perform } from '../context.mjs';
import { createQuestions } from '../questions.mjs';

const { driver } = globalThis;
if (!driver.withNode && !(driver.sandboxed && driver.isolated)) {
  throw new Error('the page is not sandboxed and isolated');
}
const { chrome } = globalThis;

let messages = [];
const show = (value) => (typeof value === 'string' ? value : String(value));
for (const level of ['error', 'warn', 'log', 'info']) {
  console[level] = (...parts) => {
    messages.push({ kind: 'console', level, text: parts.map(show).join(' ') });
  };
}

const showThrown = (value) => (value instanceof Error ? value.stack : JSON.stringify(value));
addEventListener('error', (event) => {
  messages.push({ kind: 'uncaught', text: showThrown(event.error) });
});
addEventListener('unhandledrejection', ({ reason }) => {
  messages.push({ kind: 'unhandled rejection', text: showThrown(reason) });
});

const { ask, answer } = createQuestions((message) => driver.send(message));

async function run({ subject, name, environment, manifest }) {
  messages = [];
  // Without Node it is the main process's.
  if (driver.withNode && !driver.configure(manifest)) {
    driver.send({ lines: ['the manifest is refused'], messages });
    return;
  }
  const { default: scenarios } = await import(`../scenarios/${subject}.mjs`);
  const scenario = scenarios.find((candidate) => candidate.name === name);
  const side = {
    ...chrome.sockets,
    runtime: chrome.runtime,
    ask,
    // The calls of one tick are one message of a sandboxed page. A crowd would separate them: it takes longer
    // than the main process performs calls in one turn of its event loop (lib/electron/turns.js).
    withoutCrowd: !driver.withNode,
  };
  const lines = await perform(scenario, environment, side);
  driver.send({ lines, messages });
}

driver.listen((message) => {
  if (message.run) void run(message.run);
  else answer(message);
});
driver.send({ ready: true });
