'use strict';

/**
 * TLS connections that are cut at every byte of the server's data. During the handshake `secure()`
 * must call back once, with the code of the cut; after it, complete records must be delivered, then
 * the error. A proxy cuts the data of a real server.
 */

const { once } = require('node:events');
const { connect, createServer } = require('node:net');
const { createServer: createTlsServer } = require('node:tls');
const tcp = require('../..');
const { configure } = require('../../entry/configure');
const runtime = require('../../entry/runtime');
const { createAuthority } = require('../../support/certificates');

const TIMEOUT_MS = 5000;
const CONCURRENCY = 16;
/** The sweep stops after this many failures, because each may have taken the whole time limit. */
const MAX_FAILURES = 16;
/** The short form tries a reset at every n-th byte. */
const SAMPLE_INTERVAL = 7;
/** The data of the server after the handshake, each in a record. */
const RECORDS = [10, 100, 1000].map((length) => Buffer.alloc(length, `${length} bytes. `));
const CODES = { FIN: -100, RST: -101 };

/** A server of one version, behind a proxy that cuts. */
class CutServer {
  #sockets = new Set();

  /** @param {'TLSv1.2' | 'TLSv1.3'} version @param {{ key: string, cert: string }} identity */
  static async start(version, identity) {
    const server = new CutServer();
    const tls = createTlsServer({ ...identity, minVersion: version, maxVersion: version });
    tls.on('tlsClientError', () => {});
    tls.on('secureConnection', (socket) => {
      socket.on('error', () => {});
      // It speaks when spoken to, so that the client is through with the handshake.
      socket.once('data', () => {
        const say = ([part, ...rest]) =>
          part ? socket.write(part, () => say(rest)) : socket.end();
        say(RECORDS);
      });
    });
    server.behind = await server.#listen(tls);
    server.proxy = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      server.#pass(socket),
    );
    server.port = await server.#listen(server.proxy);
    server.close = () => {
      tls.close();
      server.proxy.close();
      for (const socket of server.#sockets) socket.destroy();
    };
    return server;
  }

  async #listen(server) {
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.listen({ host: '127.0.0.1', port: 0, backlog: 128 });
    await once(server, 'listening');
    return server.address().port;
  }

  /** Cuts connections by the local port of the client. @type {Map<number, { at: number, how: 'FIN' | 'RST' }>} */
  cuts = new Map();
  /**
   * The server's data in the connection that was not cut, and the client's flights before each
   * part.
   */
  whole = { bytes: Buffer.alloc(0), beforeSecondFlight: 0 };

  #pass(socket) {
    const behind = connect({ host: '127.0.0.1', port: this.behind, noDelay: true });
    this.#sockets.add(behind);
    behind.on('close', () => this.#sockets.delete(behind));
    behind.on('error', () => {});
    const said = [];
    let cut;
    let left;
    const over = () => {
      behind.destroy();
      if (cut?.how === 'RST') socket.resetAndDestroy();
      else socket.end();
    };
    socket.once('data', () => {
      // Not before: only now has the client certainly said where to cut.
      cut = this.cuts.get(socket.remotePort);
      this.cuts.delete(socket.remotePort);
      left = cut ? cut.at : Infinity;
    });
    socket.on('data', (data) => {
      if (!cut && said.length > 0 && this.whole.beforeSecondFlight === 0) {
        this.whole.beforeSecondFlight = Buffer.concat(said).length;
      }
      // Cut before the first byte, it still has heard the client out.
      if (left === 0) over();
      else behind.write(data);
    });
    socket.on('end', () => behind.end());
    behind.on('data', (data) => {
      if (!cut) {
        said.push(data);
        this.whole.bytes = Buffer.concat(said);
      }
      if (left === 0) return;
      const part = data.subarray(0, left);
      left -= part.length;
      socket.write(part, () => left === 0 && over());
    });
    behind.on('end', () => socket.end());
  }
}

/** @param {string} method @param {...any} args */
const call = (method, ...args) =>
  new Promise((resolve) => {
    /** @type {any} */ (tcp)[method](...args, (result) => {
      void runtime.lastError;
      resolve(result);
    });
  });

/** Records the received data and the end of each socket. */
class Listeners {
  #followed = new Map();

  constructor() {
    this.receive = ({ socketId, data }) => this.#followed.get(socketId)?.receive(Buffer.from(data));
    this.fail = ({ socketId, resultCode }) => this.#followed.get(socketId)?.fail(resultCode);
    tcp.onReceive.addListener(this.receive);
    tcp.onReceiveError.addListener(this.fail);
  }

  follow(socketId, how) {
    this.#followed.set(socketId, how);
  }

  close() {
    tcp.onReceive.removeListener(this.receive);
    tcp.onReceiveError.removeListener(this.fail);
  }
}

/**
 * One connection that is cut, or not.
 * @param {CutServer} server @param {Listeners} listeners
 * @param {{ at: number, how: 'FIN' | 'RST' }} [cut]
 */
async function attempt(server, listeners, cut) {
  const { socketId } = await call('create', {});
  const outcome = { secured: [], received: Buffer.alloc(0), errors: [], hung: false };
  let done = () => {};
  listeners.follow(socketId, {
    receive(data) {
      if (outcome.errors.length > 0) outcome.errors.push('data after the error');
      outcome.received = Buffer.concat([outcome.received, data]);
    },
    fail(code) {
      outcome.errors.push(code);
      done();
    },
  });
  await call('setPaused', socketId, true);
  const connected = await call('connect', socketId, '127.0.0.1', server.port);
  if (connected !== 0) throw new Error(`connect: ${connected}`);
  const { localPort } = await call('getInfo', socketId);
  if (cut) server.cuts.set(localPort, cut);

  const timer = setTimeout(() => {
    outcome.hung = true;
    done();
  }, TIMEOUT_MS);
  await new Promise((resolve) => {
    done = () => resolve(undefined);
    tcp.secure(socketId, {}, (result) => {
      void runtime.lastError;
      outcome.secured.push(result);
      if (result !== 0) return done();
      // The socket reads before it sends: a failed send on a paused socket would report no further
      // event.
      tcp.setPaused(socketId, false, () => {
        tcp.send(socketId, new ArrayBuffer(1), () => void runtime.lastError);
      });
    });
  });
  clearTimeout(timer);
  // Pending events precede this call's callback.
  await call('close', socketId);
  return outcome;
}

/**
 * @param {any} outcome the result of {@link attempt} @param {number | undefined} code of secure()
 * @param {number} length
 */
function complaint({ secured, received, errors, hung }, code, length) {
  if (hung) return `hangs: secure() ${secured}, ${received.length} bytes, onReceiveError ${errors}`;
  if (secured.length !== 1) return `secure() called back ${secured.length} times`;
  if (secured[0] !== code) return `secure() ${secured[0]} instead of ${code}`;
  if (code !== 0) return errors.length > 0 ? `onReceiveError ${errors} after all` : undefined;
  if (errors.length !== 1 || errors[0] !== -100) return `onReceiveError ${errors}`;
  const right = Buffer.concat(RECORDS).subarray(0, length);
  return received.equals(right) ? undefined : `${received.length} bytes instead of ${length}`;
}

/** Where the records end, and how much the server had said by then. @param {Buffer} bytes */
function recordEnds(bytes) {
  const ends = [];
  for (let at = 0; at + 5 <= bytes.length; at = ends.at(-1)) {
    ends.push(at + 5 + bytes.readUInt16BE(at + 3));
  }
  // The last is the alert that says the end.
  return ends.slice(-RECORDS.length - 1, -1);
}

/**
 * @param {'TLSv1.2' | 'TLSv1.3'} version @param {any} identity @param {boolean} long
 * @param {(text: string) => void} log
 */
async function sweep(version, identity, long, log) {
  const server = await CutServer.start(version, identity);
  const listeners = new Listeners();
  try {
    const uncut = await attempt(server, listeners);
    const total = Buffer.concat(RECORDS).length;
    const problem = complaint(uncut, 0, total);
    if (problem) throw new Error(`${version}, not cut: ${problem}`);
    const { bytes, beforeSecondFlight } = server.whole;
    const ends = recordEnds(bytes);
    const begin = ends[0] - (ends[1] - ends[0]) + (RECORDS[1].length - RECORDS[0].length);
    // In TLS 1.2 the server has the last word of the handshake; in TLS 1.3 tickets follow it.
    const needed = version === 'TLSv1.2' ? begin : beforeSecondFlight;

    const positions = (how, from, to) => {
      const step = how === 'FIN' || long ? 1 : SAMPLE_INTERVAL;
      const all = [];
      for (let at = from; at < to; at += step) all.push({ at, how });
      return all;
    };
    const rows = [];
    for (const [what, from, to] of /** @type {const} */ ([
      ['handshake', 0, needed],
      ['conversation', needed, bytes.length],
    ])) {
      for (const how of /** @type {const} */ (['FIN', 'RST'])) {
        const cuts = positions(how, from, to);
        const wrong = [];
        const left = [...cuts];
        const work = async () => {
          while (left.length > 0 && wrong.length < MAX_FAILURES) {
            const cut = left.shift();
            const outcome = await attempt(server, listeners, cut);
            const complete = ends.filter((end) => end <= cut.at).length;
            const length = Buffer.concat(RECORDS.slice(0, complete)).length;
            const found = complaint(outcome, what === 'handshake' ? CODES[how] : 0, length);
            if (found) wrong.push(`${how} after ${cut.at} of ${bytes.length} bytes: ${found}`);
          }
        };
        await Promise.all(Array.from({ length: CONCURRENCY }, work));
        for (const line of wrong.slice(0, 5)) log(`${version}: ${line}`);
        const tried = cuts.length - left.length;
        rows.push({
          what: `${version.replace('TLSv', 'TLS ')}, ${what} cut by ${how}`,
          figure: `${tried} positions, ${wrong.length} wrong`,
          bound: '0 wrong',
          ok: wrong.length === 0 && tried > 0,
        });
      }
    }
    return rows;
  } finally {
    listeners.close();
    server.close();
  }
}

/** @param {{ long: boolean, seed: number, log: (text: string) => void }} options */
async function run({ long, log }) {
  const root = await createAuthority();
  // RSA signatures are all of one length, so that every connection is cut at the same places.
  const { chainPem, keyPem } = await (
    await root.createIntermediate({ keyAlgorithm: 'rsa-2048' })
  ).issue({ ips: ['127.0.0.1'], keyAlgorithm: 'rsa-2048' });
  configure({ ca: [root.certificatePem] });
  try {
    const identity = { key: keyPem, cert: chainPem };
    const rows = [];
    for (const version of /** @type {const} */ (['TLSv1.2', 'TLSv1.3'])) {
      rows.push(...(await sweep(version, identity, long, log)));
    }
    return rows;
  } finally {
    configure({ ca: null });
  }
}

module.exports = { title: 'TLS cut at every byte', seconds: { short: 40, long: 90 }, run };
