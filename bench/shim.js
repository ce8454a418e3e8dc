'use strict';

/**
 * `chrome.sockets.tcp` in plain JavaScript on Node's `net` and `tls`: the code that a capable
 * porter would write. It has the same methods, callbacks and events, and lacks the same things as
 * most ports: argument checks, Chromium's verdicts on certificates, its order of events at the end
 * of a connection, microtasks between two events of one chunk.
 */

const net = require('node:net');
const tls = require('node:tls');

const DEFAULT_BUFFER_SIZE = 4096;
const FAMILIES = /** @type {Record<string, number>} */ ({ any: 0, ipv4: 4, ipv6: 6 });
const CODES = /** @type {Record<string, number>} */ ({
  ECONNREFUSED: -102,
  ECONNRESET: -101,
  ENOTFOUND: -105,
  ETIMEDOUT: -118,
});
const FAILED = -2;
const CONNECTION_CLOSED = -100;
const NOT_CONNECTED = -15;

/** @type {{ lastError?: { message: string } }} */
const runtime = {};

class Event {
  /** @type {Function[]} */
  #listeners = [];

  /** @param {Function} listener */
  addListener(listener) {
    if (!this.#listeners.includes(listener)) this.#listeners = [...this.#listeners, listener];
  }

  /** @param {Function} listener */
  removeListener(listener) {
    this.#listeners = this.#listeners.filter((other) => other !== listener);
  }

  /** @param {Function} listener */
  hasListener(listener) {
    return this.#listeners.includes(listener);
  }

  /** @param {object} info */
  dispatch(info) {
    for (const listener of this.#listeners) listener(info);
  }
}

/**
 * @typedef {object} Entry
 * @property {number} socketId
 * @property {{ persistent: boolean, name: string, bufferSize: number }} properties
 * @property {boolean} paused
 * @property {net.Socket | null} socket
 * @property {string} host
 * @property {Buffer | null} rest data that arrived but was not delivered because of a pause
 */

/** @type {Map<number, Entry>} */
const entries = new Map();
const onReceive = new Event();
const onReceiveError = new Event();
let nextId = 1;

/**
 * Calls a callback later, with `lastError` where something went wrong.
 *
 * @param {Function | undefined} callback
 * @param {string | null} failure
 * @param {unknown[]} args
 */
function answer(callback, failure, ...args) {
  if (!callback) return;
  queueMicrotask(() => reply(callback, failure, args));
}

/**
 * @param {Function | undefined} callback
 * @param {string | null} failure
 * @param {unknown[]} args
 */
function reply(callback, failure, args) {
  if (!callback) return;
  if (failure === null) return callback(...args);
  runtime.lastError = { message: failure };
  try {
    callback(...args);
  } finally {
    delete runtime.lastError;
  }
}

/**
 * @param {Entry} entry
 * @param {Buffer} chunk
 */
function deliver(entry, chunk) {
  const { bufferSize } = entry.properties;
  const { socketId } = entry;
  for (let start = 0; start < chunk.length; start += bufferSize) {
    if (entry.paused || !entry.socket) {
      entry.rest = chunk.subarray(start);
      return;
    }
    const from = chunk.byteOffset + start;
    const to = chunk.byteOffset + Math.min(start + bufferSize, chunk.length);
    onReceive.dispatch({ socketId, data: chunk.buffer.slice(from, to) });
  }
}

/**
 * @param {Entry} entry
 * @param {net.Socket} socket
 */
function attach(entry, socket) {
  entry.socket = socket;
  const ended = () => {
    if (entry.socket !== socket) return;
    entry.socket = null;
    socket.destroy();
    const { socketId } = entry;
    onReceiveError.dispatch({ socketId, resultCode: CONNECTION_CLOSED });
  };
  socket.on('data', (chunk) => deliver(entry, chunk));
  socket.on('end', ended);
  socket.on('error', ended);
  if (entry.paused) socket.pause();
}

/** @param {Error & { code?: string }} error */
function codeOf(error) {
  return CODES[error.code ?? ''] ?? FAILED;
}

const tcp = {
  onReceive,
  onReceiveError,

  /** @param {any} args */
  create(...args) {
    const callback = args.pop();
    const { persistent = false, name = '', bufferSize = DEFAULT_BUFFER_SIZE } = args[0] ?? {};
    const socketId = nextId++;
    entries.set(socketId, {
      socketId,
      properties: { persistent, name, bufferSize },
      paused: false,
      socket: null,
      host: '',
      rest: null,
    });
    answer(callback, null, { socketId });
  },

  /** @param {number} socketId @param {any} properties @param {Function} [callback] */
  update(socketId, properties, callback) {
    const entry = entries.get(socketId);
    if (!entry) return answer(callback, 'Socket not found');
    Object.assign(entry.properties, properties);
    answer(callback, null);
  },

  /** @param {number} socketId @param {boolean} paused @param {Function} [callback] */
  setPaused(socketId, paused, callback) {
    const entry = entries.get(socketId);
    if (!entry) return answer(callback, 'Socket not found');
    const { socket } = entry;
    entry.paused = paused;
    if (socket && paused) socket.pause();
    if (socket && !paused) {
      const { rest } = entry;
      entry.rest = null;
      if (rest) queueMicrotask(() => deliver(entry, rest));
      socket.resume();
    }
    answer(callback, null);
  },

  /** @param {number} socketId @param {boolean} enable @param {...any} args */
  setKeepAlive(socketId, enable, ...args) {
    const callback = args.pop();
    const entry = entries.get(socketId);
    if (!entry?.socket) return answer(callback, 'net::ERR_FAILED', FAILED);
    entry.socket.setKeepAlive(enable, (args[0] ?? 0) * 1000);
    answer(callback, null, 0);
  },

  /** @param {number} socketId @param {boolean} noDelay @param {Function} callback */
  setNoDelay(socketId, noDelay, callback) {
    const entry = entries.get(socketId);
    if (!entry?.socket) return answer(callback, 'net::ERR_FAILED', FAILED);
    entry.socket.setNoDelay(noDelay);
    answer(callback, null, 0);
  },

  /** @param {number} socketId @param {string} host @param {number} port @param {...any} args */
  connect(socketId, host, port, ...args) {
    const callback = args.pop();
    const entry = entries.get(socketId);
    if (!entry) return answer(callback, 'Socket not found', FAILED);
    entry.host = host;
    const family = FAMILIES[args[0] ?? 'any'];
    const socket = net.connect({ host, port, family, noDelay: true });
    const failed = (/** @type {Error} */ error) => {
      reply(callback, error.message, [codeOf(error)]);
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.removeListener('error', failed);
      attach(entry, socket);
      reply(callback, null, [0]);
    });
  },

  /** @param {number} socketId @param {Function} [callback] */
  disconnect(socketId, callback) {
    const entry = entries.get(socketId);
    if (!entry) return answer(callback, 'Socket not found');
    const { socket } = entry;
    entry.socket = null;
    entry.rest = null;
    socket?.destroy();
    answer(callback, null);
  },

  /** @param {number} socketId @param {...any} args */
  secure(socketId, ...args) {
    const callback = args.pop();
    const entry = entries.get(socketId);
    const plain = entry?.socket;
    if (!entry || !plain) return answer(callback, 'Socket not connected', NOT_CONNECTED);
    plain.removeAllListeners();
    const { min, max } = args[0]?.tlsVersion ?? {};
    const version = (/** @type {string} */ name) =>
      name && /** @type {tls.SecureVersion} */ (name.replace('tls', 'TLSv').replace('v1.0', 'v1'));
    const { host } = entry;
    const socket = tls.connect({
      socket: plain,
      host,
      servername: net.isIP(host) ? '' : host,
      ...(min && { minVersion: version(min) }),
      ...(max && { maxVersion: version(max) }),
    });
    const failed = (/** @type {Error} */ error) => {
      entries.delete(socketId);
      reply(callback, error.message, [codeOf(error)]);
    };
    socket.once('error', failed);
    socket.once('secureConnect', () => {
      socket.removeListener('error', failed);
      attach(entry, socket);
      reply(callback, null, [0]);
    });
  },

  /** @param {number} socketId @param {ArrayBuffer} data @param {Function} callback */
  send(socketId, data, callback) {
    const socket = entries.get(socketId)?.socket;
    if (!socket) {
      return answer(callback, 'net::ERR_SOCKET_NOT_CONNECTED', { resultCode: NOT_CONNECTED });
    }
    const bytesSent = data.byteLength;
    socket.write(new Uint8Array(data), (error) => {
      if (error) reply(callback, error.message, [{ resultCode: codeOf(error) }]);
      else reply(callback, null, [{ bytesSent, resultCode: 0 }]);
    });
  },

  /** @param {number} socketId @param {Function} [callback] */
  close(socketId, callback) {
    const entry = entries.get(socketId);
    if (!entry) return answer(callback, 'Socket not found');
    entries.delete(socketId);
    const { socket } = entry;
    entry.socket = null;
    entry.rest = null;
    if (!socket || socket.destroyed) return answer(callback, null);
    socket.once('close', () => reply(callback, null, []));
    socket.destroy();
  },

  /** @param {number} socketId @param {Function} callback */
  getInfo(socketId, callback) {
    const entry = entries.get(socketId);
    if (!entry) return answer(callback, 'Socket not found');
    answer(callback, null, describe(entry));
  },

  /** @param {Function} callback */
  getSockets(callback) {
    answer(callback, null, Array.from(entries.values(), describe));
  },
};

/** @param {Entry} entry */
function describe({ socketId, properties, paused, socket }) {
  const ends = socket && {
    localAddress: socket.localAddress,
    localPort: socket.localPort,
    peerAddress: socket.remoteAddress,
    peerPort: socket.remotePort,
  };
  return { socketId, ...properties, paused, connected: socket !== null, ...ends };
}

module.exports = { tcp, runtime };
