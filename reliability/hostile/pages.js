'use strict';

/** Pages that send to the main process whatever harms it most. */

const { fork } = require('node:child_process');
const { join } = require('node:path');

/** @typedef {import('../suite.js').Row} Row */

const MIB = 1024 * 1024;

/** How long an attack may last, milliseconds. */
const LIMIT = 30_000;

/**
 * @typedef {object} Attack
 * @property {string} what
 * @property {number} grows How many bytes the main process may grow by.
 * @property {number} held For how many milliseconds at a time its event loop may stand still.
 * @property {object} [manifest]
 * @property {object} [configuration]
 * @property {(main: MainProcess) => Promise<void>} perform
 * @property {(main: MainProcess) => Promise<Row>} [check]
 */

/** A main process, as hostile pages see it. */
class MainProcess {
  #child;
  #pages = 0;
  /** @type {{ test: (message: any) => boolean, found: (message: any) => void }[]} */
  #waiting = [];
  /** @type {Map<number, Page>} */
  #open = new Map();
  /** How it has ended, if it has. */
  gone = '';

  /** @param {object} configuration @param {string[]} [wrapper] A program that starts it. */
  constructor(configuration, wrapper = []) {
    const [execPath, ...execArgv] = [...wrapper, process.execPath];
    this.#child = fork(join(__dirname, 'main-process.js'), [JSON.stringify({ configuration })], {
      execPath,
      execArgv,
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
    });
    this.#child.on('message', (/** @type {any} */ message) => {
      if (message.page === undefined) this.#hear(message);
      else this.#open.get(message.page)?.hear(message);
    });
    this.#child.once('exit', (code, signal) => {
      this.gone = `ended with ${signal ?? code}`;
      this.#hear({ gone: this.gone });
      for (const page of this.#open.values()) page.hear({ closed: true });
    });
    this.#child.on('error', () => {});
  }

  /** @param {any} message */
  #hear(message) {
    for (const waiting of this.#waiting.splice(0)) {
      if (message.gone || waiting.test(message)) waiting.found(message);
      else this.#waiting.push(waiting);
    }
  }

  /**
   * @param {string} command
   * @param {number} [id]
   * @param {unknown} [message]
   * @returns {Promise<void>} Once it is on its way.
   */
  tell(command, id, message) {
    if (this.gone) return Promise.resolve();
    return new Promise((resolve) => {
      this.#child.send([command, id, message], () => resolve());
    });
  }

  /**
   * @param {string} key
   * @param {string} command
   * @param {number} [argument]
   * @returns {Promise<any>} The answer that has this key.
   */
  async ask(key, command, argument) {
    if (this.gone) return { gone: this.gone };
    const answer = new Promise((found) => {
      this.#waiting.push({ test: (message) => key in message, found });
    });
    await this.tell(command, argument);
    return answer;
  }

  openPage() {
    const id = (this.#pages += 1);
    const page = new Page(this, id);
    this.#open.set(id, page);
    void this.tell('open', id);
    return page;
  }

  kill() {
    this.#child.kill('SIGKILL');
  }
}

/** A page without the module's own half: it posts what it likes. */
class Page {
  #main;
  #id;
  #answers = 0;
  closed = false;
  /** @type {number[]} The sockets that `create` has made. */
  sockets = [];
  #wake = () => {};

  /** @param {MainProcess} main @param {number} id */
  constructor(main, id) {
    this.#main = main;
    this.#id = id;
  }

  /** @param {any} message */
  hear({ message, closed }) {
    if (closed) this.closed = true;
    else {
      const [kind, , , , value] = message;
      if (kind === 0) this.#answers += 1;
      if (kind === 0 && typeof value === 'number') this.sockets.push(value);
    }
    this.#wake();
  }

  /** @param {unknown} message */
  post(message) {
    return this.#main.tell('post', this.#id, message);
  }

  /** @param {() => boolean} condition */
  async until(condition) {
    while (!this.closed && !condition()) {
      await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
    }
  }

  get answers() {
    return this.#answers;
  }
}

/** @type {Attack[]} */
const ATTACKS = [
  {
    what: '1,000 messages of 1,024 calls of listen()',
    grows: 64 * MIB,
    held: 100,
    async perform(main) {
      const page = main.openPage();
      const calls = Array.from({ length: 1024 }, (_, index) => [
        'listen',
        'onReceive',
        index % 2 === 0,
      ]);
      for (let round = 0; round < 1000; round++) await page.post(calls);
    },
  },
];

/**
 * @param {Attack} attack
 * @returns {Promise<Row[]>}
 */
async function perform({ what, grows, held, manifest = {}, configuration, perform, check }) {
  const main = new MainProcess({ manifest, ...configuration });
  let timer;
  try {
    const { begun } = await main.ask('begun', 'begin');
    const late = new Promise((resolve) => (timer = setTimeout(resolve, LIMIT, 'late')));
    const outcome = await Promise.race([perform(main), late]);
    const found = await Promise.race([main.ask('peak', 'end'), late]);
    if (outcome === 'late' || found === 'late' || found.gone) {
      const figure = found.gone ?? `not done within ${LIMIT / 1000} s`;
      return [{ what, figure, ok: false }];
    }
    const grown = found.peak - begun;
    return [
      {
        what,
        figure: `+${(grown / MIB).toFixed(0)} MiB, loop held ${found.held.toFixed(0)} ms`,
        bound: `+${grows / MIB} MiB, ${held} ms`,
        ok: grown <= grows && found.held <= held,
      },
      ...(check ? [await check(main)] : []),
    ];
  } finally {
    clearTimeout(timer);
    main.kill();
  }
}

async function run() {
  /** @type {Row[]} */
  const rows = [];
  for (const attack of ATTACKS) rows.push(...(await perform(attack)));
  return rows;
}

module.exports = { seconds: { short: 60, long: 120 }, run };
