'use strict';

/**
 * `npm run test:leaks` uses and ends many sockets, compares the resources of the process before and
 * after, prints a table, and fails if one has grown beyond its bound.
 */

const { fork, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const net = require('node:net');
const { tmpdir } = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { Worker, parentPort, workerData } = require('node:worker_threads');
const { RUNTIME_THREADS } = require('../support/bounds.js');

const PEERS = 'peers';
const MAX_ATTEMPTS = 50;
const MAX_WORKERS = 4;

/** The time limit of the whole test, in milliseconds. */
const TIME_LIMIT = 120_000;
/** The time for background work to end, in milliseconds. */
const SETTLE_TIMEOUT = 10_000;

const MIB = 1024 * 1024;

// ---- The other end, a process of its own --------------------------------------------------------

async function servePeers() {
  const { createAuthority } = require('../support/certificates.js');
  const authority = await createAuthority();
  const good = await authority.issue({ ips: ['127.0.0.1'] });
  const bad = await authority.issue({ names: ['example.com'] });
  const echo = (/** @type {net.Socket} */ socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  };
  const options = ({ chainPem, keyPem }) => ({ cert: chainPem, key: keyPem });
  const servers = {
    plain: net.createServer(echo),
    secure: tls.createServer(options(good), echo),
    untrusted: tls.createServer(options(bad), echo),
    refusing: net.createServer(),
  };
  const ports = {};
  for (const [name, server] of Object.entries(servers)) {
    server.on('tlsClientError', () => {});
    server.listen({ port: 0, host: '127.0.0.1', backlog: 511 });
    await once(server, 'listening');
    ports[name] = server.address().port;
  }
  servers.refusing.close();
  process.on('disconnect', () => process.exit());
  process.send({ ports, authority: authority.certificatePem });
}

// ---- Repeated actions ---------------------------------------------------------------------------

const DATA = new Uint8Array(1000).buffer;

/** @returns {typeof import('../index.js')} */
const module_ = () => require('../index.js');

/** @type {Map<number, (event: { data?: ArrayBuffer }) => void>} */
const receivers = new Map();

function listen() {
  const tcp = module_();
  for (const event of [tcp.onReceive, tcp.onReceiveError]) {
    event.addListener((info) => receivers.get(info.socketId)?.(info));
  }
}

/**
 * @param {string} method
 * @param {...any} args
 * @returns {Promise<any>} The first argument of the callback.
 */
function call(method, ...args) {
  return new Promise((resolve) => {
    module_()[method](...args, (value) => {
      void require('../entry/runtime.js').lastError;
      resolve(value);
    });
  });
}

/**
 * @param {unknown} actual
 * @param {unknown} expected
 */
function expect(actual, expected) {
  if (actual !== expected) throw new Error(`expected ${expected}, found ${actual}`);
}

async function converse(socketId) {
  let received = 0;
  const echoed = new Promise((resolve, reject) => {
    receivers.set(socketId, ({ data }) => {
      if (!data) return reject(new Error('the connection has ended'));
      received += data.byteLength;
      if (received === DATA.byteLength) resolve(undefined);
    });
  });
  expect((await call('send', socketId, DATA)).bytesSent, DATA.byteLength);
  await echoed;
  receivers.delete(socketId);
  await call('close', socketId);
}

async function plainConversation({ plain }) {
  const { socketId } = await call('create', { name: 'a name' });
  expect(await call('connect', socketId, '127.0.0.1', plain), 0);
  await converse(socketId);
}

async function secured(port) {
  const { socketId } = await call('create', {});
  await call('setPaused', socketId, true);
  expect(await call('connect', socketId, '127.0.0.1', port), 0);
  return { socketId, code: await call('secure', socketId) };
}

async function secureConversation({ secure }) {
  const { socketId, code } = await secured(secure);
  expect(code, 0);
  await call('setPaused', socketId, false);
  await converse(socketId);
}

async function failedConnect({ refusing }) {
  const { socketId } = await call('create', {});
  expect(await call('connect', socketId, '127.0.0.1', refusing), -102);
  await call('close', socketId);
}

async function failedHandshake({ untrusted }) {
  expect((await secured(untrusted)).code, -200);
}

async function terminatedWorker({ plain, secure }) {
  const worker = new Worker(__filename, { workerData: { plain, secure } });
  await once(worker, 'message');
  await worker.terminate();
}

/** A worker with sockets that are connected, receiving, sending, encrypted and in the making. */
async function live({ plain, secure }) {
  const tcp = module_();
  const received = once(parentPort, 'received');
  tcp.onReceive.addListener(() => parentPort.emit('received'));
  for (const paused of [false, true]) {
    const { socketId } = await call('create', {});
    await call('setPaused', socketId, paused);
    expect(await call('connect', socketId, '127.0.0.1', plain), 0);
    tcp.send(socketId, new ArrayBuffer(MIB), () => {});
  }
  await secured(secure);
  await received;
  const { socketId } = await call('create', {});
  tcp.connect(socketId, '127.0.0.1', plain, () => {});
  parentPort.postMessage('live');
}

const STAGES = [
  {
    name: 'sockets created, connected, sent, received, closed',
    count: 10_000,
    action: plainConversation,
    atOnce: MAX_ATTEMPTS,
    memory: 4 * MIB,
  },
  {
    name: 'the same, encrypted',
    count: 1000,
    action: secureConversation,
    atOnce: MAX_ATTEMPTS,
    memory: 8 * MIB,
  },
  {
    name: 'connects that fail',
    count: 1000,
    action: failedConnect,
    atOnce: MAX_ATTEMPTS,
    memory: 4 * MIB,
  },
  {
    name: 'handshakes that fail',
    count: 1000,
    action: failedHandshake,
    atOnce: MAX_ATTEMPTS,
    memory: 8 * MIB,
  },
  {
    name: 'workers terminated with live sockets',
    count: 200,
    action: terminatedWorker,
    atOnce: MAX_WORKERS,
    memory: 16 * MIB,
  },
];

// ---- Measured resources ---------------------------------------------------------------------------

/** @returns {string[]} The names of this process's threads. */
function threadNames() {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/task').flatMap((thread) => {
    try {
      return [readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim()];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

function measure() {
  global.gc?.();
  const names = threadNames();
  const runtimeThreads = names.filter((name) => name === 'chrome-sockets').length;
  const count = (folder) => (process.platform === 'linux' ? readdirSync(folder).length : 0);
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return {
    descriptors: count('/proc/self/fd'),
    threads: names.length - runtimeThreads,
    runtimeThreads,
    handles: process.getActiveResourcesInfo(),
    // V8 keeps memory that it has once needed, so the used part counts.
    memory: rss - heapTotal + heapUsed,
  };
}

/**
 * @param {ReturnType<typeof measure>} before
 * @param {ReturnType<typeof measure>} after
 * @param {number} memory
 * @returns {string[]} The resources that have grown.
 */
function growth(before, after, memory) {
  const grown = [];
  if (after.descriptors > before.descriptors) grown.push('descriptors');
  if (after.threads > before.threads) grown.push('threads');
  if (after.runtimeThreads > RUNTIME_THREADS) grown.push('threads of the runtime');
  const handles = [...after.handles];
  for (const handle of before.handles) {
    if (handles.includes(handle)) handles.splice(handles.indexOf(handle), 1);
  }
  if (handles.length > 0) grown.push(`handles (${handles.join(', ')})`);
  if (after.memory > before.memory + memory) grown.push('memory');
  return grown;
}

async function repeat({ action, atOnce }, count, ports) {
  let left = count;
  const work = async () => {
    while (left > 0) {
      left -= 1;
      await action(ports);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function run(stage, ports) {
  // The first rounds allocate permanent resources: threads of the runtime, pools of the allocator,
  // compiled code.
  await repeat(stage, stage.count / 5, ports);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = measure();
  const began = Date.now();
  await repeat(stage, stage.count, ports);
  const took = Date.now() - began;
  const giveUp = Date.now() + SETTLE_TIMEOUT;
  let after = measure();
  while (growth(before, after, stage.memory).length > 0 && Date.now() < giveUp) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    after = measure();
  }
  const mib = (bytes) => `${(bytes / MIB).toFixed(1)} MiB`;
  console.log(
    `${stage.count} ${stage.name}: ${(took / 1000).toFixed(1)} s, ` +
      `descriptors ${before.descriptors} → ${after.descriptors}, ` +
      `threads ${before.threads} → ${after.threads} ` +
      `and ${after.runtimeThreads} of the runtime's (at most ${RUNTIME_THREADS}), ` +
      `memory ${mib(before.memory)} → ${mib(after.memory)} (at most ${mib(stage.memory)} more)`,
  );
  return growth(before, after, stage.memory);
}

async function main() {
  if (!global.gc) throw new Error('node --expose-gc is needed; use npm run test:leaks');
  if (process.platform !== 'linux') {
    console.log('Descriptors and threads are counted on Linux only.');
  }
  setTimeout(() => {
    console.error(`Not done after ${TIME_LIMIT / 1000} s.`);
    process.exit(1);
  }, TIME_LIMIT).unref();

  const folder = mkdtempSync(path.join(tmpdir(), 'chrome-sockets-tcp-leaks-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const peers = fork(__filename, [PEERS], { execArgv: [] });
  const [{ ports, authority }] = await once(peers, 'message');
  process.env.SSL_CERT_FILE = path.join(folder, 'authority.pem');
  writeFileSync(process.env.SSL_CERT_FILE, authority);

  listen();
  let failed = false;
  for (const stage of STAGES) {
    const grown = await run(stage, ports);
    if (grown.length > 0) {
      failed = true;
      console.error(`  has grown: ${grown.join(', ')}`);
    }
  }
  expect((await module_().getSockets()).length, 0);
  peers.disconnect();
  if (failed) process.exitCode = 1;
}

/**
 * glibc gives each thread an arena and keeps freed memory there. That is not a leak, but it would
 * hide one.
 *
 * @returns {number | null} The exit code.
 */
function mainInOneArena() {
  const env = { ...process.env, MALLOC_ARENA_MAX: '1' };
  const args = [...process.execArgv, __filename];
  return spawnSync(process.execPath, args, { env, stdio: 'inherit' }).status;
}

if (workerData) void live(workerData);
else if (process.argv[2] === PEERS) void servePeers();
else if (process.env.MALLOC_ARENA_MAX === '1') void main();
else process.exitCode = mainInOneArena() ?? 1;
