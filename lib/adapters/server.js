'use strict';

/** A listening socket whose connections are iterated. */

const tcpServer = require('../api/server.js');
const { call } = require('./call.js');
const { neutralContext } = require('../base/context.js');
const { IntrinsicPromise } = require('../base/intrinsics.js');
const { SocketError } = require('./socket-error.js');

/**
 * @typedef {{ resolve: (result: IteratorResult<number, undefined>) => void, reject: (reason: unknown) => void }}
 *   Waiting A call of `next()` that waits.
 */

/** The servers that listen. @type {Map<number, Server>} */
const servers = new Map();

/** @param {{ socketId: number, clientSocketId: number }} info */
const onAccept = ({ socketId, clientSocketId }) => servers.get(socketId)?.accept(clientSocketId);

/** @param {{ socketId: number, resultCode: number }} info */
const onAcceptError = ({ socketId, resultCode }) => servers.get(socketId)?.fail(resultCode);

/** No server lends its context to the others. */
const context = neutralContext();

class Server {
  /** Connections that no `next()` has got. @type {number[]} */
  #accepted = [];
  /** @type {Waiting[]} */
  #waiting = [];
  /** @type {{ reason: unknown } | undefined} */
  #failure;
  #paused = true;
  #closed = false;
  #signal;

  /**
   * @param {{ socketId: number, localAddress: string, localPort: number }} info
   * @param {AbortSignal} [signal]
   */
  constructor({ socketId, localAddress, localPort }, signal) {
    this.#signal = signal;
    this.socketId = socketId;
    this.address = localAddress;
    this.port = localPort;
    if (servers.size === 0) {
      context.runInAsyncScope(() => {
        tcpServer.onAccept.addListener(onAccept);
        tcpServer.onAcceptError.addListener(onAcceptError);
      });
    }
    servers.set(socketId, this);
    signal?.addEventListener('abort', this.#abort);
    if (signal?.aborted) this.#abort();
  }

  /** @param {number} clientSocketId */
  accept(clientSocketId) {
    const waiting = this.#waiting.shift();
    if (waiting) {
      waiting.resolve({ value: clientSocketId, done: false });
    } else {
      this.#accepted.push(clientSocketId);
      this.#pause(true);
    }
  }

  /** @param {number} resultCode */
  fail(resultCode) {
    this.#paused = true;
    const { socketId } = this;
    this.#end(new SocketError('accept', resultCode, { socketId }));
  }

  /** @param {unknown} reason */
  #end(reason) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.reject(reason);
    else this.#failure = { reason };
  }

  /** @param {boolean} paused */
  #pause(paused) {
    if (this.#paused === paused || this.#closed) return;
    this.#paused = paused;
    tcpServer.setPaused(this.socketId, paused, () => {});
  }

  /**
   * Connections wait in the queue of the operating system while no call of `next()` does.
   *
   * @returns {Promise<IteratorResult<number, undefined>>}
   */
  next() {
    const value = this.#accepted.shift();
    if (value !== undefined) return IntrinsicPromise.resolve({ value, done: false });
    if (this.#failure) {
      const { reason } = this.#failure;
      this.#failure = undefined;
      return IntrinsicPromise.reject(reason);
    }
    if (this.#closed) return IntrinsicPromise.resolve({ value: undefined, done: true });
    return new IntrinsicPromise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#pause(false);
    });
  }

  /** The end of a loop. */
  async return() {
    await this.close();
    return { value: undefined, done: true };
  }

  /** Stops listening, and closes the connections that no loop has got. */
  async close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener('abort', this.#abort);
    servers.delete(this.socketId);
    if (servers.size === 0) {
      tcpServer.onAccept.removeListener(onAccept);
      tcpServer.onAcceptError.removeListener(onAcceptError);
    }
    for (const { resolve } of this.#waiting.splice(0)) resolve({ value: undefined, done: true });
    const clients = this.#accepted.splice(0).map((socketId) => call('close', [socketId]));
    const server = call('close', [this.socketId], undefined, tcpServer);
    await IntrinsicPromise.allSettled([...clients, server]);
  }

  #abort = () => {
    this.#end(this.#signal?.reason);
    void this.close();
  };

  [Symbol.asyncIterator]() {
    return this;
  }
}

/**
 * @param {{ address?: string, port?: number, backlog?: number, signal?: AbortSignal }} [options]
 */
async function listen({ address = '127.0.0.1', port = 0, backlog, signal } = {}) {
  signal?.throwIfAborted();
  const { socketId } = await call('create', [], undefined, tcpServer);
  try {
    await call('setPaused', [socketId, true], undefined, tcpServer);
    await call('listen', [socketId, address, port, backlog], undefined, tcpServer);
    return new Server(await call('getInfo', [socketId], undefined, tcpServer), signal);
  } catch (error) {
    tcpServer.close(socketId, () => {});
    throw error;
  }
}

module.exports = { listen };
