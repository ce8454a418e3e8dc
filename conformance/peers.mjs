/** The peers of scenarios: TCP and TLS servers on loopback, scripted from the scenario. */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createRequire } from 'node:module';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { Worker } from 'node:worker_threads';

const require = createRequire(import.meta.url);
const { createAuthority, issueSelfSigned } = require('../support/certificates.js');

const TIMEOUT_MS = 5000;
const DAY = 24 * 60 * 60 * 1000;

/** Listens with a queue of one, reports its port and never accepts. */
const SLEEPER = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ host: workerData, port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
  });
`;

/** Pattern bytes, the same as the scenario context's `pattern`. */
const pattern = (length) => Buffer.from(Uint8Array.from({ length }, (_, index) => index % 251));

/**
 * The authorities of one run: the trusted one, an intermediate below it and an unknown one.
 * Certificates are made once per description.
 */
export class Certificates {
  #authorities;
  #made = new Map();

  static async create() {
    const root = await createAuthority({ commonName: 'Conformance Root' });
    const certificates = new Certificates();
    certificates.#authorities = {
      root,
      intermediate: await root.createIntermediate({ commonName: 'Conformance Intermediate' }),
      unknown: await createAuthority({ commonName: 'Unknown Root' }),
    };
    return certificates;
  }

  get rootPem() {
    return this.#authorities.root.certificatePem;
  }

  /**
   * @param {object} description options of an end entity certificate that can be written as JSON:
   *   `days: [from, to]` instead of dates, `issuer` root, intermediate, unknown or self, `bare` to
   *   present the certificate without its intermediates
   * @returns {Promise<{ key: string, cert: string }>}
   */
  async get(description = {}) {
    const key = JSON.stringify(description);
    if (!this.#made.has(key)) this.#made.set(key, this.#make(description));
    return this.#made.get(key);
  }

  async #make({ issuer = 'root', bare = false, days, ...options }) {
    const validity = days && {
      notBefore: new Date(Date.now() + days[0] * DAY),
      notAfter: new Date(Date.now() + days[1] * DAY),
    };
    const all = { names: ['localhost'], ips: ['127.0.0.1', '::1'], ...options, ...validity };
    const made =
      issuer === 'self' ? await issueSelfSigned(all) : await this.#authorities[issuer].issue(all);
    return { key: made.keyPem, cert: bare ? made.certificatePem : made.chainPem };
  }
}

/** One connection as the peer sees it. */
class Remote {
  #received = [];
  #total = 0;
  #watchers = new Set();
  /** How the other side ended it: undefined, 'end' or the code of the error. */
  ended;

  constructor(socket) {
    this.use(socket);
  }

  /** Takes over from here on with another stream, after an upgrade to TLS. */
  use(socket) {
    this.socket = socket;
    socket.on('data', (data) => {
      this.#received.push(data);
      this.#total += data.length;
      this.#changed();
    });
    socket.on('end', () => this.#end('end'));
    socket.on('error', (error) => this.#end(error.code));
    socket.on('close', () => this.#end('close'));
  }

  #end(how) {
    this.ended ??= how;
    this.#changed();
  }

  #changed() {
    for (const check of [...this.#watchers]) check();
  }

  get total() {
    return this.#total;
  }

  get bytes() {
    return Buffer.concat(this.#received);
  }

  until(condition, what) {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(check);
        reject(new Error(`timed out waiting for ${what}`));
      }, TIMEOUT_MS);
      const check = () => {
        if (!condition()) return;
        this.#watchers.delete(check);
        clearTimeout(timer);
        resolve();
      };
      this.#watchers.add(check);
    });
  }

  write(data) {
    return new Promise((resolve) => this.socket.write(data, () => resolve()));
  }
}

export class Peer {
  ports = {};
  certificates;
  #servers = [];
  #workers = [];
  #sockets = new Set();
  #remotes = [];
  #arrivals = new Set();
  #handlers = new Map();

  constructor(certificates) {
    this.certificates = certificates;
  }

  async #listen(server, name, host, port = 0) {
    this.#servers.push(server);
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
    });
    server.listen({ host, port });
    await once(server, 'listening');
    if (Object.values(this.ports).includes(server.address().port)) {
      // The same number on another address would make two ports look like one.
      server.close();
      await once(server, 'close');
      server.listen({ host, port });
      await once(server, 'listening');
    }
    this.ports[name] = server.address().port;
  }

  #arrive(remote) {
    this.#remotes.push(remote);
    for (const check of [...this.#arrivals]) check();
  }

  /**
   * A TCP server that reads everything and performs the requests of the scenario.
   * @param {{ name?: string, host?: string, port?: number, hold?: boolean,
   *   connection?: (remote: Remote) => void }} [options] `hold`: accepted connections are not read
   */
  async tcp({ name = 'main', host = '127.0.0.1', port, hold = false, connection } = {}) {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: hold });
    server.on('connection', (socket) => {
      const remote = new Remote(socket);
      if (hold) socket.pause();
      connection?.(remote);
      this.#arrive(remote);
    });
    await this.#listen(server, name, host, port);
  }

  /** A TCP server that sends everything back. */
  echo(options = {}) {
    return this.tcp({
      ...options,
      connection: ({ socket }) => {
        socket.on('data', (data) => socket.write(data));
        socket.on('end', () => socket.end());
      },
    });
  }

  /** A port without a listener. */
  async nobody(name = 'main', host = '127.0.0.1') {
    const server = createServer();
    server.listen({ host, port: 0 });
    await once(server, 'listening');
    this.ports[name] = server.address().port;
    server.close();
    await once(server, 'close');
  }

  /**
   * A port on which connections neither succeed nor fail: the server's thread sleeps without
   * accepting, and its queue is full.
   */
  async unresponsive(name = 'main', host = '127.0.0.1') {
    const worker = new Worker(SLEEPER, { eval: true, workerData: host });
    this.#workers.push(worker);
    const [port] = await once(worker, 'message');
    this.ports[name] = port;
    const fillers = Array.from({ length: 8 }, () => connect({ host, port }));
    for (const socket of fillers) {
      socket.on('error', () => {});
      this.#sockets.add(socket);
    }
    // A queue of one takes two connections; when these two are in, it is full.
    await new Promise((resolve) => {
      let open = 0;
      for (const socket of fillers) {
        socket.once('connect', () => {
          open += 1;
          if (open === 2) resolve();
        });
      }
    });
  }

  /**
   * A TLS server of which only the first bytes of its answer reach the client.
   * @param {{ bytes: number, ending: 'end' | 'reset' }} options the bytes that arrive, and the end
   *   after them
   */
  async truncatedTls({ bytes, ending }) {
    await this.tls({ name: 'behind' });
    await this.tcp({
      connection: ({ socket }) => {
        const behind = connect({ host: '127.0.0.1', port: this.ports.behind });
        this.#sockets.add(behind);
        behind.on('error', () => {});
        socket.on('data', (data) => behind.write(data));
        let left = bytes;
        behind.on('data', (data) => {
          if (left === 0) return;
          const part = data.subarray(0, left);
          left -= part.length;
          socket.write(part, () => {
            if (left > 0) return;
            if (ending === 'end') socket.end();
            else socket.resetAndDestroy();
          });
        });
      },
    });
  }

  /**
   * A TLS server.
   * @param {{ name?: string, host?: string, certificate?: object, options?: object,
   *   connection?: (remote: Remote) => void }} [options] `certificate` as for
   *   {@link Certificates.get}, `options` for `tls.createServer`
   */
  async tls({ name = 'main', host = '127.0.0.1', certificate, options = {}, connection } = {}) {
    const pair = await this.certificates.get(certificate);
    const server = createTlsServer({ ...pair, allowHalfOpen: true, noDelay: true, ...options });
    server.on('tlsClientError', () => {});
    server.on('secureConnection', (socket) => {
      socket.on('error', () => {});
      const remote = new Remote(socket);
      connection?.(remote);
      this.#arrive(remote);
    });
    await this.#listen(server, name, host);
  }

  /**
   * Connects to a server of the scenario; the connection then counts like an accepted one.
   * @param {number} port
   * @param {{ host?: string, reset?: boolean }} [options] `reset`: at once, before anything is sent
   * @returns {Promise<string>} `connected` or the code of the error
   */
  async dial(port, { host = '127.0.0.1', reset = false } = {}) {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.#sockets.add(socket);
    const code = await new Promise((resolve) => {
      socket.once('connect', () => resolve('connected'));
      socket.once('error', (error) => resolve(error.code));
    });
    if (code !== 'connected') return code;
    socket.on('error', () => {});
    if (reset) {
      socket.resetAndDestroy();
      if (!socket.closed) await once(socket, 'close');
    } else {
      this.#arrive(new Remote(socket));
    }
    return code;
  }

  /** Adds something the scenario can ask for. */
  on(name, handler) {
    this.#handlers.set(name, handler);
  }

  /** Waits for the n-th connection, counted from 1; without a number: the newest. */
  async remote(number) {
    const wanted = number ?? 1;
    if (this.#remotes.length < wanted) {
      await new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('no connection arrived')), TIMEOUT_MS);
        const check = () => {
          if (this.#remotes.length < wanted) return;
          this.#arrivals.delete(check);
          clearTimeout(timer);
          resolve();
        };
        this.#arrivals.add(check);
      });
    }
    return number === undefined ? this.#remotes.at(-1) : this.#remotes[number - 1];
  }

  /** Turns the newest connection into a TLS server's from now on. */
  async upgrade(certificate, options = {}) {
    const remote = await this.remote();
    const plain = remote.socket;
    plain.removeAllListeners('data');
    plain.removeAllListeners('end');
    const pair = await this.certificates.get(certificate);
    const socket = new TLSSocket(plain, { isServer: true, ...pair, ...options });
    socket.on('error', () => {});
    remote.use(socket);
  }

  async perform(name, args) {
    const own = this.#handlers.get(name);
    if (own) return own(...args);
    const action = ACTIONS[name];
    if (!action) throw new Error('no such request');
    return action(this, ...args);
  }

  get connections() {
    return this.#remotes.length;
  }

  close() {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const worker of this.#workers) void worker.terminate();
  }
}

/** The requests that every scenario can make; they concern the newest connection. */
const ACTIONS = {
  /** Waits for the n-th connection. */
  async connection(peer, number = 1) {
    await peer.remote(number);
  },
  connections: (peer) => peer.connections,
  dial: (peer, port, options) => peer.dial(port, options),
  async write(peer, text) {
    await (await peer.remote()).write(Buffer.from(text, 'latin1'));
  },
  /** Sends this many pattern bytes; `wait` false answers before they are all with the kernel. */
  async writePattern(peer, length, wait = true) {
    const written = (await peer.remote()).write(pattern(length));
    if (wait) await written;
  },
  async end(peer) {
    const { socket } = await peer.remote();
    await new Promise((resolve) => socket.end(resolve));
  },
  async writeAndEnd(peer, text) {
    const { socket } = await peer.remote();
    await new Promise((resolve) => socket.end(Buffer.from(text, 'latin1'), resolve));
  },
  async reset(peer) {
    const remote = await peer.remote();
    remote.socket.resetAndDestroy();
    await remote.until(() => remote.socket.destroyed, 'the reset');
  },
  /** Waits until this many bytes have arrived, then reports all of them. */
  async received(peer, total) {
    const remote = await peer.remote();
    await remote.until(() => remote.total >= total, `${total} bytes, got ${remote.total}`);
    return remote.bytes.toString('latin1');
  },
  /** Waits for pattern bytes; reports their number and whether they are right. */
  async receivedPattern(peer, total) {
    const remote = await peer.remote();
    await remote.until(() => remote.total >= total, `${total} bytes, got ${remote.total}`);
    const right = remote.bytes.equals(pattern(remote.total));
    return `${remote.total} bytes, ${right ? 'all right' : 'not the pattern'}`;
  },
  total: async (peer) => (await peer.remote()).total,
  /** Waits until the client has ended the connection; reports how. */
  async ended(peer) {
    const remote = await peer.remote();
    await remote.until(() => remote.ended !== undefined, 'the end of the connection');
    return remote.ended;
  },
  async hold(peer) {
    (await peer.remote()).socket.pause();
  },
  async resume(peer) {
    (await peer.remote()).socket.resume();
  },
  /** The result of the TLS handshake. */
  async session(peer) {
    const { socket } = await peer.remote();
    return { protocol: socket.getProtocol(), servername: socket.servername || '' };
  },
  upgrade: (peer, certificate, options) => peer.upgrade(certificate, options),
};
