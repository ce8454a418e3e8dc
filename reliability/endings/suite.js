'use strict';

/**
 * Data that `send()` reported as sent arrives, followed by FIN, however the connection ends and
 * whether or not the peer's data was read.
 */

const { fork } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const net = require('node:net');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const tls = require('node:tls');
const { createAuthority } = require('../../support/certificates.js');
const { repeat } = require('../sockets.js');

/** @typedef {import('../suite.js').Row} Line */

/**
 * @typedef {object} Row
 * @property {number} unread Bytes that the peer sends and the client does not read.
 * @property {boolean} paused If false, the peer sends them while the client sends.
 * @property {[count: number, size: number]} sends
 * @property {string} ending
 * @property {boolean} tls
 * @property {'eager' | 'slow' | 'talking'} peer How it reads: at once; little by little, after a while;
 *   like that, and it goes on sending.
 */

/** The time limit of one row, in milliseconds. */
const TIMEOUT_MS = 20_000;
const CONCURRENCY = 6;
const KB = 1000;

const UNREAD = [0, 5, 60 * KB, 300 * KB, 1000 * KB];
/** @type {[number, number][]} */
const SENDS = [
  [1, 6000 * KB],
  [1, 2000 * KB],
  [3, 200 * 1024],
  [100, KB],
  [1, 5],
];
const IN_PROCESS = ['close', 'disconnect', 'duplex.end', 'duplex.destroy'];
const WORKERS = ['worker.terminate', 'worker.exit', 'worker.natural'];
const PROCESSES = ['exit', 'natural'];
const ENDINGS = [...IN_PROCESS, ...WORKERS, ...PROCESSES];
const PEERS = /** @type {const} */ (['eager', 'slow', 'talking']);

/**
 * The exit of a process waits a short time for acknowledgements only. A slow peer that keeps sending
 * gets RST from the kernel and may lose bytes. Chromium's behavior in this case was not recorded.
 *
 * @param {Row} row
 */
const canArrive = ({ ending, peer }) => !(PROCESSES.includes(ending) && peer === 'talking');

/** Every combination that there is. */
function allRows() {
  /** @type {Row[]} */
  const rows = [];
  for (const ending of ENDINGS) {
    for (const unread of UNREAD) {
      for (const paused of [true, false]) {
        for (const sends of SENDS) {
          for (const tls of [false, true]) {
            for (const peer of PEERS) rows.push({ unread, paused, sends, ending, tls, peer });
          }
        }
      }
    }
  }
  return rows.filter(canArrive);
}

/**
 * Every value of each dimension with every ending, and those rows in which much was lost.
 *
 * @returns {Row[]}
 */
function someRows() {
  /** @type {Row[]} */
  const rows = [];
  for (const [index, ending] of ENDINGS.entries()) {
    for (const [step, unread] of UNREAD.entries()) {
      const at = index + step;
      rows.push({
        unread,
        paused: at % 3 !== 0,
        sends: SENDS[at % SENDS.length],
        ending,
        tls: at % 2 === 1,
        peer: PEERS[(index + 2 * step) % (PROCESSES.includes(ending) ? 2 : PEERS.length)],
      });
    }
    rows.push({ unread: 7, paused: true, sends: SENDS[0], ending, tls: false, peer: 'slow' });
    rows.push({ unread: 300 * KB, paused: true, sends: SENDS[1], ending, tls: true, peer: 'slow' });
  }
  return rows;
}

/** @param {Row} row */
const nameOf = ({ unread, paused, sends: [count, size], ending, tls, peer }) =>
  `${ending}, ${unread} unread, ${paused ? 'paused' : 'reading'}, ${count} × ${size}, ` +
  `${tls ? 'TLS' : 'plain'}, ${peer} peer`;

const wait = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The other end of one row. */
class Peer {
  received = 0;
  right = true;
  #greeted = () => {};
  greeted = new Promise((resolve) => (this.#greeted = () => resolve(undefined)));
  #ended = (/** @type {string} */ _how) => {};
  /** How the connection has ended: FIN or the code of an error. @type {Promise<string>} */
  ended = new Promise((resolve) => (this.#ended = resolve));

  /** @param {Row} row */
  constructor(row) {
    this.row = row;
  }

  /** @param {net.Socket} socket */
  serve(socket) {
    this.socket = socket;
    socket.on('data', (data) => this.#take(data));
    socket.once('end', () => {
      this.#ended('FIN');
      socket.end();
    });
    socket.once('error', (/** @type {any} */ error) => this.#ended(error.code));
    socket.once('close', () => this.#ended('closed'));
    socket.pause();
    void this.#greet(socket);
    void this.#read(socket);
  }

  /** @param {Buffer} data */
  #take(data) {
    for (let index = 0; this.right && index < data.length; index++) {
      this.right = data[index] === (this.received + index) % 251;
    }
    this.received += data.length;
  }

  /** @param {net.Socket} socket */
  async #greet(socket) {
    const { unread, paused } = this.row;
    if (paused) {
      let left = () => 0;
      if (unread > 0) {
        socket.write(Buffer.alloc(unread, 'u'));
        left = () => socket.writableLength;
      }
      // All is with the client's kernel, or it takes no more.
      let before;
      do {
        before = left();
        await wait(10);
      } while (left() !== before);
      this.#greeted();
      return;
    }
    this.#greeted();
    // While the client is sending, and a little longer.
    for (let part = 0; part < 10 && !socket.destroyed; part++) {
      socket.write(Buffer.alloc(Math.ceil(unread / 10), 'u'));
      await wait(1);
    }
  }

  /** @param {net.Socket} socket */
  async #read(socket) {
    const { peer } = this.row;
    if (peer === 'eager') {
      socket.resume();
      return;
    }
    await this.greeted;
    await wait(150);
    while (!socket.destroyed && !socket.readableEnded) {
      if (peer === 'talking') socket.write('and another thing');
      socket.resume();
      await wait(2);
      socket.pause();
      await wait(3);
    }
  }
}

/**
 * @param {Row} row
 * @param {{ key: string, cert: string }} identity
 * @param {(job: object) => Promise<unknown>} play
 * @returns {Promise<string | undefined>} The failure, if any.
 */
async function check(row, identity, play) {
  const peer = new Peer(row);
  const server = row.tls
    ? tls.createServer({ ...identity, allowHalfOpen: true }, (socket) => peer.serve(socket))
    : net.createServer({ allowHalfOpen: true }, (socket) => peer.serve(socket));
  const control = net.createServer(async (socket) => {
    socket.on('error', () => {});
    await peer.greeted;
    socket.end('g');
  });
  for (const one of [server, control]) {
    one.listen(0, '127.0.0.1');
    await once(one, 'listening');
  }
  const portOf = (/** @type {any} */ one) => one.address().port;
  const timer = new AbortController();
  const late = new Promise((resolve) => {
    const timeout = setTimeout(resolve, TIMEOUT_MS, 'never');
    timer.signal.addEventListener('abort', () => clearTimeout(timeout));
  });
  try {
    const played = play({ ...row, port: portOf(server), controlPort: portOf(control) });
    const trouble = played.then(
      () => peer.ended,
      (error) => `the client has failed: ${error.message}`,
    );
    const how = await Promise.race([trouble, late]);
    const [count, size] = row.sends;
    if (peer.received === count * size && peer.right && how === 'FIN') return undefined;
    return `${nameOf(row)}: ${peer.received} of ${count * size}${peer.right ? '' : ', wrong'}, ${how}`;
  } finally {
    timer.abort();
    peer.socket?.destroy();
    server.close();
    control.close();
  }
}

/** A process that plays rows, one after another. */
class Client {
  /** @param {NodeJS.ProcessEnv} env */
  constructor(env) {
    this.child = fork(join(__dirname, 'client.js'), { env: { ...process.env, ...env } });
    this.child.setMaxListeners(0);
    /** @type {Promise<number | string | null>} */
    this.exited = new Promise((resolve) =>
      this.child.once('exit', (code, signal) => resolve(signal ?? code)),
    );
  }

  /** @param {any} job */
  play(job) {
    this.child.send(job);
    const done = new Promise((resolve) => {
      const listen = (/** @type {number} */ port) => {
        if (port !== job.port) return;
        this.child.off('message', listen);
        resolve(undefined);
      };
      this.child.on('message', listen);
    });
    return Promise.race([done, this.#gone()]);
  }

  async #gone() {
    const code = await this.exited;
    if (code !== 0) throw new Error(`ended with ${code}`);
  }

  kill() {
    this.child.kill('SIGKILL');
  }
}

/** @type {import('../suite.js').Suite} */
module.exports = {
  title: 'sent bytes arrive, however the connection ends',
  seconds: { short: 60, long: 2400 },

  async run({ long, log }) {
    const folder = mkdtempSync(join(tmpdir(), 'endings-'));
    const authority = await createAuthority();
    const { keyPem: key, chainPem: cert } = await authority.issue({ ips: ['127.0.0.1'] });
    const file = join(folder, 'authority.pem');
    writeFileSync(file, authority.certificatePem);
    const env = { SSL_CERT_FILE: file };
    const rows = long ? allRows() : someRows();
    /** @type {Map<string, { rows: number, wrong: string[] }>} */
    const found = new Map(ENDINGS.map((ending) => [ending, { rows: 0, wrong: [] }]));
    const client = new Client(env);
    try {
      let done = 0;
      await repeat(rows.length, CONCURRENCY, async (index) => {
        const row = rows[index];
        const alone = PROCESSES.includes(row.ending);
        const own = alone ? new Client(env) : client;
        const wrong = await check(row, { key, cert }, (job) => own.play(job));
        if (alone) own.kill();
        const result = /** @type {{ rows: number, wrong: string[] }} */ (found.get(row.ending));
        result.rows += 1;
        if (wrong) {
          result.wrong.push(wrong);
          log(wrong);
        }
        done += 1;
        if (done % 100 === 0) log(`${done} of ${rows.length} rows`);
      });
    } finally {
      client.kill();
      rmSync(folder, { recursive: true });
    }
    return Array.from(found, ([ending, { rows, wrong }]) => ({
      what: `${ending}: rows with a lost byte or without FIN`,
      figure: `${wrong.length} of ${rows}`,
      bound: '0',
      ok: wrong.length === 0,
    }));
  },
};
