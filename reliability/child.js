'use strict';

/** Processes that a suite starts, and messages between them. */

const { fork } = require('node:child_process');

/**
 * @typedef {object} Child
 * @property {number} pid
 * @property {(message: any) => void} send
 * @property {() => Promise<any>} receive The next message; an error if it ends first.
 * @property {Promise<{ code: number | null, signal: string | null, at: number }>} ended With the time
 *   at which it had ended, in milliseconds.
 * @property {() => void} kill
 */

/**
 * @param {string} script
 * @param {unknown} job Its argument, as JSON.
 * @param {object} [options]
 * @param {NodeJS.ProcessEnv} [options.env] Added to the current environment.
 * @param {string[]} [options.wrapper] A program, and its arguments, that starts Node: Node and its
 *   arguments follow them.
 * @param {string[]} [options.flags] Flags of Node.
 * @param {boolean} [options.quiet] Whether output on standard error is expected.
 * @returns {Child}
 */
function start(script, job, { env, wrapper = [], flags = [], quiet = false } = {}) {
  const [execPath, ...execArgv] = [...wrapper, process.execPath, '--expose-gc', ...flags];
  const child = fork(script, [JSON.stringify(job)], {
    execPath,
    env: { ...process.env, ...env },
    execArgv,
    stdio: ['ignore', 'inherit', quiet ? 'ignore' : 'inherit', 'ipc'],
  });
  /** @type {any[]} */
  const received = [];
  let wake = () => {};
  child.on('message', (message) => {
    received.push(message);
    wake();
  });
  let gone = '';
  const ended = new Promise((resolve) => {
    child.once('error', (error) => {
      gone = String(error);
      wake();
    });
    child.once('exit', (code, signal) => {
      gone = `ended with ${signal ?? code}`;
      resolve({ code, signal, at: performance.now() });
      // Earlier messages are still in transit.
      setImmediate(() => wake());
    });
  });
  return {
    pid: child.pid ?? 0,
    send: (message) => void child.send(message),
    async receive() {
      while (received.length === 0) {
        if (gone) throw new Error(`${script}: ${gone}`);
        await new Promise((resolve) => (wake = () => resolve(undefined)));
      }
      return received.shift();
    },
    ended: /** @type {Child['ended']} */ (ended),
    kill: () => void child.kill('SIGKILL'),
  };
}

module.exports = { start };
