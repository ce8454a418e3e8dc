'use strict';

/**
 * Calls between this process and its children: a child answers each command with the result of its
 * handler. The channel does not keep a child alive.
 */

const { spawn } = require('node:child_process');
const { once } = require('node:events');

/**
 * In the child: takes commands.
 *
 * @param {Record<string, (...args: any[]) => unknown>} handlers
 */
function obey(handlers) {
  process.on('message', async (/** @type {any} */ { number, command, args }) => {
    let answer;
    try {
      answer = { number, value: await handlers[command](...args) };
    } catch (error) {
      answer = { number, error: /** @type {Error} */ (error).stack };
    }
    if (process.connected) process.send?.(answer);
  });
  process.send?.({ ready: true });
}

function withResolvers() {
  /** @type {() => void} */
  let resolve = () => {};
  /** @type {(error: Error) => void} */
  let reject = () => {};
  const promise = new Promise((...functions) => {
    [resolve, reject] = /** @type {any} */ (functions);
  });
  return { promise, resolve, reject };
}

/** A child that obeys. */
class Remote {
  #child;
  #next = 0;
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  #open = new Map();
  #output = '';

  /**
   * @param {string[]} command
   * @param {NodeJS.ProcessEnv} env
   */
  constructor(command, env) {
    const [file, ...args] = command;
    this.#child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (data) => (this.#output += data));
    }
    const { promise, resolve: isReady, reject: isNot } = withResolvers();
    /** When it takes commands. */
    this.ready = promise;
    promise.catch(() => {});
    this.#child.on('message', (/** @type {any} */ { ready, number, value, error }) => {
      if (ready) isReady();
      const call = this.#open.get(number);
      this.#open.delete(number);
      if (error) call?.reject(new Error(error));
      else call?.resolve(value);
    });
    const broken = (/** @type {unknown} */ why) => {
      const error = new Error(`the process has ended (${why}) ${this.#output}`);
      isNot(error);
      for (const { reject } of this.#open.values()) reject(error);
      this.#open.clear();
    };
    this.#child.on('error', broken);
    this.#child.on('close', (code, signal) => broken(signal ?? code));
  }

  get pid() {
    return this.#child.pid ?? 0;
  }

  /** Its output, stdout and stderr. */
  get output() {
    return this.#output.trim();
  }

  get hasEnded() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /**
   * @param {string} command
   * @param {...unknown} args
   * @returns {Promise<any>}
   */
  ask(command, ...args) {
    const number = this.#next++;
    // As JSON an undefined one would be null.
    while (args.at(-1) === undefined && args.length > 0) args.pop();
    return new Promise((resolve, reject) => {
      this.#open.set(number, { resolve, reject });
      this.#child.send({ number, command, args }, (error) => {
        if (error) reject(error);
      });
    });
  }

  /** @returns {Promise<string | number>} the exit code or signal */
  async ended() {
    if (!this.hasEnded) await once(this.#child, 'exit');
    return this.#child.signalCode ?? this.#child.exitCode ?? 'nothing';
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#child.kill(signal);
  }
}

// ---- Waiting for conditions --------------------------------------------------------------------

/** @type {(() => void)[]} */
let waiting = [];

function happened() {
  const woken = waiting;
  waiting = [];
  for (const wake of woken) wake();
}

/** @param {() => boolean} condition */
async function until(condition) {
  while (!condition()) await new Promise((resolve) => waiting.push(() => resolve(undefined)));
}

module.exports = { happened, Remote, obey, until };
