'use strict';

/**
 * Messages of hostile pages (lib/electron/application.js): whatever can come through a port, in any
 * order, to an application that has real sockets with real peers. Nothing is thrown, a page that is
 * not ended gets each of its answers once, one that is ended hears no more, an honest page beside it
 * is served all the time, and in the end nothing is left.
 */

const { once } = require('node:events');
const { readdirSync } = require('node:fs');
const net = require('node:net');
const tls = require('node:tls');
const v8 = require('node:v8');
const vm = require('node:vm');
const { Application } = require('../../../lib/electron/application.js');
const { COMPLETE, RECEIVE } = require('../../../lib/renderer/requests.js');
const { createAuthority } = require('../../../support/certificates.js');

/** @typedef {import('../fuzz.js').Choices} Random */

/** How long what is owed may take, in milliseconds. */
const PATIENCE = 20_000;

/** How much the heap may grow between the beginning, when everything has run, and the end. */
const MOST_GROWTH = 16 * 1024 * 1024;
const WARM_UP = 20_000;

/** How many messages are sent between two looks at what is owed and how the honest page fares. */
const BETWEEN_CHECKS = 1000;

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc');

const METHODS = [
  'close',
  'connect',
  'create',
  'disconnect',
  'getInfo',
  'getSockets',
  'listen',
  'received',
  'secure',
  'send',
  'sendGathered',
  'setKeepAlive',
  'setNoDelay',
  'setPaused',
  'update',
];
const WITHOUT_ANSWER = new Set(['listen', 'received']);

// ---- Ports --------------------------------------------------------------------------------------

/** A page's port, as the main process sees it, and what came through it. */
class Port {
  closed = false;
  /** @type {Map<string, (event?: unknown) => void>} */
  #listeners = new Map();

  /** @param {(message: any[]) => void} hear */
  constructor(hear) {
    this.hear = hear;
  }

  /**
   * @param {string} event
   * @param {(event?: any) => void} listener
   */
  on(event, listener) {
    this.#listeners.set(event, listener);
  }

  /** @param {any} message */
  postMessage(message) {
    if (this.closed) throw new Error('a message for a page that was ended');
    this.hear(message);
  }

  start() {}

  close() {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => this.say('close'));
  }

  /**
   * @param {string} event
   * @param {unknown} [argument]
   */
  say(event, argument) {
    this.#listeners.get(event)?.(argument);
  }
}

// ---- Values, as the structured clone algorithm leaves them --------------------------------------

const cyclic = /** @type {any[]} */ ([]);
cyclic.push(cyclic);
const sparse = new Array(5000);

const VALUES = [
  ...[
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    1.5,
    NaN,
    Infinity,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
  ],
  ...[
    1n,
    '',
    'x',
    'create',
    'any',
    '\ud800',
    '__proto__',
    'a'.repeat(5000),
    [],
    [[]],
    [1, 2],
    {},
    cyclic,
  ],
  ...[
    { persistent: true },
    new Date(),
    new Date(NaN),
    /x/g,
    new Map([[1, 2]]),
    new Set([1]),
    new Error('e'),
  ],
  ...[
    new ArrayBuffer(0),
    new ArrayBuffer(16),
    new Uint8Array(9),
    new Int32Array(4),
    new Float64Array(2),
  ],
  ...[
    new DataView(new ArrayBuffer(8), 3),
    new Uint8Array(new ArrayBuffer(16), 3, 5),
    new BigInt64Array(2),
  ],
  ...[
    new SharedArrayBuffer(16),
    new Int32Array(new SharedArrayBuffer(16)),
    new Uint8Array(100_000),
  ],
  ...[Object(1), Object('s'), Object(false), sparse, { length: 2 }, JSON.parse('{"__proto__":1}')],
];

/** @type {import('../fuzz.js').Target} */
module.exports = {
  about: 'messages of hostile pages to the main process, with real sockets',
  share: { seconds: 14, inputs: 5_000_000 },

  async start() {
    const authority = await createAuthority();
    const { chainPem, keyPem } = await authority.issue({
      ips: ['127.0.0.1'],
      names: ['localhost'],
    });
    const echo = (/** @type {net.Socket} */ socket) => {
      socket.on('error', () => socket.destroy());
      socket.pipe(socket);
    };
    const flood = (/** @type {net.Socket} */ socket) => {
      socket.on('error', () => socket.destroy());
      socket.resume().end(Buffer.alloc(200_000));
    };
    const servers = [
      net.createServer(echo),
      net.createServer(flood),
      net.createServer((socket) => socket.resetAndDestroy()),
      tls.createServer({ cert: chainPem, key: keyPem }, echo),
      net.createServer(),
    ];
    const ports = [0, 1, 80, 65535, -1, 2 ** 31];
    for (const server of servers) {
      server.on('tlsClientError', () => {});
      server.listen({ port: 0, host: '127.0.0.1', backlog: 511 });
      await once(server, 'listening');
      const { port } = /** @type {net.AddressInfo} */ (server.address());
      ports.push(port, port, port + 65536);
    }
    const [echoPort] = ports.slice(6);
    servers[4].close();

    const { emitWarning } = process;
    let warnings = 0;
    process.emitWarning = () => void (warnings += 1);

    const application = new Application({
      manifest: { sockets: { tcp: { connect: ['127.0.0.1', '*.0.1', 'localhost', 'a.b'] } } },
      ca: [authority.certificatePem],
      maxSockets: null,
    });

    const descriptors = () => readdirSync('/proc/self/fd').length;
    const descriptorsAtFirst = process.platform === 'linux' ? descriptors() : 0;
    let heapAtFirst = 0;
    let pages = 0;
    let messages = 0;
    let checked = 0;
    let answers = 0;

    // ---- A hostile page -------------------------------------------------------------------------

    /** @type {unknown[]} */
    const problems = [];

    function openPage() {
      pages += 1;
      const sockets = [0, -1, 1, 2 ** 31 - 1];
      /** How many answers each request is owed. @type {Map<number, number>} */
      const owed = new Map();
      let unheard = 0;
      const port = new Port(([kind, id, , , value]) => {
        unheard += 1;
        if (kind !== COMPLETE) return;
        answers += 1;
        const left = (owed.get(id) ?? 0) - 1;
        if (left < 0) problems.push(new Error(`request ${id} is answered, and nobody has asked`));
        if (left > 0) owed.set(id, left);
        else owed.delete(id);
        if (typeof value === 'number') sockets.push(value);
      });
      application.addPage(port);
      return {
        port,
        sockets,
        owed,
        /** How many warnings there were when it was opened. */
        warned: warnings,
        /** A call that acknowledges what came, or another one if nothing did. */
        acknowledge() {
          const count = unheard;
          unheard = 0;
          return count > 0 ? ['received', count] : ['listen', 'onReceive', true];
        },
      };
    }

    /** @typedef {ReturnType<typeof openPage>} Page */
    /** @type {Page} */
    let page = openPage();
    /** Pages that are gone, whose sockets are still to end. */
    let nextRequest = 0;

    const bytes = (/** @type {Random} */ random) =>
      new Uint8Array(random.pick([0, 1, 5, 100, 20_000])).fill(7);

    /**
     * What an honest page would say, more or less.
     *
     * @param {Random} random
     * @returns {unknown[]}
     */
    function call(random) {
      const method = random.pick(METHODS);
      const request = random.oneIn(50)
        ? random.pick([0, 2 ** 32 - 1])
        : (nextRequest = (nextRequest + 1) >>> 0);
      const id = random.pick(page.sockets);
      const flag = random.oneIn(2);
      switch (method) {
        case 'create':
        case 'update': {
          const properties = [
            random.pick([undefined, flag]),
            random.pick([undefined, 'name']),
            random.pick([undefined, 0, 100]),
          ];
          return method === 'create'
            ? [method, request, ...properties]
            : [method, request, id, ...properties];
        }
        case 'connect': {
          const host = random.pick([
            '127.0.0.1',
            '127.1',
            'localhost',
            'a.b',
            'b.a',
            '::1',
            'a..b',
            '',
          ]);
          return [
            method,
            request,
            id,
            host === 'a.b' ? 'a b' : host,
            random.pick(ports),
            random.pick([0, 4, 6]),
          ];
        }
        case 'secure':
          return [
            method,
            request,
            id,
            random.pick([undefined, 'tls1.2', 'x']),
            random.pick([undefined, 'tls1.3']),
          ];
        case 'send':
          return [method, request, id, bytes(random)];
        case 'sendGathered': {
          const count = random.pick([0, 1, 2, 9, 12]);
          const headers = new Int32Array(2 * count);
          for (let i = 0; i < count; i++) {
            headers.set([random.oneIn(4) ? random.pick(page.sockets) : id, 3], 2 * i);
          }
          return [method, request, count, headers, new Uint8Array(3 * count)];
        }
        case 'setKeepAlive':
          return [method, request, id, flag, random.pick([undefined, 0, 5, -1])];
        case 'setNoDelay':
        case 'setPaused':
          return [method, request, id, flag];
        case 'listen':
          return [method, random.pick(['onReceive', 'onReceiveError']), flag];
        case 'received':
          return page.acknowledge();
        case 'getSockets':
          return [method, request];
        default:
          return [method, request, id];
      }
    }

    /**
     * @param {Random} random
     * @returns {unknown}
     */
    function message(random) {
      if (random.oneIn(200)) return random.pick(VALUES);
      /** @type {unknown[]} */
      const calls = random.some(4, () => call(random));
      if (random.oneIn(20) && calls.length > 0) {
        const wrong = /** @type {unknown[]} */ (random.pick(calls));
        switch (random.below(4)) {
          case 0:
            wrong[random.below(wrong.length + 2)] = random.pick(VALUES);
            break;
          case 1:
            wrong.splice(random.below(wrong.length + 1), random.below(3), random.pick(VALUES));
            break;
          case 2: {
            const headers = wrong.find((value) => value instanceof Int32Array);
            if (headers) headers[random.below(headers.length || 1)] = random.bits();
            break;
          }
          default:
            calls.splice(random.below(calls.length), 1, random.pick(VALUES));
        }
      }
      if (random.oneIn(2000)) return new Array(1500).fill(['getInfo', 1, 1]);
      return calls;
    }

    /** @param {Random} random */
    function replacePage(random) {
      // What was on the way when the page ended.
      page.port.say('message', { data: message(random) });
      page.port.say('message', { data: [['create', 1]] });
      page = openPage();
    }

    /**
     * @param {Page} page
     * @param {unknown} calls
     */
    function noteOwed({ owed }, calls) {
      if (!Array.isArray(calls)) return;
      for (const call of calls) {
        if (!Array.isArray(call) || WITHOUT_ANSWER.has(call[0])) continue;
        const [method, request, count] = call;
        // Whatever is wrong with these ends the page, and nobody owes it anything.
        if (typeof request !== 'number' || (method === 'sendGathered' && !(count <= 100))) continue;
        for (let i = 0; i < (method === 'sendGathered' ? Number(count) : 1); i++) {
          const id = (request + i) >>> 0;
          owed.set(id, (owed.get(id) ?? 0) + 1);
        }
      }
    }

    // ---- An honest page ---------------------------------------------------------------------------

    /** @type {Map<number, (value: any) => void>} */
    const asked = new Map();
    let heard = 0;
    const honest = new Port(([kind, id, code, data, value]) => {
      if (kind === RECEIVE) {
        // The bytes of others are not its own to look at: it only counts what it has taken in.
        heard += data.byteLength;
      }
      honest.say('message', { data: [['received', 1]] });
      if (kind === COMPLETE) asked.get(id)?.(value ?? code);
    });
    application.addPage(honest);
    let number = 0;
    const ask = (/** @type {string} */ method, /** @type {unknown[]} */ ...args) =>
      new Promise((resolve) => {
        const request = (number += 1);
        asked.set(request, (value) => {
          asked.delete(request);
          resolve(value);
        });
        honest.say('message', { data: [[method, request, ...args]] });
      });

    /**
     * @param {() => unknown} holds
     * @param {() => string} otherwise
     */
    async function until(holds, otherwise) {
      const end = performance.now() + PATIENCE;
      while (!holds()) {
        if (performance.now() > end) throw new Error(otherwise());
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }

    async function serveHonest() {
      honest.say('message', { data: [['listen', 'onReceive', true]] });
      const socketId = await ask('create');
      const connected = await ask('connect', socketId, '127.0.0.1', echoPort, 0);
      if (connected !== 0) throw new Error(`an honest page cannot connect: ${connected}`);
      const before = heard;
      await ask('send', socketId, new Uint8Array(1000));
      await until(
        () => heard >= before + 1000,
        () => 'an honest page hears no echo',
      );
      await ask('close', socketId);
      // Those that have outlived their pages.
      for (const info of await ask('getSockets')) {
        if (info.persistent) await ask('close', info.socketId);
      }
      honest.say('message', { data: [['listen', 'onReceive', false]] });
    }

    return {
      try(random, { expect }) {
        messages += 1;
        // Its calls may have been performed, and have ended it, in a later turn of the event loop.
        if (page.port.closed) replacePage(random);
        const data = message(random);
        noteOwed(page, data);
        /** @type {Port[] | undefined} */
        const extra = random.oneIn(100) ? [new Port(() => {})] : random.pick([[], undefined]);
        page.port.say('message', { data, ports: extra });
        expect(!extra?.some(({ closed }) => !closed), () => 'a port that came along stays open');
        expect(
          warnings - page.warned === Number(page.port.closed),
          () => 'a page is not ended with one warning',
        );
        if (page.port.closed) return;
        if (!random.oneIn(300)) return;
        page.port.say('close');
        replacePage(random);
      },

      // Answers come when the event loop turns.
      batch: 25,

      async between({ expect }) {
        if (messages < checked + BETWEEN_CHECKS) return;
        checked = messages;
        const { owed, port } = page;
        await until(
          () => {
            if (!port.closed && owed.size > 0) port.say('message', { data: [page.acknowledge()] });
            return port.closed || owed.size === 0;
          },
          () => `request ${[...owed.keys()][0]} is never answered`,
        );
        await serveHonest();
        const [problem] = problems.splice(0);
        expect(!problem, () => String(problem));
        if (heapAtFirst === 0 && messages >= WARM_UP) {
          collectGarbage();
          heapAtFirst = process.memoryUsage().heapUsed;
        }
      },

      async end() {
        page.port.say('close');
        await serveHonest();
        const left = await ask('getSockets');
        if (left.length > 0) throw new Error(`${left.length} sockets are left`);
        application.close();
        process.emitWarning = emitWarning;
        for (const server of servers) server.close();
        if (process.platform === 'linux') {
          // The servers' own, the runtime's and the poller's.
          await until(
            () => descriptors() <= descriptorsAtFirst + 8,
            () => `${descriptors()} descriptors, ${descriptorsAtFirst} at first`,
          );
        }
        collectGarbage();
        const growth = process.memoryUsage().heapUsed - heapAtFirst;
        if (heapAtFirst > 0 && growth > MOST_GROWTH) {
          throw new Error(`the heap has grown by ${growth} bytes`);
        }
      },

      figures: () =>
        `${pages} pages, ${answers} answers, ${warnings} pages ended for what they sent`,
    };
  },
};
