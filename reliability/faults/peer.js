'use strict';

/** The peer: servers that follow the harness's commands, and the name server. */

const dgram = require('node:dgram');
const { once } = require('node:events');
const net = require('node:net');
const { Duplex } = require('node:stream');
const tls = require('node:tls');
const { startFullServer } = require('../../support/full-backlog.js');
const { DOWN, Intake, bytesOf } = require('./stream.js');
const { happened, obey, until } = require('./remote.js');

/** Between TLS and TCP, so that each can be ended without the other. */
class Wire extends Duplex {
  /** Whether reading is paused. */
  held = false;

  /**
   * @param {net.Socket} raw
   * @param {boolean} dribble whether to write byte by byte
   */
  constructor(raw, dribble) {
    super();
    this.raw = raw;
    this.dribble = dribble;
    raw.on('data', (data) => {
      if (!this.push(data)) raw.pause();
    });
    raw.on('end', () => this.push(null));
    raw.on('close', () => this.destroy());
  }

  _read() {
    if (!this.held) this.raw.resume();
  }

  /**
   * @param {Buffer} data
   * @param {string} _encoding
   * @param {(error?: Error | null) => void} done
   */
  _write(data, _encoding, done) {
    const pieces = this.dribble ? Array.from(data, (byte) => Buffer.of(byte)) : [data];
    const last = pieces.pop() ?? '';
    for (const piece of pieces) this.raw.write(piece);
    this.raw.write(last, (error) => done(error));
  }

  /** @param {(error?: Error | null) => void} done */
  _final(done) {
    this.raw.end();
    done();
  }
}

/** One connection that was accepted. */
class Connection {
  intake = new Intake();
  ended = false;
  closed = false;
  /** Whether there is something to say anything on: of TLS, the handshake is done. */
  ready = false;
  written = 0;

  /**
   * @param {net.Socket} raw
   * @param {tls.SecureContextOptions} [secure]
   * @param {boolean} [dribble]
   */
  constructor(raw, secure, dribble = false) {
    this.raw = raw;
    raw.on('error', happened);
    raw.on('close', () => {
      this.closed = true;
      happened();
    });
    /** @type {net.Socket | tls.TLSSocket} */
    this.stream = raw;
    if (secure) {
      const wire = new Wire(raw, dribble);
      this.wire = wire;
      const stream = new tls.TLSSocket(wire, {
        isServer: true,
        secureContext: tls.createSecureContext(secure),
      });
      stream.on('error', happened);
      wire.on('error', happened);
      stream.on('secure', () => {
        this.ready = true;
        happened();
      });
      this.stream = stream;
    } else {
      this.ready = true;
    }
    this.stream.on('data', (data) => {
      this.intake.take(data);
      happened();
    });
    this.stream.on('end', () => {
      this.ended = true;
      happened();
    });
  }

  /** @param {boolean} held */
  hold(held) {
    if (this.wire) this.wire.held = held;
    if (held) this.raw.pause();
    else this.raw.resume();
  }

  /** @param {Buffer} data @returns {Promise<void>} when it is with the operating system, or lost */
  write(data) {
    this.written += data.length;
    return new Promise((resolve) => this.stream.write(data, () => resolve()));
  }
}

/** @type {Connection[]} */
const connections = [];
/** @type {Map<number, net.Server>} by port */
const servers = new Map();

/** @param {number} number */
function connection(number) {
  const found = connections[number];
  if (!found) throw new Error(`no connection ${number}`);
  return found;
}

// ---- Names --------------------------------------------------------------------------------------

const NO_ERROR = 0;
const SERVER_FAILURE = 2;
const NO_SUCH_NAME = 3;
const TYPE_A = 1;
const DELAY_MS = 700;
/** The first label of the one name, as it stands in a query. */
const KNOWN = '\x04peer';

/**
 * The answer to a query: its header and question, and these addresses.
 *
 * @param {Buffer} query
 * @param {number} code
 * @param {string[]} [addresses]
 */
function answer(query, code, addresses = []) {
  const end = query.indexOf(0, 12) + 5;
  const head = Buffer.from(query.subarray(0, end));
  head.writeUInt16BE(0x8180 | code, 2);
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8);
  const records = addresses.map((address) => {
    const fixed = Buffer.from('c00c000100010000003c0004', 'hex');
    return Buffer.concat([fixed, Buffer.from(address.split('.').map(Number))]);
  });
  return Buffer.concat([head, ...records]);
}

/**
 * The name server's behaviour for queries of type A; to others it answers that there is no record.
 *
 * @type {Record<string, (query: Buffer, say: (data: Buffer) => void, addresses: string[]) => void>}
 */
const NAME_SERVERS = {
  good: (query, say, addresses) => say(answer(query, NO_ERROR, addresses)),
  'without the name': (query, say) => say(answer(query, NO_SUCH_NAME)),
  failing: (query, say) => say(answer(query, SERVER_FAILURE)),
  'without an address': (query, say) => say(answer(query, NO_ERROR)),
  silent: () => {},
  slow: (query, say, addresses) =>
    void setTimeout(() => say(answer(query, NO_ERROR, addresses)), DELAY_MS),
  'talking nonsense': (query, say) =>
    say(Buffer.concat([query.subarray(0, 2), Buffer.alloc(9, 0xff)])),
};

/** @type {dgram.Socket | undefined} */
let names;

/**
 * @param {string} host
 * @param {string} manner
 * @param {string[]} addresses
 */
async function serveNames(host, manner, addresses) {
  const socket = dgram.createSocket('udp4');
  names = socket;
  socket.on('message', (query, { port, address }) => {
    const say = (/** @type {Buffer} */ data) => socket.send(data, port, address);
    const type = query.readUInt16BE(query.indexOf(0, 12) + 1);
    const knows = manner === 'good' || manner === 'slow';
    if (knows && !query.includes(KNOWN)) say(answer(query, NO_SUCH_NAME));
    else if (knows && type !== TYPE_A) say(answer(query, NO_ERROR));
    else NAME_SERVERS[manner](query, say, addresses);
  });
  socket.bind(53, host);
  await once(socket, 'listening');
}

// ---- Commands ------------------------------------------------------------------

obey({
  serveNames,

  /**
   * @param {string} host
   * @param {{ secure?: tls.SecureContextOptions, dribble?: boolean, then?: 'reset' | 'end' | 'say and end' }} [options]
   */
  async listen(host, { secure, dribble, then } = {}) {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (raw) => {
      const accepted = new Connection(raw, secure, dribble);
      connections.push(accepted);
      if (then === 'reset') raw.resetAndDestroy();
      if (then === 'say and end') void accepted.write(bytesOf(DOWN, 0, 1024));
      if (then?.includes('end')) raw.end();
      happened();
    });
    server.listen(0, host);
    await once(server, 'listening');
    const address = /** @type {net.AddressInfo} */ (server.address());
    servers.set(address.port, server);
    return address.port;
  },

  /** @param {number} port */
  unlisten(port) {
    servers.get(port)?.close();
  },

  /** @param {string} host */
  async listenAndBlock(host) {
    const { port } = await startFullServer(host);
    return port;
  },

  stopNames() {
    names?.close();
  },

  /**
   * Waits for a connection.
   *
   * @param {number} number its number, in the order in which they came
   * @param {boolean} [ready] whether its handshake must be done
   */
  async accepted(number, ready = true) {
    await until(() => connections.length > number && (!ready || connections[number].ready));
  },

  /**
   * Writes the next part of the stream.
   *
   * @param {number} number
   * @param {number} length
   * @param {{ piece?: number, delay?: number }} [manner] pieces of how many bytes, and how many
   *   milliseconds between them
   */
  async write(number, length, { piece = 64 * 1024, delay } = {}) {
    const to = connection(number);
    for (let left = length; left > 0 && !to.closed; left -= piece) {
      const written = to.write(bytesOf(DOWN, to.written, Math.min(piece, left)));
      if (delay !== undefined) await new Promise((resolve) => setTimeout(resolve, delay));
      await written;
    }
    return to.written;
  },

  /**
   * Writes something past TLS.
   *
   * @param {number} number
   * @param {string} hex
   */
  inject(number, hex) {
    connection(number).raw.write(Buffer.from(hex, 'hex'));
  },

  /** The end in good order. @param {number} number */
  end(number) {
    connection(number).stream.end();
  },

  /** The end of TCP alone. @param {number} number */
  cut(number) {
    connection(number).raw.end();
  },

  /** @param {number} number */
  reset(number) {
    connection(number).raw.resetAndDestroy();
  },

  /** Closes, even if data is unread. @param {number} number */
  destroy(number) {
    connection(number).raw.destroy();
  },

  /** @param {number} number */
  pause(number) {
    connection(number).hold(true);
  },

  /** @param {number} number */
  resume(number) {
    connection(number).hold(false);
  },

  /**
   * Reads a little at a time.
   *
   * @param {number} number
   * @param {number} delay in milliseconds after each piece
   */
  readSlowly(number, delay) {
    const from = connection(number);
    from.raw.on('data', () => {
      from.hold(true);
      setTimeout(() => from.hold(false), delay);
    });
  },

  /**
   * @param {number} number
   * @param {number} length
   */
  async received(number, length) {
    const from = connection(number);
    await until(() => from.intake.length >= length || from.closed || from.ended);
    return from.intake.length;
  },

  /** @param {number} number */
  async gone(number) {
    const from = connection(number);
    await until(() => from.closed || from.ended);
  },

  /** @param {number} number */
  summary(number) {
    const { intake, written, ended } = connection(number);
    return { ...intake.summary(), written, ended };
  },
});

// The parent process has ended.
process.on('disconnect', () => process.exit());
