'use strict';

/** A socket of the API as a Duplex of Node, for everything that takes a stream. */

const { isIPv6 } = require('node:net');
const { Duplex } = require('node:stream');
// As in a net.Socket: not the global ones, which fake timers and jsdom replace.
const { clearTimeout, setTimeout } = require('node:timers');
const { call, describeSocket } = require('./call.js');
const { capture } = require('../base/context.js');
const {
  instance: { native },
} = require('../native/instance.js');
const netErrors = require('../api/net-errors.js');
const { withNodeCode } = require('./node-errors.js');
const { Receiver } = require('./receiver.js');
const { addConsumer, removeConsumer } = require('./data-consumers.js');
const { SocketError } = require('./socket-error.js');

/** @typedef {InstanceType<typeof import('./tls-session.js').TlsSession>} TlsSession */

/** Larger writes are sent in pieces, because all sockets share the quota of pending sends. */
const PIECE = 256 * 1024;

class SocketDuplex extends Duplex {
  /** @type {Promise<number>} The id, as soon as the socket is connected. */
  #socket;
  /** @type {number | undefined} The socket whose bytes come here. */
  #attached;
  #paused = true;
  #allowHalfOpen;
  #context = capture();
  #giveUp;
  /** @type {InstanceType<typeof SocketError> | undefined} How the connection ended, for when all bytes have been read. */
  #failure;
  /** Whether the connection has ended since the stream reads it. */
  #isOver = false;
  #length = { read: 0, written: 0 };
  #unreferenced = false;
  #writing = false;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** @type {{ host: string, port: number } | undefined} */
  #peer;
  /** @type {TlsSession | undefined} */
  #session;

  /** @type {number | undefined} */
  socketId;
  connecting = true;
  encrypted = false;
  /** @type {number | undefined} */
  timeout;
  /** @type {string | undefined} */
  localAddress;
  /** @type {number | undefined} */
  localPort;
  /** @type {string | undefined} */
  remoteAddress;
  /** @type {number | undefined} */
  remotePort;

  /**
   * @param {Promise<number>} socket Fulfilled with the id of a connected socket that is paused.
   * @param {import('../../entry/duplex.js').DuplexOptions} options
   * @param {() => void} [giveUp] Makes the promise reject soon.
   */
  constructor(socket, { allowHalfOpen = false, ...options }, giveUp) {
    // The stream itself is always half open: _final says what end() does.
    super({ ...options, allowHalfOpen: true, autoDestroy: true });
    this.#allowHalfOpen = allowHalfOpen;
    this.#socket = socket;
    this.#giveUp = giveUp;
    // When the peer has closed, the connection has ended both ways.
    this.once('end', () => this.destroy());
  }

  /**
   * Has a stream read a socket from here on, beginning with the bytes that an iterator has left.
   *
   * @param {SocketDuplex} stream
   * @param {number} socketId
   */
  static attach(stream, socketId) {
    const { queue, end } = Receiver.surrender(socketId);
    stream.#attached = socketId;
    addConsumer(socketId, {
      push: stream.#inContext(stream.#onData),
      finish: stream.#inContext(stream.#onEnd),
    });
    queue.forEach(stream.#onData);
    if (end !== undefined) stream.#onEnd(end.failure);
  }

  /**
   * Tells a stream what it connects to, and whether encrypted.
   *
   * @param {SocketDuplex} stream
   * @param {{ host: string, port: number }} peer
   * @param {TlsSession} [session]
   */
  static describe(stream, peer, session) {
    stream.#peer = peer;
    stream.#session = session;
    stream.encrypted = session !== undefined;
  }

  /**
   * As those of a net.Socket, events come in the asynchronous context in which the stream was made.
   *
   * @template T
   * @param {(value: T) => void} action
   * @returns {(value: T) => void}
   */
  #inContext(action) {
    const context = this.#context;
    return context ? (value) => context.runInAsyncScope(action, undefined, value) : action;
  }

  /** @param {(error?: Error | null) => void} callback */
  async _construct(callback) {
    try {
      const socketId = await this.#socket;
      if (this.#attached === undefined) SocketDuplex.attach(this, socketId);
      this.socketId = socketId;
      const info = await call('getInfo', [socketId]);
      if (!info.connected && !this.#isOver) {
        throw new SocketError(
          'duplex',
          netErrors.ERR_SOCKET_NOT_CONNECTED,
          describeSocket(socketId),
        );
      }
      this.localAddress = info.localAddress;
      this.localPort = info.localPort;
      this.remoteAddress = info.peerAddress;
      this.remotePort = info.peerPort;
      this.connecting = false;
      if (this.#unreferenced) this.#reference();
      callback();
      this.emit('connect');
      if (this.encrypted) this.emit('secureConnect');
      this.emit('ready');
    } catch (/** @type {any} */ error) {
      this.connecting = false;
      // A stream that has been destroyed need not report that the connection came to nothing.
      callback(this.destroyed ? null : error);
    }
  }

  #onData = (/** @type {ArrayBuffer} */ data) => {
    this.#touch();
    this.#length.read += data.byteLength;
    if (!this.push(new Uint8Array(data))) this.#pause(true);
  };

  #onEnd = (/** @type {number | undefined} */ failure) => {
    this.#isOver = true;
    if (failure === undefined) {
      this.push(null);
      return;
    }
    this.#failure = withNodeCode(
      new SocketError('receive', failure, describeSocket(Number(this.#attached))),
    );
    if (this.readableLength === 0 || !this.#isConsumed()) this.destroy(this.#failure);
  };

  #isConsumed() {
    return this.readableFlowing !== null || this.listenerCount('readable') > 0;
  }

  /**
   * Reports a connection that was cut when the bytes before the cut have been read.
   *
   * @param {number} [size]
   */
  read(size) {
    const chunk = super.read(size);
    if (this.#failure && this.readableLength === 0) {
      process.nextTick(() => this.destroy(this.#failure));
    }
    return chunk;
  }

  /** @param {boolean} wanted */
  #pause(wanted) {
    if (this.#paused === wanted || this.socketId === undefined) return;
    this.#paused = wanted;
    call('setPaused', [this.socketId, wanted]).catch((error) => this.destroy(error));
  }

  _read() {
    if (!this.#failure) this.#pause(false);
  }

  /**
   * @param {Uint8Array} chunk
   * @param {BufferEncoding} _encoding
   * @param {(error?: Error | null) => void} callback
   */
  _write(chunk, _encoding, callback) {
    this.#touch();
    this.#setWriting(true);
    const done = (/** @type {Error[]} */ ...failure) => {
      this.#setWriting(false);
      this.#length.written += chunk.length;
      callback(...failure);
    };
    this.#send(chunk).then(
      () => done(),
      (error) => done(withNodeCode(error)),
    );
  }

  /** @param {Uint8Array} bytes */
  async #send(bytes) {
    let start = 0;
    do {
      await call('send', [this.socketId, bytes.subarray(start, start + PIECE)]);
      this.#touch();
      start += PIECE;
    } while (start < bytes.length);
  }

  /** @param {boolean} writing */
  #setWriting(writing) {
    this.#writing = writing;
    if (this.#unreferenced) this.#reference();
  }

  /**
   * @param {{ chunk: Uint8Array }[]} chunks
   * @param {(error?: Error | null) => void} callback
   */
  _writev(chunks, callback) {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', callback);
  }

  /**
   * The API has no half-close: the end of writing ends the connection, unless it is to stay half
   * open; then the peer is not told.
   *
   * @param {(error?: Error | null) => void} callback
   */
  async _final(callback) {
    if (this.#allowHalfOpen) {
      callback();
      return;
    }
    await this.#close();
    callback();
    // A consumer still gets what has been received. Without one, the stream has no reason to wait.
    if (!this.readableEnded) this.push(null);
    if (!this.#isConsumed()) this.resume();
  }

  /** Closes the socket, unless it is gone already. */
  async #close() {
    const socketId = this.#attached;
    if (socketId === undefined) return;
    this.#attached = undefined;
    removeConsumer(socketId);
    await call('close', [socketId]).catch(() => {});
  }

  /** @param {Error} [error] */
  destroy(error) {
    // The base class waits for _construct.
    if (this.connecting) this.#giveUp?.();
    return super.destroy(error);
  }

  /**
   * @param {Error | null} error
   * @param {(error?: Error | null) => void} callback
   */
  async _destroy(error, callback) {
    clearTimeout(this.#timer);
    // A socket that is still being connected is closed when that fails.
    await this.#socket.catch(() => undefined);
    await this.#close();
    callback(error);
  }

  // ---- What clients expect of a net.Socket besides the stream; docs/streams.md has the table -------

  /**
   * For clients that connect the stream that they are given, as pg does: it connects by itself.
   *
   * @param {number | string} port
   * @param {string} [host]
   */
  connect(port, host = 'localhost') {
    const peer = this.#peer;
    if (peer && (peer.port !== Number(port) || peer.host !== host)) {
      const [here, there] = [`${peer.host}:${peer.port}`, `${host}:${port}`];
      throw new Error(`connect: the stream connects to ${here} already, not to ${there}`);
    }
    return this;
  }

  /** @param {boolean} [noDelay] */
  setNoDelay(noDelay = true) {
    return this.#setOption('setNoDelay', [noDelay]);
  }

  /**
   * @param {boolean} [enable]
   * @param {number} [initialDelay] Milliseconds, as for a net.Socket.
   */
  setKeepAlive(enable = false, initialDelay = 0) {
    return this.#setOption('setKeepAlive', [enable, Math.floor(initialDelay / 1000)]);
  }

  /**
   * As with a net.Socket, an option that cannot be set is no error.
   *
   * @param {string} method
   * @param {unknown[]} args
   */
  #setOption(method, args) {
    this.#socket.then((socketId) => call(method, [socketId, ...args])).catch(() => {});
    return this;
  }

  /**
   * @param {number} milliseconds
   * @param {() => void} [callback]
   */
  setTimeout(milliseconds, callback) {
    this.timeout = milliseconds;
    if (callback && milliseconds > 0) this.once('timeout', callback);
    if (callback && milliseconds === 0) this.off('timeout', callback);
    this.#touch();
    return this;
  }

  #touch() {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.timeout || this.destroyed) return;
    this.#timer = setTimeout(() => this.emit('timeout'), this.timeout);
    this.#timer.unref();
  }

  get pending() {
    return this.connecting || this.destroyed;
  }

  get readyState() {
    if (this.connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  get bytesRead() {
    return this.#length.read;
  }

  /** Includes the bytes that wait to be written. */
  get bytesWritten() {
    return this.#length.written + this.writableLength;
  }

  get localFamily() {
    return familyOf(this.localAddress);
  }

  get remoteFamily() {
    return familyOf(this.remoteAddress);
  }

  address() {
    const { localAddress: address, localPort: port, localFamily: family } = this;
    return address === undefined ? {} : { address, family, port };
  }

  get alpnProtocol() {
    return this.#session?.alpnProtocol;
  }

  get authorized() {
    return this.#session?.authorized;
  }

  /** A stream whose certificate is refused never connects. */
  get authorizationError() {
    return this.#session && null;
  }

  get servername() {
    return this.#session?.servername;
  }

  getCipher() {
    return this.#session?.cipher;
  }

  getPeerCertificate() {
    if (this.destroyed) return null;
    return this.#session?.certificate?.toLegacyObject() ?? {};
  }

  getPeerX509Certificate() {
    return this.#session?.certificate;
  }

  getProtocol() {
    return this.#session?.version ?? null;
  }

  /** Destroys the stream when everything is written. */
  destroySoon() {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', this.destroy);
  }

  /** Has the connection keep the process alive, which is the default. */
  ref() {
    return this.#setReferenced(true);
  }

  /** The process may end although the stream is connected, but not while it connects or writes. */
  unref() {
    return this.#setReferenced(false);
  }

  /** @param {boolean} referenced */
  #setReferenced(referenced) {
    const changes = this.#unreferenced === referenced;
    this.#unreferenced = !referenced;
    if (changes) this.#reference();
    return this;
  }

  #reference() {
    if (this.socketId === undefined || this.connecting || this.#attached === undefined) return;
    native.reference(this.socketId, this.#writing || !this.#unreferenced);
  }
}

/** @param {string | undefined} address */
function familyOf(address) {
  if (address === undefined) return undefined;
  return isIPv6(address) ? 'IPv6' : 'IPv4';
}

module.exports = { SocketDuplex };
