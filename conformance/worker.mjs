/**
 * The temporary extension's service worker: performs scenarios and hands their requests to the
 * peer over to the recorder, which waits for them in `conformance.next()`.
 */

import { perform } from './context.mjs';
import { subjects } from './subjects.mjs';

const outbox = [];
const answers = new Map();
let wake = () => {};
let requests = 0;

function post(message) {
  outbox.push(message);
  wake();
}

function ask(name, args) {
  requests += 1;
  const request = requests;
  return new Promise((resolve, reject) => {
    answers.set(request, { resolve, reject });
    post({ request, name, args });
  });
}

globalThis.conformance = {
  start(subject, name, environment) {
    const scenario = subjects[subject].find((candidate) => candidate.name === name);
    const side = { ...chrome.sockets, runtime: chrome.runtime, ask };
    void perform(scenario, environment, side).then(
      (lines) => post({ lines }),
      (error) => post({ lines: [`FAILED: ${error.stack}`] }),
    );
  },

  async next() {
    while (outbox.length === 0) {
      await new Promise((resolve) => (wake = resolve));
    }
    return outbox.shift();
  },

  answer(request, { value, error }) {
    const { resolve, reject } = answers.get(request);
    answers.delete(request);
    if (error === undefined) resolve(value);
    else reject(new Error(error));
  },
};
