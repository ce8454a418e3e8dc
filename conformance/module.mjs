/** Drives the module in a child process: the side that must match Chromium. */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { forkOverTcp } from './bridge.mjs';

const host = fileURLToPath(new URL('module-host.mjs', import.meta.url));

/**
 * Starts the host as `fork()` does, with its channel.
 *
 * @param {string} script
 * @param {{ execPath: string, execArgv: string[], env: NodeJS.ProcessEnv }} options
 */
function forkHere(script, options) {
  const child = fork(script, { ...options, stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
  let complaint = '';
  child.stderr.on('data', (data) => (complaint += data));
  return { child, complaint: () => complaint };
}

/**
 * @param {object} options
 * @param {string} options.authorityPath
 * @param {string[]} [options.runtime] The command of another runtime than this Node.
 * @param {boolean} [options.bridge] Whether the runtime needs its messages over TCP.
 * @returns {Promise<import('./runner.mjs').Side>}
 */
export async function openModule({ authorityPath, runtime = [process.execPath], bridge }) {
  const [execPath, ...execArgv] = runtime;
  const start = bridge ? forkOverTcp : forkHere;
  const { child, complaint } = await start(host, {
    execPath,
    execArgv,
    // Electron is a Node with that variable.
    env: { ...process.env, SSL_CERT_FILE: authorityPath, ELECTRON_RUN_AS_NODE: '1' },
  });
  const gone = new Promise((resolve) => {
    const end = () => {
      const status = child.signalCode ?? child.exitCode;
      resolve({ exited: `the process ended with ${status}\n${complaint()}` });
    };
    if (child.exitCode === null && child.signalCode === null) child.once('exit', end);
    else end();
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
