/** Drives the module in a child process: the side that must match Chromium. */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const host = fileURLToPath(new URL('module-host.mjs', import.meta.url));

/**
 * @param {object} options
 * @param {string} options.authorityPath
 * @param {string[]} [options.runtime] The command of another runtime than this Node.
 * @returns {Promise<import('./runner.mjs').Side>}
 */
export async function openModule({ authorityPath, runtime = [process.execPath] }) {
  const [execPath, ...execArgv] = runtime;
  const child = fork(host, {
    execPath,
    execArgv,
    // Electron is a Node with that variable.
    env: { ...process.env, SSL_CERT_FILE: authorityPath, ELECTRON_RUN_AS_NODE: '1' },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr.on('data', (data) => (complaint += data));
  const gone = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ exited: `the process ended with ${signal ?? code}\n${complaint}` });
    });
  });

  const inbox = [];
  let wake = () => {};
  child.on('message', (message) => {
    inbox.push(message);
    wake();
  });
  const next = async () => {
    while (inbox.length === 0) {
      const exited = await Promise.race([gone, new Promise((resolve) => (wake = resolve))]);
      if (exited) return exited;
    }
    return inbox.shift();
  };

  const first = await next();
  if (first.exited) throw new Error(`The module could not be loaded: ${first.exited}`);

  return {
    async run(request, answer) {
      child.send({ run: request });
      for (;;) {
        const message = await next();
        if (message.exited) {
          return { lines: [`FAILED: ${message.exited}`], messages: [], dead: true };
        }
        if (message.lines) return { lines: message.lines, messages: message.messages };
        void answer(message.name, message.args).then((reply) => {
          if (child.connected) child.send({ request: message.request, reply });
        });
      }
    },

    async close() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
