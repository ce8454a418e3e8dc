'use strict';

/** A process whose names are looked up by a hostile resolver; the scenario is the argument. */

const { MessageChannel, Worker } = require('node:worker_threads');
const { Application } = require('../../lib/electron/application.js');
const tcp = require('../../index.js');
const runtime = require('../../entry/runtime.js');
const { measureTurns } = require('../event-loop.js');

const { scenario, port, names, limit } = JSON.parse(process.argv[2]);

/** @param {number} milliseconds */
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * @param {string} name
 * @returns {{ socketId: Promise<number>, result: Promise<number | string> }}
 */
function connect(name) {
  /** @type {(id: number) => void} */
  let created = () => {};
  const socketId = new Promise((resolve) => (created = resolve));
  const result = new Promise((resolve) => {
    tcp.create({}, ({ socketId: id }) => {
      created(id);
      tcp.connect(id, `${name}.test`, port, (code) => {
        resolve(code ?? String(runtime.lastError?.message));
      });
    });
  });
  return { socketId, result };
}

/** @returns {Promise<number | undefined>} How long a name takes that is answered at once. */
async function timeOfGood() {
  const begun = performance.now();
  const { result } = connect(`good-${begun.toFixed(0)}`);
  const code = await Promise.race([result, wait(limit)]);
  if (code === undefined) return undefined;
  if (code !== 0) throw new Error(`a good name: ${code}`);
  return performance.now() - begun;
}

/** A page, as far as it looks up names. @param {InstanceType<typeof Application>} application */
function openPage(application) {
  const { port1, port2 } = new MessageChannel();
  const end = application.addPage(/** @type {any} */ (asElectron(port1)));
  /** @type {Map<number, (answer: any) => void>} */
  const waiting = new Map();
  port2.on('message', ([kind, number, code, , value]) => {
    if (kind === 0) waiting.get(number)?.({ code, value });
  });
  let next = 0;
  /** @param {string} method @param {...unknown} args @returns {Promise<any>} */
  const call = (method, ...args) => {
    const number = next++;
    port2.postMessage([[method, number, ...args]]);
    return new Promise((resolve) => waiting.set(number, resolve));
  };
  /** @param {string} name */
  const lookUp = async (name) => {
    const { value } = await call('create', undefined, undefined, undefined);
    return call('connect', value, `${name}.test`, port, 0);
  };
  return { lookUp, end };
}

/** Emits events like Electron's port. @param {import('node:worker_threads').MessagePort} port */
function asElectron(port) {
  return {
    on(/** @type {string} */ event, /** @type {(message: any) => void} */ listener) {
      port.on(event, (/** @type {unknown} */ data) => listener({ data, ports: [] }));
    },
    postMessage: (/** @type {unknown} */ message) => port.postMessage(message),
    start: () => port.start(),
    close: () => port.close(),
  };
}

/** @type {Record<string, () => Promise<object>>} */
const SCENARIOS = {
  async worker() {
    const code = `
      const tcp = require(${JSON.stringify(require.resolve('../../index.js'))});
      for (let index = 0; index < ${names}; index++) {
        tcp.create({}, ({ socketId }) => {
          tcp.connect(socketId, 'silent-' + index + '.test', ${port}, () => {});
          if (index === ${names - 1}) require('node:worker_threads').parentPort.postMessage('asked');
        });
      }`;
    const worker = new Worker(code, { eval: true });
    await new Promise((resolve) => worker.once('message', resolve));
    const beside = await timeOfGood();
    await worker.terminate();
    return { beside, after: await timeOfGood() };
  },

  async pages() {
    const manifest = { sockets: { tcp: { connect: '*' } } };
    const application = new Application({ manifest });
    const [hostile, other] = [openPage(application), openPage(application)];
    for (let index = 0; index < names; index += 1) void hostile.lookUp(`silent-${index}`);
    await wait(500);
    const begun = performance.now();
    const answered = await Promise.race([other.lookUp('good-page'), wait(limit)]);
    const beside = answered && performance.now() - begun;
    hostile.end();
    const again = performance.now();
    const later = await Promise.race([other.lookUp('good-page-again'), wait(limit)]);
    return { beside, after: later && performance.now() - again };
  },

  async close() {
    const connects = Array.from({ length: names }, (_, index) => connect(`silent-${index}`));
    const ids = await Promise.all(connects.map(({ socketId }) => socketId));
    /** @type {(number | string)[]} */
    const told = [];
    for (const { result } of connects) void result.then((code) => told.push(code));
    await wait(200);
    const before = told.length;
    await Promise.all(ids.map((id) => new Promise((closed) => tcp.close(id, () => closed(0)))));
    await wait(200);
    return { before, told };
  },

  async thousands() {
    const takeTurns = measureTurns();
    await wait(500);
    const quiet = takeTurns();
    const codes = await Promise.all(
      Array.from({ length: 4 }, (_, index) => connect(`thousands-${index}`).result),
    );
    return { quiet, attacked: takeTurns(), codes };
  },

  async odd() {
    const codes = await Promise.all(['odd', 'loop'].map((name) => connect(name).result));
    return { codes };
  },

  async late() {
    const { socketId, result } = connect('late');
    const begun = performance.now();
    const id = await socketId;
    await new Promise((resolve) => tcp.close(id, () => resolve(0)));
    const closed = performance.now() - begun;
    const code = await result;
    return { closed, told: performance.now() - begun, code };
  },
};

SCENARIOS[scenario]().then(
  (found) => {
    process.send?.(found, () => process.exit());
  },
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
