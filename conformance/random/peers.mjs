/** The peers of one program: servers and clients on loopback that behave as the program says. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { TLSSocket } from 'node:tls';
import { pattern } from './values.mjs';

/** The beginning of every ClientHello, which no plaintext of a program shares. */
const HELLO = Buffer.from([0x16, 0x03, 0x01]);

/** How long a peer that reads slowly pauses after each piece, in milliseconds. */
const PAUSE_MS = 2;

/** How long the report waits for the ends of connections, in milliseconds. */
const REPORT_LIMIT = 1000;

/** A peer's answer to a ClientHello: the options of its certificate and of its server. */
const TLS_SERVERS = {
  good: {},
  'tls1.2': { options: { maxVersion: 'TLSv1.2' } },
  'tls1.3': { options: { minVersion: 'TLSv1.3' } },
  expired: { certificate: { days: [-10, -1] } },
  'wrong host': { certificate: { names: ['other.example'], ips: [] } },
  'unknown authority': { certificate: { issuer: 'unknown' } },
  'asks for a certificate': { options: { requestCert: true, rejectUnauthorized: false } },
};

/** The behaviour of peers without TLS. */
const NO_TLS = {
  garbage: (connection) => connection.write(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
  close: (connection) => connection.end(),
  reset: (connection) => connection.reset(),
  silent: () => {},
};

export const TLS_KINDS = [...Object.keys(TLS_SERVERS), ...Object.keys(NO_TLS)];

/** How long a client waits for its connection, in milliseconds. */
const DIAL_LIMIT = 500;

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** One connection as the peer sees it. */
class Connection {
  #peer;
  #certificates;
  #socket;
  #hash = createHash('sha1');
  #received = 0;
  #written = 0;
  /** Whether the peer has ended its direction or all of the connection. */
  #closed = false;
  /** How the other side ended it. */
  #ended;
  #secured = false;
  #deaf = false;
  #slowly = false;

  constructor(peer, certificates, socket) {
    this.#peer = peer;
    this.#certificates = certificates;
    this.#slowly = peer.reading === 'slowly';
    this.#use(socket);
    if (peer.reading === 'never') socket.pause();
    this.#greet();
  }

  get over() {
    return this.#ended !== undefined || this.#socket.destroyed;
  }

  get state() {
    return {
      received: this.#received,
      digest: this.#hash.copy().digest('hex').slice(0, 8),
      written: this.#written,
      closed: this.#closed,
      ended: this.#ended ?? null,
    };
  }

  #use(socket) {
    this.#socket = socket;
    socket.setNoDelay?.(true);
    socket.on('data', (data) => this.#onData(data));
    socket.on('end', () => this.#end('FIN'));
    socket.on('error', () => this.#end('RST'));
    socket.on('close', () => this.#end('closed'));
  }

  #end(how) {
    // After its own end a peer may or may not learn of the other's.
    this.#ended ??= how;
    if (how === 'FIN' && this.#peer.behaviour === 'echo') this.#socket.end();
  }

  #greet() {
    const { behaviour, greeting } = this.#peer;
    if (greeting > 0) this.write(Buffer.from(pattern(greeting, 100)));
    if (behaviour === 'closes at once') this.end();
    if (behaviour === 'resets at once') this.reset();
  }

  /** The state is about to be reported: connect has certainly been answered by now. */
  asked() {
    const { behaviour } = this.#peer;
    if (this.#closed) return;
    if (behaviour === 'closes when connected') this.end();
    if (behaviour === 'resets when connected') this.reset();
  }

  #onData(data) {
    const at = this.#secured ? -1 : data.indexOf(HELLO);
    if (at < 0) {
      this.#take(data);
      return;
    }
    if (at > 0) this.#take(data.subarray(0, at));
    this.#secured = true;
    void this.#startTls(data.subarray(at));
  }

  #take(data) {
    if (data.length === 0 || this.#deaf) return;
    this.#received += data.length;
    this.#hash.update(data);
    const { behaviour } = this.#peer;
    if (behaviour === 'echo') this.write(data);
    if (behaviour === 'closes on data') this.end();
    if (behaviour === 'resets on data') this.reset();
    if (this.#slowly) {
      this.#socket.pause();
      setTimeout(() => this.#socket.resume(), PAUSE_MS);
    }
  }

  async #startTls(hello) {
    const { tls } = this.#peer;
    if (NO_TLS[tls]) {
      // The alert that answers this is the TLS library's affair.
      this.#deaf = true;
      NO_TLS[tls](this);
      return;
    }
    const plain = this.#socket;
    for (const event of ['data', 'end']) plain.removeAllListeners(event);
    plain.pause();
    const { certificate, options } = TLS_SERVERS[tls];
    const pair = await this.#certificates.get(certificate);
    plain.unshift(hello);
    this.#use(new TLSSocket(plain, { isServer: true, ...pair, ...options }));
  }

  /** Data that can no longer be written does not count. */
  write(data) {
    if (this.#closed || !this.#socket.writable) return;
    this.#written += data.length;
    this.#socket.write(data);
  }

  end() {
    this.#closed = true;
    this.#socket.end();
  }

  reset() {
    this.#closed = true;
    this.#ended ??= 'reset by the peer';
    if (this.#socket.resetAndDestroy && !this.#secured) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  pause() {
    this.#slowly = false;
    this.#socket.pause();
  }

  resume() {
    this.#slowly = false;
    this.#socket.resume();
  }
}

/** The state of a client that was not connected, as that of its connection. */
const failedDial = (code) => ({
  over: true,
  state: { received: 0, digest: '', written: 0, closed: true, ended: code },
  asked() {},
  reset() {},
  resume() {},
});

/** The actions of a peer on its newest connection. */
const ACTIONS = {
  write: (connection, length, first = 0) => connection.write(Buffer.from(pattern(length, first))),
  end: (connection) => connection.end(),
  reset: (connection) => connection.reset(),
  pause: (connection) => connection.pause(),
  resume: (connection) => connection.resume(),
};

export class Peers {
  #servers = [];
  #sockets = [];
  #closed = false;
  #program;
  #certificates;
  /** @type {Connection[][]} of each peer */
  #connections;
  ports = [];

  /** Opens the servers of a program. */
  static async open(program, certificates) {
    const peers = new Peers();
    peers.#connections = program.peers.map(() => []);
    peers.#program = program;
    peers.#certificates = certificates;
    for (const [index, peer] of program.peers.entries()) {
      // A client has no port.
      if (peer.calls === undefined) await peers.#open(index, peer);
      else peers.ports.push(-1);
    }
    return peers;
  }

  async #open(index, peer) {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: peer.reading === 'never' });
    server.on('connection', (socket) => this.#use(index, socket));
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    server.unref();
    this.ports.push(server.address().port);
    if (peer.behaviour === 'refuses') {
      server.close();
      await once(server, 'close');
    } else {
      this.#servers.push(server);
    }
  }

  #use(index, socket) {
    // A peer keeps no process alive.
    socket.unref();
    if (this.#closed) {
      socket.destroy();
      return;
    }
    this.#sockets.push(socket);
    const peer = this.#program.peers[index];
    this.#connections[index].push(new Connection(peer, this.#certificates, socket));
  }

  /** Connects a client to a server socket of the program. */
  async #dial(index, port, host) {
    if (port === 0) return;
    const socket = connect({ host, port, allowHalfOpen: true });
    socket.on('error', () => {});
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(DIAL_LIMIT) });
      this.#use(index, socket);
    } catch (error) {
      socket.destroy();
      const code = error.name === 'AbortError' ? 'not connected' : error.code;
      this.#connections[index].push(failedDial(code));
    }
  }

  get #all() {
    return this.#connections.flat();
  }

  #state() {
    return this.#connections.flatMap((connections, peer) =>
      connections.map((connection, index) => ({ peer, connection: index, ...connection.state })),
    );
  }

  async perform(name, args) {
    switch (name) {
      case 'act': {
        const [peer, action, rest] = args;
        await turn();
        const connection = this.#connections[peer].at(-1);
        if (action === 'dial') await this.#dial(peer, ...rest);
        else if (connection instanceof Connection) ACTIONS[action](connection, ...rest);
        await turn();
        return connection !== undefined;
      }
      case 'state':
        // Data that has already arrived counts.
        await turn();
        for (const connection of this.#all) connection.asked();
        await turn();
        return this.#state();
      case 'abort':
        for (const connection of this.#all) connection.reset();
        return undefined;
      case 'report': {
        for (const connection of this.#all) connection.resume();
        const deadline = Date.now() + REPORT_LIMIT;
        while (this.#all.some(({ over }) => !over) && Date.now() < deadline) {
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        return this.#state();
      }
      default:
        throw new Error(`no such request: ${name}`);
    }
  }

  close() {
    this.#closed = true;
    for (const server of this.#servers) server.close();
    for (const connection of this.#all) connection.reset();
    for (const socket of this.#sockets) socket.destroy();
  }
}
