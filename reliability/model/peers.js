'use strict';

/**
 * The peers of the sockets of the model test. They run in the same thread, so the model knows their
 * state: no other code runs at the same time.
 *
 * Every connect() call dials an address of its own (loopback has sixteen million), so a connection
 * is known by where it arrives. Each peer sends its own part of a pattern, so that lost, duplicated
 * and crossed bytes are detected.
 */

const { once } = require('node:events');
const net = require('node:net');
const os = require('node:os');
const { lookup } = require('node:dns/promises');
const tls = require('node:tls');
const { startFullServer } = require('../../support/full-backlog.js');
const { closedPort, stopServers } = require('../../support/servers.js');
const { createAuthority } = require('../../support/certificates.js');

/**
 * @typedef {object} Script The actions of a peer without a command.
 * @property {number} greets the number of bytes of the greeting
 * @property {'stays' | 'ends' | 'goes' | 'resets'} then
 * @property {boolean} echoes
 * @property {boolean} reads
 *
 * @typedef {object} Wish The target of a connect.
 * @property {'peer' | 'refused' | 'unresolvable' | 'deaf' | 'denied'} kind
 * @property {Script} [script]
 * @property {'good' | 'misnamed' | 'untrusted' | 'old'} [tls] the answer to a secure()
 * @property {string} [name] instead of an address
 * @property {number} [spelling] of the address
 * @property {'any' | 'ipv4' | 'ipv6'} [family]
 */

const PATTERN_SIZE = 4 * 1024 * 1024;

/** The most bytes that a peer sends in one connection. */
const MAX_SENT = 2 * 1024 * 1024;

/** The bytes that always fit into the window of a connection on loopback. */
const WINDOW = 32 * 1024;

/** A host that ends in a number and is not an address. */
const NUMBER = '1'.repeat(64);

/**
 * Hosts that are invalid without a look-up: the model must not depend on the duration of real
 * look-ups.
 */
const NO_HOSTS = ['a..b', '', NUMBER];

/** The code of `secure()` for invalid hosts, whatever the peer does. */
const INVALID_HOSTS = new Map([
  ['', -9],
  [NUMBER, -2],
]);

const EPOCHS = 6;
const DIALS = 64;

/** Bytes of the pattern are 64 or more, and records of TLS begin with less. */
const pattern = Buffer.alloc(PATTERN_SIZE);
for (let index = 0, state = 1; index < PATTERN_SIZE; index++) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  pattern[index] = 64 + ((state >>> 16) % 191);
}

/**
 * @param {number} place
 * @param {number} length
 */
function patternAt(place, length) {
  const begin = (place * 104_729) % (PATTERN_SIZE - MAX_SENT);
  return pattern.subarray(begin, begin + length);
}

/** @param {Buffer} data in the clear, from some byte on perhaps TLS */
const beginOfTls = (data) => data.findIndex((byte) => byte < 64);

let counter = 0;

/** The peer's side of a connection, in the clear or encrypted. */
class Channel {
  number = ++counter;
  /** @type {net.Socket | undefined} */
  #socket;
  #dial;
  /** @type {Buffer} */
  #out = Buffer.alloc(0);
  /** The sent bytes. */
  said = 0;
  /** @type {{ from: number, to: number, received: number }[]} the parts of it that are replies */
  #replies = [];
  /** @type {Buffer[]} */
  #in = [];
  received = 0;
  /** Whether end() was called, and whether the end is on its way. */
  ended = false;
  finished = false;
  /** Whether a write to this peer may fail. */
  gone = false;
  wasReset = false;
  takes = true;
  /** The application's end was met, after everything that was sent before. */
  sawEnd = false;
  /** The sent bytes that certainly arrive, even if the peer has ended. */
  #floor = 0;
  /** @type {Buffer[]} */
  #sent = [];
  /** @type {Buffer[]} */
  #perhapsSent = [];
  #certain = true;
  /** Bytes that the application had received when it ended the connection. */
  #received = Infinity;
  /** @type {(data: Buffer) => void} The handler of plaintext beyond that of sends. */
  intercept = (data) => this.take(data);

  /**
   * @param {Dial} dial
   * @param {string} kind
   */
  constructor(dial, kind) {
    this.#dial = dial;
    this.kind = kind;
  }

  toString() {
    const { said, received, ended, gone } = this;
    const state = gone ? ', gone' : ended ? ', ended' : '';
    return `${this.kind} channel (said ${said}, received ${received}${state})`;
  }

  /** @param {net.Socket} socket */
  open(socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('finish', this.#onFinish);
    this.takes = true;
    if (!this.#dial.script.reads) this.act('stop');
  }

  #onData = (/** @type {Buffer} */ data) => this.intercept(data);
  #onFinish = () => (this.finished = true);
  #onEnd = () => {
    this.sawEnd = true;
    this.#dial.onProgress(`${this} meets the end`);
    // The application has no half-close: it has gone. A half-made TLS would wait.
    if (this.kind === 'plain') this.#socket?.end();
    else this.#socket?.destroy();
  };

  /** Takes the channel off the socket, which becomes that of an encrypted one. */
  release() {
    const socket = this.#socket;
    socket?.off('data', this.#onData);
    socket?.off('end', this.#onEnd);
    socket?.off('finish', this.#onFinish);
    this.#socket = undefined;
  }

  get isOpen() {
    return this.#socket !== undefined && !this.gone;
  }

  /** Bytes that are not with the operating system yet. */
  get buffered() {
    return this.#socket?.writableLength ?? 0;
  }

  /** @param {Buffer} data */
  take(data) {
    this.#in.push(data);
    this.received += data.length;
    this.#dial.onProgress(`${this} has received ${data.length}`);
    if (this.#dial.script.echoes) this.#say(data, this.received - data.length);
  }

  /**
   * @param {Buffer} data
   * @param {number} [received] that it is a reply to what came from there on
   */
  #say(data, received) {
    if (!this.isOpen || this.ended || this.said + data.length > MAX_SENT) return;
    const from = this.said;
    const to = from + data.length;
    if (to > this.#out.length) {
      const larger = Buffer.alloc(Math.max(1024, 2 * to));
      this.#out.copy(larger, 0, 0, from);
      this.#out = larger;
    }
    data.copy(this.#out, from);
    this.said = to;
    if (received !== undefined) this.#replies.push({ from, to, received });
    this.#socket?.write(data);
  }

  /**
   * @param {string} what
   * @param {number} [size]
   */
  act(what, size = 0) {
    const socket = this.#socket;
    if (!socket || this.gone) return;
    switch (what) {
      case 'write':
        this.#say(patternAt(this.number + this.said, size));
        break;
      case 'stop':
        socket.pause();
        this.takes = false;
        break;
      case 'go':
        socket.resume();
        this.takes = true;
        break;
      case 'end':
        socket.end();
        this.ended = true;
        break;
      case 'destroy':
      case 'reset':
        this.#dial.vanish(what === 'reset');
        break;
    }
    this.#dial.onProgress(`${this}: ${what} ${size || ''}`);
  }

  /** @param {boolean} reset */
  vanish(reset) {
    const flushed = this.said - this.buffered;
    // The data of an encrypted channel may not have been encrypted yet.
    this.#floor = this.kind === 'plain' && flushed - this.delivered <= WINDOW ? flushed : 0;
    this.gone = true;
    this.wasReset = reset;
  }

  /** The least number of bytes that the application has received. */
  delivered = 0;

  // ---- Questions of the model ----------------------------------------------------------------------

  /**
   * @param {number} from
   * @param {Uint8Array} bytes
   */
  hasSaid(from, bytes) {
    const to = from + bytes.length;
    if (to > this.said || this.#out.compare(bytes, 0, bytes.length, from, to) !== 0) return false;
    this.delivered = Math.max(this.delivered, to);
    return true;
  }

  /** @param {number} received */
  isAtEnd(received) {
    if (this.gone) return received >= Math.min(this.#floor, this.said);
    return this.ended && received === this.said;
  }

  /** @param {number} received */
  hasUnread(received) {
    return received < this.#floor;
  }

  /**
   * The bytes that the peer had received when it sent the replies before `place`.
   *
   * @param {number} place
   */
  answeredUpTo(place) {
    for (let index = this.#replies.length - 1; index >= 0; index--) {
      const { from, to, received } = this.#replies[index];
      if (from < place) return received + Math.min(place, to) - from;
    }
    return 0;
  }

  /**
   * @param {Buffer} data
   * @param {boolean} succeeded
   */
  noteSend(data, succeeded) {
    (succeeded ? this.#sent : this.#perhapsSent).push(data);
  }

  noteUncertainty() {
    this.#certain = false;
  }

  /**
   * The application may have ended the connection. If it has not received all data of the peer, the
   * system resets the connection, and data in transit to the peer may be lost.
   *
   * @param {number} received
   */
  noteCut(received) {
    this.#received = Math.min(this.#received, received);
  }

  /** @returns {string | undefined} The error in the received data, if any. */
  get trouble() {
    if (!this.#certain) return undefined;
    const everything = Buffer.concat(this.#in);
    const begin = beginOfTls(everything);
    const received = begin < 0 ? everything : everything.subarray(0, begin);
    const sent = Buffer.concat(this.#sent);
    const all = Buffer.concat([sent, ...this.#perhapsSent]);
    if (received.length > all.length) {
      return `${this} has received ${received.length} of ${all.length} bytes`;
    }
    if (all.compare(received, 0, received.length, 0, received.length) !== 0) {
      const place = received.findIndex((byte, index) => byte !== all[index]);
      return `${this} has received wrong bytes from byte ${place} on`;
    }
    if (this.sawEnd && this.#received >= this.said && received.length < sent.length) {
      return `${this} has met the end after ${received.length} of ${sent.length} bytes`;
    }
    return undefined;
  }
}

/** The target of one connect() call. */
class Dial {
  number = ++counter;
  /** @type {net.Socket | undefined} */
  #socket;
  /** @type {{ address: string, port: number } | undefined} Of the application's end. */
  ends;
  plain = new Channel(this, 'plain');
  /** @type {Channel | undefined} */
  encrypted = undefined;
  closed = false;
  looksUp = false;

  /**
   * @param {Peers} peers
   * @param {Wish} wish
   * @param {{ host: string, canonicalHost?: string, address?: string, port: number }} where
   */
  constructor(peers, wish, { host, canonicalHost = host, address = host, port }) {
    this.peers = peers;
    this.wish = wish;
    this.kind = wish.kind;
    this.script = wish.script ?? { greets: 0, then: 'stays', echoes: false, reads: true };
    this.host = host;
    this.canonicalHost = canonicalHost;
    this.address = address;
    this.port = port;
  }

  toString() {
    return `${this.address}:${this.port}`;
  }

  /** @param {string} what */
  onProgress(what) {
    this.peers.onProgress(`${this} ${what}`);
  }

  get accepted() {
    return this.#socket !== undefined;
  }

  get channel() {
    return this.encrypted ?? this.plain;
  }

  /** @param {net.Socket} socket */
  accept(socket) {
    if (this.#socket) throw new Error(`${this} is connected a second time`);
    this.#socket = socket;
    this.onProgress('accepts');
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.plain.gone = true;
      if (this.encrypted) this.encrypted.gone = true;
      this.onProgress('is closed');
    });
    this.plain.open(socket);
    if (this.encrypted) this.#upgrade();
    else this.#perform(this.plain);
  }

  /** @param {Channel} channel */
  #perform(channel) {
    const { greets, then } = this.script;
    if (greets > 0) channel.act('write', greets);
    // A peer with TLS accepts the handshake before its other actions.
    if (this.wish.tls && channel === this.plain) return;
    if (then === 'ends') channel.act('end');
    if (then === 'goes') channel.act('destroy');
    if (then === 'resets') channel.act('reset');
  }

  /** The application does TLS from here on, perhaps. */
  willBeSecured() {
    if (!this.wish.tls || this.encrypted || this.plain.gone) return;
    this.encrypted = new Channel(this, 'encrypted');
    if (this.#socket) this.#upgrade();
  }

  #upgrade() {
    const { plain } = this;
    plain.intercept = (data) => {
      const begin = beginOfTls(data);
      if (begin < 0) plain.take(data);
      else this.#wrap(data.subarray(0, begin), data.subarray(begin));
    };
    this.script = { ...this.script, echoes: false };
    plain.act('go');
  }

  /**
   * @param {Buffer} own
   * @param {Buffer} rest
   */
  #wrap(own, rest) {
    const raw = /** @type {net.Socket} */ (this.#socket);
    if (own.length > 0) this.plain.take(own);
    this.plain.release();
    raw.pause();
    raw.unshift(rest);
    const secureContext = this.peers.contexts[/** @type {'good'} */ (this.wish.tls)];
    const socket = new tls.TLSSocket(raw, { isServer: true, secureContext });
    socket.on('error', () => {});
    const channel = /** @type {Channel} */ (this.encrypted);
    this.script = this.wish.script ?? this.script;
    channel.open(socket);
    socket.on('secure', () => this.#perform(channel));
  }

  /** @param {boolean} reset */
  vanish(reset) {
    this.plain.vanish(reset);
    this.encrypted?.vanish(reset);
    // A socket that is being shut down cannot be reset.
    if (reset && !this.plain.ended && !this.encrypted?.ended) this.#socket?.resetAndDestroy();
    else this.#socket?.destroy();
  }

  /** No code uses this peer any more. */
  letGo() {
    if (!this.closed && !this.channel.takes) this.channel.act('go');
  }

  /**
   * The result of an undisturbed handshake.
   *
   * @param {string} host that the application takes it for
   * @param {string} [min] version
   */
  verdict(host, min) {
    const nobody = INVALID_HOSTS.get(host);
    if (nobody) return nobody;
    if (this.wish.tls === 'old' && min === 'tls1.3') return -113;
    if (this.wish.tls === 'untrusted') return -202;
    const named = this.wish.tls !== 'misnamed' && this.peers.names.has(host);
    return named ? 0 : -200;
  }

  /** @returns {string | undefined} */
  get trouble() {
    return this.plain.trouble ?? this.encrypted?.trouble;
  }
}

class Peers {
  /** @type {Map<string, Dial>} by address and port */
  #dials = new Map();
  /** @type {Dial[]} of this sequence */
  dials = [];
  /** @type {net.Server[]} */
  #servers = [];
  #epoch = 0;
  #count = 0;
  #refusing = 0;
  /** @type {number[]} of names, not of addresses */
  #named = [];
  /** @type {any} */
  #deaf;
  /** @type {Set<string>} that the good certificate names */
  names = new Set(['localhost']);
  /** @type {Record<string, tls.SecureContext>} */
  contexts = {};
  /** @type {string | undefined} a name that the system resolves to 127.0.0.1, and nothing else */
  #hostName;
  onProgress = (/** @type {string} */ _what) => {};
  /** @type {(error: Error) => void} */
  onTrouble = () => {};
  ca = '';

  async start() {
    this.#deaf = await startFullServer();
    this.#port = await this.#listen('0.0.0.0');
    for (let index = 0; index < 4; index++) this.#named.push(await this.#listen('127.0.0.1'));
    this.#refusing = await closedPort();
    await this.#makeCertificates();
    this.#hostName = await localName();
  }

  #port = 0;

  /** @param {string} host */
  async #listen(host) {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const { localAddress, localPort } = socket;
      const dial = this.#dials.get(`${localAddress}:${localPort}`);
      if (!dial) {
        socket.destroy();
        this.onTrouble(new Error(`unexpected connection to ${localAddress}:${localPort}`));
        return;
      }
      try {
        dial.accept(socket);
      } catch (error) {
        this.onTrouble(/** @type {Error} */ (error));
      }
    });
    server.listen({ port: 0, host, backlog: 1024 });
    await once(server, 'listening');
    this.#servers.push(server);
    return /** @type {net.AddressInfo} */ (server.address()).port;
  }

  async #makeCertificates() {
    const addresses = ['127.0.0.1'];
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      for (let index = 0; index < DIALS; index++) addresses.push(`127.0.${epoch + 1}.${index + 1}`);
    }
    for (const address of addresses) this.names.add(address);
    const authority = await createAuthority();
    const stranger = await createAuthority();
    const names = ['localhost'];
    const good = await authority.issue({ names, ips: addresses });
    const misnamed = await authority.issue({ names: ['example.com'] });
    const untrusted = await stranger.issue({ names, ips: addresses });
    const context = (/** @type {any} */ { chainPem, keyPem }, /** @type {object} */ more = {}) =>
      tls.createSecureContext({ cert: chainPem, key: keyPem, ...more });
    this.contexts = {
      good: context(good),
      misnamed: context(misnamed),
      untrusted: context(untrusted),
      old: context(good, { maxVersion: 'TLSv1.2' }),
    };
    this.ca = authority.certificatePem;
  }

  /** The patterns that the application's manifest needs, so that only 'denied' is refused. */
  get allowed() {
    const ports = [this.#port, this.#refusing, this.#deaf.port, ...this.#named];
    return ports.map((port) => `*:${port}`);
  }

  /** Everything so far is over. */
  begin() {
    this.#dials.clear();
    this.dials = [];
    this.#epoch = (this.#epoch + 1) % EPOCHS;
    this.#count = 0;
  }

  /**
   * @param {Wish} wish
   * @returns {Dial}
   */
  dial(wish) {
    const dial = this.#make(wish);
    this.dials.push(dial);
    if (dial.kind === 'peer') this.#dials.set(`${dial}`, dial);
    return dial;
  }

  /** @param {Wish} wish */
  #make(wish) {
    const { kind, name, spelling = 0, family } = wish;
    if (kind === 'unresolvable') {
      const known = name === 'system' ? this.#hostName : undefined;
      const host = known ?? NO_HOSTS[spelling % 3];
      const canonicalHost = host.toLowerCase();
      const dial = new Dial(this, wish, { host, canonicalHost, port: this.#port });
      dial.looksUp = known !== undefined;
      return dial;
    }
    if (kind === 'denied') return new Dial(this, wish, { host: 'localhost', port: 1 });
    if (kind === 'deaf') return new Dial(this, wish, { host: '127.0.0.1', port: this.#deaf.port });
    const full = this.#count === DIALS;
    if (kind === 'refused' || full) {
      const nobody = { ...wish, kind: /** @type {const} */ ('refused') };
      return new Dial(this, nobody, { host: '127.0.0.1', port: this.#refusing });
    }
    const free = this.#named.find((port) => !this.#dials.has(`127.0.0.1:${port}`));
    if (name && free) {
      const host = name === 'system' ? (this.#hostName ?? 'localhost') : name;
      const canonicalHost = host.toLowerCase();
      const dial = new Dial(this, wish, { host, canonicalHost, address: '127.0.0.1', port: free });
      dial.looksUp = name === 'system';
      return dial;
    }
    this.#count += 1;
    const address = `127.0.${this.#epoch + 1}.${this.#count}`;
    if (family === 'ipv6') {
      const none = { ...wish, kind: /** @type {const} */ ('unresolvable') };
      return new Dial(this, none, { host: address, port: this.#port });
    }
    const host = spell(address, spelling);
    return new Dial(this, wish, { host, canonicalHost: address, address, port: this.#port });
  }

  async stop() {
    for (const { closed, channel } of this.dials) if (!closed) channel.act('destroy');
    for (const server of this.#servers) server.close();
    await this.#deaf?.stop();
    await stopServers();
  }
}

/** @param {string} address @param {number} spelling */
function spell(address, spelling) {
  const [a, b, c, d] = address.split('.').map(Number);
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  return [address, `${a}.${b}.${c * 256 + d}`, `0x${number.toString(16)}`, `${number}`][
    spelling % 4
  ];
}

async function localName() {
  try {
    const addresses = await lookup(os.hostname(), { all: true });
    const isOurs = addresses.length === 1 && addresses[0].address === '127.0.0.1';
    return isOurs && os.hostname() !== 'localhost' ? os.hostname() : undefined;
  } catch {
    return undefined;
  }
}

module.exports = { Channel, Dial, Peers, patternAt };
