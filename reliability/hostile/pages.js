'use strict';

/**
 * Pages that send the main process the messages that harm it most. They are processes of their own that
 * post without the module's half of a page, as code in a compromised renderer can.
 */

const { fork } = require('node:child_process');
const { once } = require('node:events');
const { createServer } = require('node:net');
const { join } = require('node:path');

/** @typedef {import('../suite.js').Row} Row */

const MIB = 1024 * 1024;

/** The most calls that a message may have. */
const CALLS = 1024;

/** The time limit of an attack, in milliseconds. */
const TIMEOUT_MS = 90_000;

/** The growth of a process through the messages alone. */
const BASE_GROWTH = 96 * MIB;

/** The longest permitted turn of the event loop in milliseconds: a slice, on a loaded machine. */
const MAX_TURN_MS = 50;

/**
 * @typedef {object} Attack
 * @property {string} what
 * @property {number} grows The permitted growth of the main process, in bytes.
 * @property {string[]} [connect] The patterns of the manifest; none by default.
 * @property {object} [configuration]
 * @property {number} [descriptors] How many the main process may open.
 * @property {(main: MainProcess) => Promise<Omit<Row, 'what'> | void>} perform Returns further
 *   results of the attack.
 */

/** A main process, as hostile pages see it. */
class MainProcess {
  #child;
  #pages = 0;
  /** @type {{ key: string, found: (message: any) => void }[]} */
  #waiting = [];
  /** @type {Map<number, Page>} */
  #open = new Map();
  /** How it has ended, if it has. */
  gone = '';

  /**
   * @param {object} configuration
   * @param {number} [descriptors]
   */
  constructor(configuration, descriptors) {
    const limited = ['sh', '-c', `ulimit -n ${descriptors} && exec "$0" "$@"`, process.execPath];
    const [execPath, ...execArgv] = descriptors ? limited : [process.execPath];
    this.#child = fork(join(__dirname, 'main-process.js'), [JSON.stringify({ configuration })], {
      execPath,
      execArgv,
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
    });
    this.#child.on('message', (/** @type {any} */ message) => {
      if (message.page === undefined) this.#receive(message);
      else this.#open.get(message.page)?.receive(message);
    });
    this.#child.once('exit', (code, signal) => {
      this.gone = `ended with ${signal ?? code}`;
      this.#receive({ gone: this.gone });
      for (const page of this.#open.values()) page.receive({ closed: true });
    });
    this.#child.on('error', () => {});
  }

  /** @param {any} message */
  #receive(message) {
    for (const waiting of this.#waiting.splice(0)) {
      if (message.gone || waiting.key in message) waiting.found(message);
      else this.#waiting.push(waiting);
    }
  }

  /**
   * @param {string} command
   * @param {number} [id]
   * @param {unknown} [message]
   * @returns {Promise<void>} Once it is on its way.
   */
  send(command, id, message) {
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
    const answer = new Promise((found) => this.#waiting.push({ key, found }));
    await this.send(command, argument);
    return answer;
  }

  openPage() {
    const id = (this.#pages += 1);
    const page = new Page(this, id);
    this.#open.set(id, page);
    void this.send('open', id);
    return page;
  }

  kill() {
    this.#child.kill('SIGKILL');
  }
}

/** A page without the module's page half, which can post any message. */
class Page {
  #main;
  #id;
  #wake = () => {};
  #request = 0;
  /** The number of received messages that it has not acknowledged. */
  #unacknowledged = 0;

  /** Whether it acknowledges answers and data. */
  acknowledges = true;
  closed = false;
  answers = 0;
  /** Codes of the answers that failed or `connect` has succeeded with. @type {Map<unknown, number>} */
  codes = new Map();
  /** The sockets that it has made. @type {number[]} */
  sockets = [];

  /**
   * @param {MainProcess} main
   * @param {number} id
   */
  constructor(main, id) {
    this.#main = main;
    this.#id = id;
  }

  /** @param {any} message */
  receive({ message, closed }) {
    if (closed) this.closed = true;
    else {
      const [kind, , code, failure, value] = message;
      this.#unacknowledged += 1;
      if (kind === 0) {
        this.answers += 1;
        const outcome = code ?? failure;
        this.codes.set(outcome, (this.codes.get(outcome) ?? 0) + 1);
        if (typeof value === 'number') this.sockets.push(value);
      }
      if (this.acknowledges && this.#unacknowledged === 1) setImmediate(() => this.#acknowledge());
    }
    this.#wake();
  }

  #acknowledge() {
    void this.post([['received', this.#unacknowledged]]);
    this.#unacknowledged = 0;
  }

  /** @param {unknown} message */
  post(message) {
    return this.closed ? Promise.resolve() : this.#main.send('post', this.#id, message);
  }

  /**
   * Posts one message with calls of one method.
   *
   * @param {number} count
   * @param {string} method
   * @param {...any} args
   */
  call(count, method, ...args) {
    return this.post(Array.from({ length: count }, () => [method, (this.#request += 1), ...args]));
  }

  /** @param {() => boolean} condition */
  async until(condition) {
    while (!this.closed && !condition()) {
      await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
    }
  }

  /**
   * @param {number} count
   * @returns {Promise<void>} Once it has these many sockets or has been ended.
   */
  async create(count, name = '') {
    for (let left = count; left > 0; left -= CALLS) {
      await this.call(Math.min(left, CALLS), 'create', false, name, 4096);
    }
    await this.until(() => this.answers >= count);
  }
}

/** A server that accepts and does not read. */
async function startDeafServer() {
  const server = createServer({ pauseOnConnect: true }, (socket) => socket.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { port, stop: () => server.close() };
}

/** @param {Page} page */
const ended = (page) => ({
  figure: page.closed ? 'ended' : 'served',
  bound: 'ended',
  ok: page.closed,
});

/** @param {Page} page @param {number} count */
const answered = (page, count) => ({
  figure: `${page.answers} of ${count} calls answered`,
  bound: 'all',
  ok: page.answers === count && !page.closed,
});

/** @type {Attack[]} */
const ATTACKS = [
  {
    what: '1,024 getInfo of a socket with a name of 64 MiB',
    grows: BASE_GROWTH + 512 * MIB,
    async perform(main) {
      const page = main.openPage();
      await page.create(1, 'x'.repeat(64 * MIB));
      await page.call(CALLS, 'getInfo', page.sockets[0] ?? 0);
      await page.until(() => page.answers === CALLS + 1);
      return answered(page, CALLS + 1);
    },
  },
  {
    what: '24 sockets with names of 64 MiB',
    grows: BASE_GROWTH + 512 * MIB,
    async perform(main) {
      const page = main.openPage();
      const name = 'x'.repeat(64 * MIB);
      for (let index = 0; index < 24; index++) await page.call(1, 'create', false, name, 4096);
      await page.until(() => page.answers === 24);
      return answered(page, 24);
    },
  },
  {
    what: '1,024 getSockets with 20,480 sockets',
    // The sockets alone make it grow by 84 to 89 MiB, measured three times.
    grows: BASE_GROWTH + 32 * MIB,
    configuration: { maxSockets: 20_480 },
    async perform(main) {
      const page = main.openPage();
      await page.create(20_480);
      page.acknowledges = false;
      await page.call(CALLS, 'getSockets');
      // Another page is served at the same time.
      const other = main.openPage();
      await other.create(1);
      return {
        ...answered(other, 1),
        figure: `another page: ${answered(other, 1).figure}`,
        ok: !other.closed,
      };
    },
  },
  {
    what: '64 denied connects to hosts of a million characters',
    grows: BASE_GROWTH,
    async perform(main) {
      const page = main.openPage();
      await page.create(1);
      const host = 'é.'.repeat(500_000);
      for (let index = 0; index < 64; index++) {
        await page.call(1, 'connect', page.sockets[0], host, 80, 0);
      }
      await page.until(() => page.answers === 65);
      return answered(page, 65);
    },
  },
  {
    what: '1,024 denied connects to the longest hosts that are matched',
    grows: BASE_GROWTH,
    connect: Array.from({ length: 1000 }, (_, index) => `*.example${index}.com`),
    async perform(main) {
      const page = main.openPage();
      await page.create(1);
      await page.call(CALLS, 'connect', page.sockets[0], `${'é'.repeat(250)}.`.repeat(16), 80, 0);
      await page.until(() => page.answers === CALLS + 1);
      return answered(page, CALLS + 1);
    },
  },
  {
    what: '4,001 connections with 4,096 descriptors',
    grows: BASE_GROWTH,
    connect: ['127.0.0.1'],
    configuration: { maxSockets: 4001 },
    descriptors: 4096,
    async perform(main) {
      const server = await startDeafServer();
      const page = main.openPage();
      await page.create(4001);
      for (const socketId of page.sockets) {
        await page.call(1, 'connect', socketId, '127.0.0.1', server.port, 0);
      }
      await page.until(() => page.answers >= page.sockets.length + 4001);
      const { descriptors } = await main.ask('descriptors', 'descriptors', 1024);
      server.stop();
      return {
        figure: `${descriptors} descriptors left, ${page.codes.get(-12) ?? 0} connects fail with -12`,
        bound: '≥ 900 left',
        ok: descriptors >= 900,
      };
    },
  },
  {
    what: '1,500 sockets without maxSockets',
    grows: BASE_GROWTH,
    async perform(main) {
      const page = main.openPage();
      await page.create(1500);
      return {
        figure: `${page.sockets.length} sockets`,
        bound: '1024',
        ok: page.sockets.length === 1024,
      };
    },
  },
  {
    what: '64 messages with a send of 16 Mi empty messages',
    grows: BASE_GROWTH + 512 * MIB,
    async perform(main) {
      const page = main.openPage();
      const count = 16 * MIB;
      const headers = new Int32Array(2 * count);
      for (let index = 0; index < 64; index++) {
        await page.post([['sendGathered', 0, count, headers, new Uint8Array(1)]]);
      }
      await page.until(() => false);
      return ended(page);
    },
  },
  {
    what: '8 Mi sends of a byte to a peer that does not read',
    grows: BASE_GROWTH + 512 * MIB,
    connect: ['127.0.0.1'],
    async perform(main) {
      const server = await startDeafServer();
      const page = main.openPage();
      await page.create(1);
      const [socketId] = page.sockets;
      await page.call(1, 'connect', socketId, '127.0.0.1', server.port, 0);
      await page.call(8, 'send', socketId, new Uint8Array(2 * MIB));
      const headers = Int32Array.from({ length: 2 * CALLS }, (_, index) =>
        index % 2 ? 1 : socketId,
      );
      const sends = ['sendGathered', 100_000, CALLS, headers, new Uint8Array(CALLS)];
      for (let index = 0; index < 8 * CALLS && !page.closed; index++) await page.post([sends]);
      await page.until(() => false);
      server.stop();
      return ended(page);
    },
  },
  {
    what: '8 Mi calls of a page that acknowledges no answer',
    grows: BASE_GROWTH + 192 * MIB,
    async perform(main) {
      const page = main.openPage();
      page.acknowledges = false;
      for (let index = 0; index < 8 * CALLS && !page.closed; index++) {
        await page.call(CALLS, 'getSockets');
      }
      await page.until(() => false);
      return ended(page);
    },
  },
  {
    what: '2 GiB of sends of a page that acknowledges no answer',
    grows: BASE_GROWTH + 320 * MIB,
    async perform(main) {
      const page = main.openPage();
      page.acknowledges = false;
      await page.create(1, 'x'.repeat(4096));
      for (let index = 0; index < 2; index++) await page.call(CALLS, 'getInfo', page.sockets[0]);
      const data = new Uint8Array(16 * MIB);
      for (let index = 0; index < 128; index++) await page.call(1, 'send', page.sockets[0], data);
      await page.until(() => false);
      return ended(page);
    },
  },
  {
    what: '1,000 messages of 1,024 calls of listen()',
    grows: BASE_GROWTH,
    async perform(main) {
      const page = main.openPage();
      const calls = Array.from({ length: CALLS }, (_, index) => [
        'listen',
        'onReceive',
        index % 2 === 0,
      ]);
      for (let round = 0; round < 1000; round++) await page.post(calls);
      await page.create(1);
      return answered(page, 1);
    },
  },
  {
    what: '4,000 pages that send invalid messages',
    grows: BASE_GROWTH,
    async perform(main) {
      const pages = Array.from({ length: 4000 }, () => main.openPage());
      for (const page of pages) {
        await page.create(1);
        await page.post([['received', 2 ** 32 - 1]]);
      }
      await Promise.all(pages.map((page) => page.until(() => false)));
      const count = pages.filter(({ closed }) => closed).length;
      return { figure: `${count} ended`, bound: 'all', ok: count === pages.length };
    },
  },
  {
    what: '64 pages, with 1,024 getSockets of 1,024 sockets each',
    grows: BASE_GROWTH,
    async perform(main) {
      const first = main.openPage();
      await first.create(1024);
      const pages = Array.from({ length: 64 }, () => main.openPage());
      for (const page of pages) {
        page.acknowledges = false;
        await page.call(CALLS, 'getSockets');
      }
      await first.call(1, 'getInfo', first.sockets[0]);
      await first.until(() => first.answers === 1025);
      return answered(first, 1025);
    },
  },
];

/**
 * @param {Attack} attack
 * @returns {Promise<Row>}
 */
async function perform({ what, grows, connect, configuration, descriptors, perform }) {
  const manifest = connect ? { sockets: { tcp: { connect } } } : {};
  const main = new MainProcess({ manifest, ...configuration }, descriptors);
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  try {
    const { begun } = await main.ask('begun', 'begin');
    const late = new Promise((resolve) => (timer = setTimeout(resolve, TIMEOUT_MS, 'late')));
    const outcome = await Promise.race([perform(main), late]);
    const found = await Promise.race([main.ask('peak', 'end'), late]);
    if (outcome === 'late' || found === 'late' || found.gone) {
      const figure = found.gone
        ? `the main process has ${found.gone}`
        : `not done within ${TIMEOUT_MS / 1000} s`;
      return { what, figure, ok: false };
    }
    const grown = found.peak - begun;
    const figure = `+${(grown / MIB).toFixed(0)} MiB, loop held ${found.held.toFixed(0)} ms`;
    const bound = `+${grows / MIB} MiB, ${MAX_TURN_MS} ms`;
    return {
      what,
      figure: [figure, outcome?.figure].filter(Boolean).join(', '),
      bound: [bound, outcome?.bound].filter(Boolean).join(', '),
      ok: grown <= grows && found.held <= MAX_TURN_MS && (outcome?.ok ?? true),
    };
  } finally {
    clearTimeout(timer);
    main.kill();
  }
}

/** @param {import('../suite.js').Options} options */
async function run({ log }) {
  /** @type {Row[]} */
  const rows = [];
  for (const attack of ATTACKS) {
    const row = await perform(attack);
    log(`${row.ok ? 'ok' : 'FAILED'}: ${row.what}: ${row.figure}`);
    rows.push(row);
  }
  return rows;
}

module.exports = { seconds: { short: 240, long: 240 }, run };
