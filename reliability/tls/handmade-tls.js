'use strict';

/**
 * The server's side of TLS 1.2 and 1.3 made by hand, message by message, so that it can send
 * certificates and messages that no library would send.
 */

const crypto = require('node:crypto');
const { once } = require('node:events');

const RECORD = { changeCipherSpec: 20, alert: 21, handshake: 22, data: 23 };
const MESSAGE = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  newSessionTicket: 4,
  endOfEarlyData: 5,
  encryptedExtensions: 8,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
  certificateStatus: 22,
  keyUpdate: 24,
};
const EXTENSION = {
  serverName: 0,
  statusRequest: 5,
  supportedGroups: 10,
  keyShare: 51,
  supportedVersions: 43,
  renegotiationInfo: 0xff01,
};
const X25519 = 0x001d;
const P256 = 0x0017;
/** The header of a public key, and the generation of a key pair. */
const GROUPS = {
  [X25519]: { header: Buffer.from('302a300506032b656e032100', 'hex'), generate: ['x25519'] },
  [P256]: {
    header: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
    generate: ['ec', { namedCurve: 'prime256v1' }],
  },
};
const MAX_RECORD = 16_384;
/** `HelloRetryRequest` is a hello with this in place of the random number. */
const RETRY = crypto.createHash('sha256').update('HelloRetryRequest').digest();

/** @param {number} number @param {number} length */
function uint(number, length) {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(number, 0, length);
  return bytes;
}

/** Bytes with their number before them. @param {number} length @param {...Buffer} parts */
function vector(length, ...parts) {
  const content = Buffer.concat(parts);
  return Buffer.concat([uint(content.length, length), content]);
}

/** @param {number} type @param {...Buffer} parts */
const message = (type, ...parts) => Buffer.concat([uint(type, 1), vector(3, ...parts)]);

/** @param {number} type @param {...Buffer} parts */
const extension = (type, ...parts) => Buffer.concat([uint(type, 2), vector(2, ...parts)]);

/** @param {number} type @param {Buffer} content @param {number} [version] */
const record = (type, content, version = 0x0303) =>
  Buffer.concat([uint(type, 1), uint(version, 2), vector(2, content)]);

/** @param {Buffer} key @param {Buffer} bytes */
const hmac = (key, ...bytes) =>
  crypto.createHmac('sha256', key).update(Buffer.concat(bytes)).digest();

/** @param {Buffer} bytes */
const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest();

/** The pseudo-random function of TLS 1.2. */
function prf(secret, label, seed, length) {
  const input = Buffer.concat([Buffer.from(label), seed]);
  const blocks = [];
  for (let a = hmac(secret, input); blocks.length * 32 < length; a = hmac(secret, a)) {
    blocks.push(hmac(secret, a, input));
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** `HKDF-Expand-Label` of TLS 1.3, for results that fit one block. */
function expand(secret, label, context, length) {
  const info = [uint(length, 2), vector(1, Buffer.from(`tls13 ${label}`)), vector(1, context)];
  return hmac(secret, ...info, Buffer.from([1])).subarray(0, length);
}

/** One direction's AES-128-GCM. */
class Seal {
  #sequence = 0;

  /** @param {Buffer} key @param {Buffer} iv @param {boolean} tls13 */
  constructor(key, iv, tls13) {
    Object.assign(this, { key, iv, tls13 });
  }

  /** @param {number} type @param {Buffer} content @param {number} [padding] */
  record(type, content, padding = 0) {
    const counter = uint(this.#sequence, 6);
    const sequence = Buffer.concat([Buffer.alloc(2), counter]);
    this.#sequence += 1;
    if (this.tls13) {
      const nonce = Buffer.from(this.iv);
      counter.forEach((byte, index) => (nonce[6 + index] ^= byte));
      const inner = Buffer.concat([content, uint(type, 1), Buffer.alloc(padding)]);
      const header = Buffer.concat([Buffer.from([23, 3, 3]), uint(inner.length + 16, 2)]);
      return Buffer.concat([header, this.#encrypt(nonce, header, inner)]);
    }
    const nonce = Buffer.concat([this.iv, sequence]);
    const bound = Buffer.concat([sequence, Buffer.from([type, 3, 3]), uint(content.length, 2)]);
    return record(type, Buffer.concat([sequence, this.#encrypt(nonce, bound, content)]));
  }

  #encrypt(nonce, bound, content) {
    const cipher = crypto.createCipheriv('aes-128-gcm', this.key, nonce);
    cipher.setAAD(bound);
    return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  }
}

/** Parses a `ClientHello`. @param {Buffer} bytes the message */
function parseClientHello(bytes) {
  let at = 4 + 2;
  const take = (length) => bytes.subarray(at, (at += length));
  const counted = (length) => take(take(length).readUIntBE(0, length));
  const random = take(32);
  const session = counted(1);
  const suites = counted(2);
  counted(1);
  const end = at + 2 + take(2).readUInt16BE();
  const extensions = new Map();
  while (at < end) extensions.set(take(2).readUInt16BE(), counted(2));

  const shares = new Map();
  const offered = extensions.get(EXTENSION.keyShare) ?? Buffer.alloc(2);
  for (let place = 2; place < offered.length;) {
    const length = offered.readUInt16BE(place + 2);
    shares.set(offered.readUInt16BE(place), offered.subarray(place + 4, place + 4 + length));
    place += 4 + length;
  }
  const name = extensions.get(EXTENSION.serverName);
  return {
    random,
    session,
    suites,
    extensions,
    shares,
    serverName: name ? name.subarray(5).toString('latin1') : '',
  };
}

/** How a key signs, as TLS names it. @param {crypto.KeyObject} key */
function schemeOf(key) {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ec') {
    return (
      { prime256v1: 0x0403, secp384r1: 0x0503, secp521r1: 0x0603 }[details.namedCurve] ?? 0x0403
    );
  }
  return { ed25519: 0x0807, ed448: 0x0808, 'rsa-pss': 0x0809 }[type] ?? 0x0804;
}

/** @param {number} scheme @param {crypto.KeyObject} key @param {Buffer} content */
function sign(scheme, key, content) {
  const hash = { 2: 'sha1', 4: 'sha256', 5: 'sha384', 6: 'sha512' }[scheme >> 8];
  if (hash) return crypto.sign(hash, content, key);
  if (scheme === 0x0807 || scheme === 0x0808) return crypto.sign(null, content, key);
  const pss = { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: -1 };
  const of = { 0x0804: 'sha256', 0x0805: 'sha384', 0x0806: 'sha512', 0x0809: 'sha256' }[scheme];
  return crypto.sign(of, content, { key, ...pss });
}

/** One connection to a client, of which the server knows as much as its script asks for. */
class HandmadeTls {
  #received = Buffer.alloc(0);
  #ended = false;
  #transcript = [];
  #seal;
  /** The secret of the current keys, in TLS 1.3. */
  #secret = Buffer.alloc(0);

  /**
   * @param {import('node:net').Socket} socket
   * @param {{ key: crypto.KeyObject, chain: Buffer[] }} identity
   */
  constructor(socket, { key, chain }) {
    this.socket = socket;
    this.key = key;
    this.chain = chain;
    this.random = crypto.randomBytes(32);
    this.group = X25519;
    const changed = () => socket.emit('changed');
    socket.on('error', changed);
    socket.on('end', () => {
      this.#ended = true;
      changed();
    });
    socket.on('close', () => {
      this.#ended = true;
      changed();
    });
    socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      changed();
    });
  }

  async #read(length) {
    while (this.#received.length < length) {
      if (this.#ended) throw new ClientGone();
      await once(this.socket, 'changed');
    }
    const bytes = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return bytes;
  }

  /** The client's next record. */
  async record() {
    const header = await this.#read(5);
    return { type: header[0], content: await this.#read(header.readUInt16BE(3)) };
  }

  /** Everything the client says until it has said all of its flight with this many records. */
  async records(count) {
    for (let left = count; left > 0; left -= 1) await this.record();
  }

  /** Waits until the client has finished its flight. */
  async ended() {
    while (!this.#ended) await once(this.socket, 'changed');
  }

  async clientHello() {
    let bytes = Buffer.alloc(0);
    while (bytes.length < 4 || bytes.length < 4 + bytes.readUIntBE(1, 3)) {
      bytes = Buffer.concat([bytes, (await this.record()).content]);
    }
    this.#transcript.push(bytes);
    this.hello = parseClientHello(bytes);
    return this.hello;
  }

  write(...parts) {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(parts));
  }

  /** A record, protected if that is where the handshake is. */
  protect(type, content, padding) {
    return this.#seal ? this.#seal.record(type, content, padding) : record(type, content);
  }

  /** Messages of the handshake, in as few records as they fit. */
  say(...messages) {
    this.note(...messages);
    const bytes = Buffer.concat(messages);
    for (let at = 0; at < bytes.length; at += MAX_RECORD) {
      this.write(this.protect(RECORD.handshake, bytes.subarray(at, at + MAX_RECORD)));
    }
  }

  /** Counts messages as sent, without sending them. */
  note(...messages) {
    this.#transcript.push(...messages);
  }

  alert(description, level = 2) {
    this.write(this.protect(RECORD.alert, Buffer.from([level, description])));
  }

  plaintextAlert(description, level = 2) {
    this.write(record(RECORD.alert, Buffer.from([level, description])));
  }

  changeCipherSpec() {
    this.write(record(RECORD.changeCipherSpec, Buffer.from([1])));
  }

  /** Waits until the kernel has everything that was written. */
  async written() {
    while (this.socket.writableLength > 0) await once(this.socket, 'drain');
  }

  end() {
    this.socket.end();
  }

  reset() {
    this.socket.resetAndDestroy();
  }

  get transcriptHash() {
    return sha256(Buffer.concat(this.#transcript));
  }

  /** @param {Partial<{ version: number, random: Buffer, session: Buffer, suite: number,
   *   compression: number, extensions: Buffer[], rest: Buffer }>} [change] */
  serverHello(change = {}) {
    const { version = 0x0303, compression = 0, rest = Buffer.alloc(0) } = change;
    if (change.random) this.random = change.random;
    return message(
      MESSAGE.serverHello,
      uint(version, 2),
      this.random,
      vector(1, change.session ?? Buffer.alloc(0)),
      uint(change.suite ?? (this.key.asymmetricKeyType.startsWith('rsa') ? 0xc02f : 0xc02b), 2),
      uint(compression, 1),
      ...(change.extensions === null
        ? []
        : [
            vector(
              2,
              ...(change.extensions ?? [extension(EXTENSION.renegotiationInfo, Buffer.alloc(1))]),
            ),
          ]),
      rest,
    );
  }

  // TLS 1.2

  certificate12(chain = this.chain) {
    return message(MESSAGE.certificate, vector(3, ...chain.map((der) => vector(3, der))));
  }

  certificateStatus(response) {
    return message(MESSAGE.certificateStatus, uint(1, 1), vector(3, response));
  }

  /** @param {Partial<{ scheme: number, group: number, point: Buffer, curveType: number,
   *   spoil: boolean, key: crypto.KeyObject }>} [change] */
  serverKeyExchange(change = {}) {
    const { group = X25519, curveType = 3, key = this.key } = change;
    const scheme = change.scheme ?? schemeOf(key);
    this.share = crypto.generateKeyPairSync('x25519');
    const own = this.share.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
    const parameters = Buffer.concat([
      uint(curveType, 1),
      uint(group, 2),
      vector(1, change.point ?? own),
    ]);
    const signed = Buffer.concat([this.hello.random, this.random, parameters]);
    const signature = sign(scheme, key, signed);
    if (change.spoil) signature[signature.length - 1] ^= 1;
    return message(MESSAGE.serverKeyExchange, parameters, uint(scheme, 2), vector(2, signature));
  }

  certificateRequest12() {
    const schemes = [0x0403, 0x0804, 0x0401];
    return message(
      MESSAGE.certificateRequest,
      vector(1, Buffer.from([1, 64])),
      vector(2, ...schemes.map((scheme) => uint(scheme, 2))),
      vector(2),
    );
  }

  serverHelloDone(content = Buffer.alloc(0)) {
    return message(MESSAGE.serverHelloDone, content);
  }

  /** Reads the client's key exchange and knows the keys from then on. */
  async clientKeyExchange() {
    let exchange;
    while (exchange === undefined) {
      const { type, content } = await this.record();
      if (type !== RECORD.handshake) throw new ClientGone();
      this.note(content);
      for (let at = 0; at < content.length; at += 4 + content.readUIntBE(at + 1, 3)) {
        if (content[at] === MESSAGE.clientKeyExchange) exchange = content.subarray(at + 4);
      }
    }
    const secret = diffieHellman(this.share.privateKey, exchange.subarray(1, 33));
    const master = prf(
      secret,
      'master secret',
      Buffer.concat([this.hello.random, this.random]),
      48,
    );
    const seed = Buffer.concat([this.random, this.hello.random]);
    const keys = prf(master, 'key expansion', seed, 40);
    this.pending = new Seal(keys.subarray(16, 32), keys.subarray(36, 40), false);
    const theirs = prf(master, 'client finished', this.transcriptHash, 12);
    this.note(message(MESSAGE.finished, theirs));
    this.master = master;
  }

  /** Encrypts the records from now on. */
  startProtection() {
    this.#seal = this.pending;
  }

  finished12() {
    return message(MESSAGE.finished, prf(this.master, 'server finished', this.transcriptHash, 12));
  }

  /** The server's first flight of TLS 1.2. */
  flight12(change = {}) {
    this.say(
      this.serverHello(change.hello),
      this.certificate12(change.chain),
      ...(change.before ?? []),
      this.serverKeyExchange(change.exchange),
      ...(change.after ?? []),
      this.serverHelloDone(),
    );
  }

  /** The server's last flight of TLS 1.2. */
  async finish12() {
    await this.clientKeyExchange();
    await this.records(2);
    this.changeCipherSpec();
    this.startProtection();
    this.say(this.finished12());
  }

  // TLS 1.3

  /** @param {Parameters<HandmadeTls['serverHello']>[0] & { group?: number, share?: Buffer,
   *   chosen?: number | null, more?: Buffer[] }} [change] `chosen`: the version */
  serverHello13(change = {}) {
    const { group = this.group, chosen = 0x0304, more = [] } = change;
    this.share = crypto.generateKeyPairSync(.../** @type {any} */ (GROUPS[this.group].generate));
    const spki = this.share.publicKey.export({ type: 'spki', format: 'der' });
    const own = spki.subarray(GROUPS[this.group].header.length);
    return this.serverHello({
      session: this.hello.session,
      suite: 0x1301,
      extensions: [
        ...(chosen ? [extension(EXTENSION.supportedVersions, uint(chosen, 2))] : []),
        extension(EXTENSION.keyShare, uint(group, 2), vector(2, change.share ?? own)),
        ...more,
      ],
      ...change,
    });
  }

  /** @param {number} group */
  retryRequest(group, more = [], { chosen = 0x0304, ...change } = {}) {
    return this.serverHello({
      random: RETRY,
      session: this.hello.session,
      suite: 0x1301,
      extensions: [
        extension(EXTENSION.supportedVersions, uint(chosen, 2)),
        ...(group ? [extension(EXTENSION.keyShare, uint(group, 2))] : []),
        ...more,
      ],
      ...change,
    });
  }

  /** Asks for another hello, and takes it in. */
  async retry(group, more, change) {
    const request = this.retryRequest(group, more, change);
    this.write(record(RECORD.handshake, request));
    const first = sha256(Buffer.concat(this.#transcript));
    this.#transcript = [message(254, first), request];
    this.random = crypto.randomBytes(32);
    if (group in GROUPS) this.group = group;
    let next = await this.record();
    if (next.type === RECORD.changeCipherSpec) next = await this.record();
    if (next.type !== RECORD.handshake) throw new ClientGone();
    this.note(next.content);
    this.hello = parseClientHello(next.content);
  }

  /** Encrypts the records from now on. */
  startProtection13() {
    const secret = diffieHellman(
      this.share.privateKey,
      this.hello.shares.get(this.group),
      this.group,
    );
    const zero = Buffer.alloc(32);
    const early = hmac(zero, zero);
    const handshake = hmac(expand(early, 'derived', sha256(Buffer.alloc(0)), 32), secret);
    const server = expand(handshake, 's hs traffic', this.transcriptHash, 32);
    this.finishedKey = expand(server, 'finished', Buffer.alloc(0), 32);
    this.mainSecret = hmac(expand(handshake, 'derived', sha256(Buffer.alloc(0)), 32), zero);
    this.#sealWith(server);
  }

  #sealWith(secret) {
    this.#secret = secret;
    const key = expand(secret, 'key', Buffer.alloc(0), 16);
    this.#seal = new Seal(key, expand(secret, 'iv', Buffer.alloc(0), 12), true);
  }

  encryptedExtensions(...extensions) {
    return message(MESSAGE.encryptedExtensions, vector(2, ...extensions));
  }

  certificateRequest13(context = Buffer.alloc(0)) {
    const schemes = vector(2, ...[0x0403, 0x0804].map((scheme) => uint(scheme, 2)));
    return message(
      MESSAGE.certificateRequest,
      vector(1, context),
      vector(2, extension(13, schemes)),
    );
  }

  /** @param {{ chain?: Buffer[], context?: Buffer, extensions?: Buffer[] }} [change] those of the
   *   first certificate */
  certificate13({ chain = this.chain, context = Buffer.alloc(0), extensions = [] } = {}) {
    const entries = chain.map((der, index) =>
      Buffer.concat([vector(3, der), vector(2, ...(index === 0 ? extensions : []))]),
    );
    return message(MESSAGE.certificate, vector(1, context), vector(3, ...entries));
  }

  /** @param {Partial<{ scheme: number, words: string, spoil: boolean, key: crypto.KeyObject,
   *   named: number }>} [change] `named`: the scheme that is named instead of the one used */
  certificateVerify(change = {}) {
    const { key = this.key, words = 'TLS 1.3, server CertificateVerify' } = change;
    const scheme = change.scheme ?? schemeOf(key);
    const content = Buffer.concat([
      Buffer.alloc(64, 0x20),
      Buffer.from(`${words}\0`),
      this.transcriptHash,
    ]);
    const signature = sign(scheme, key, content);
    if (change.spoil) signature[signature.length - 1] ^= 1;
    return message(
      MESSAGE.certificateVerify,
      uint(change.named ?? scheme, 2),
      vector(2, signature),
    );
  }

  finished13() {
    return message(MESSAGE.finished, hmac(this.finishedKey, this.transcriptHash));
  }

  /** Says hello and goes on under protection. */
  open13(change) {
    this.say(this.serverHello13(change));
    this.changeCipherSpec();
    this.startProtection13();
  }

  /** The server's certificate, and that it has the key. */
  prove13(change = {}) {
    this.say(this.certificate13(change.certificate));
    this.say(this.certificateVerify(change.verify));
  }

  /** Ends the server's flight; data follows. */
  finish13() {
    this.say(this.finished13());
    this.startData13();
  }

  startData13() {
    this.#sealWith(expand(this.mainSecret, 's ap traffic', this.transcriptHash, 32));
  }

  /** The record of a key update, after which the next keys protect sent records. */
  keyUpdate(asksForOne = false) {
    const bytes = this.protect(
      RECORD.handshake,
      message(MESSAGE.keyUpdate, Buffer.from([asksForOne ? 1 : 0])),
    );
    this.#sealWith(expand(this.#secret, 'traffic upd', Buffer.alloc(0), 32));
    return bytes;
  }

  /** The server's whole flight of TLS 1.3. */
  flight13(change = {}) {
    this.open13(change.hello);
    this.say(this.encryptedExtensions(...(change.extensions ?? [])));
    this.prove13(change);
    this.finish13();
  }

  data(text) {
    this.write(this.protect(RECORD.data, Buffer.from(text)));
  }
}

/** @param {crypto.KeyObject} privateKey @param {Buffer} share @param {number} group */
function diffieHellman(privateKey, share, group = X25519) {
  const key = Buffer.concat([GROUPS[group].header, share]);
  const publicKey = crypto.createPublicKey({ key, format: 'der', type: 'spki' });
  return crypto.diffieHellman({ privateKey, publicKey });
}

/** The client left before the script was over, as it should when the script is hostile. */
class ClientGone extends Error {}

module.exports = {
  ClientGone,
  EXTENSION,
  HandmadeTls,
  MESSAGE,
  P256,
  RECORD,
  X25519,
  extension,
  message,
  record,
  uint,
  vector,
};
