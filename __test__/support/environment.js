'use strict';

/** Environments beside the test's own: worker threads, which own their sockets as pages do. */

const { once } = require('node:events');
const { Worker, parentPort, workerData } = require('node:worker_threads');

const ROLE = 'an environment of its own';

/** @type {Set<Environment>} */
const running = new Set();

/**
 * @typedef {typeof import('./client.js') & { answerAndFreeze: (value: any) => never }} Client With
 *   a function that answers a run and then blocks the thread until it is terminated.
 */

class Environment {
  #worker = new Worker(__filename, { workerData: ROLE });

  constructor() {
    running.add(this);
  }

  /**
   * Runs a function in the environment.
   *
   * @template T
   * @param {(client: Client, ...args: any[]) => T | Promise<T>} action Serialized, so it cannot use
   *   variables of its scope.
   * @param {...any} args
   * @returns {Promise<T>}
   */
  async run(action, ...args) {
    this.#worker.postMessage({ source: String(action), args });
    const [{ value, error }] = await once(this.#worker, 'message');
    if (error !== undefined) throw new Error(error);
    return value;
  }

  /** Terminates it at once. */
  async terminate() {
    running.delete(this);
    await this.#worker.terminate();
  }

  /** Ends it as soon as its event loop has no more work. */
  async finish() {
    running.delete(this);
    const exited = once(this.#worker, 'exit');
    this.#worker.postMessage('finish');
    await exited;
  }
}

async function terminateEnvironments() {
  await Promise.all([...running].map((environment) => environment.terminate()));
}

function serve() {
  const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
  const client = {
    ...require('./client.js'),
    answerAndFreeze(/** @type {any} */ value) {
      port.postMessage({ value });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  };
  port.on('message', async (message) => {
    if (message === 'finish') {
      port.close();
      return;
    }
    try {
      const action = new Function(`return ${message.source}`)();
      port.postMessage({ value: await action(client, ...message.args) });
    } catch (error) {
      port.postMessage({ error: /** @type {Error} */ (error).stack });
    }
  });
}

if (workerData === ROLE) serve();

module.exports = { Environment, terminateEnvironments };
