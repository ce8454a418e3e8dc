'use strict';

/** The twelve methods as promises, and what a socket receives as an async iterator. */

const { call, describeSocket } = require('./call.js');
const { IntrinsicPromise } = require('../base/intrinsics.js');
const { Receiver } = require('./receiver.js');
const { SocketError, traceOf } = require('./socket-error.js');
const { listen } = require('./server.js');

/** Methods that wait for a peer, and how many arguments can stand before their `{ signal }`. */
const ABORTABLE = new Map([
  ['connect', 4],
  ['secure', 2],
]);

/**
 * @param {string} method
 * @returns {(...args: unknown[]) => Promise<any>}
 */
function promised(method) {
  const before = ABORTABLE.get(method);
  if (before === undefined) return (...args) => awaited(method, args);
  return function caller(...args) {
    const trace = traceOf(caller);
    const last = args.at(-1);
    if (!isAbortable(last, method, args.length > before)) return call(method, args, trace);
    const rest = args.slice(0, -1);
    return last?.signal
      ? callUnlessAborted(method, rest, last.signal, trace)
      : call(method, rest, trace);
  };
}

/**
 * Calls a method that is as fast as the capture of a stack would be. An error gets the frames of the
 * functions that await it instead.
 *
 * @param {string} method
 * @param {unknown[]} args
 */
async function awaited(method, args) {
  try {
    return await call(method, args);
  } catch (error) {
    if (error instanceof SocketError) Error.captureStackTrace(error, awaited);
    throw error;
  }
}

/**
 * @param {unknown} value The last argument of a call.
 * @param {string} method
 * @param {boolean} isLast Whether all other arguments stand before it.
 * @returns {value is { signal?: AbortSignal } | null | undefined}
 */
function isAbortable(value, method, isLast) {
  if (value === undefined || value === null) return isLast;
  if (typeof value !== 'object') return false;
  if ('signal' in value) return true;
  // In `secure(id, {})` these are the options of TLS.
  return Object.keys(value).length === 0 && (isLast || method === 'connect');
}

/**
 * @param {string} method
 * @param {unknown[]} args
 * @param {AbortSignal} signal
 * @param {object} trace
 */
async function callUnlessAborted(method, args, signal, trace) {
  /** @type {(reason: unknown) => void} */
  let abort = () => {};
  const aborted = new IntrinsicPromise((_resolve, reject) => (abort = reject));
  const onAbort = () => abort(signal.reason);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  const called = signal.aborted ? aborted : call(method, args, trace);
  try {
    return await IntrinsicPromise.race([called, aborted]);
  } catch (error) {
    // A look-up of a name cannot be cancelled, so the socket is closed.
    if (signal.aborted) await close(args[0]);
    called.catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Makes a socket that is paused, so that what it receives stays with the system until it is read.
 *
 * @param {unknown[]} args
 */
async function create(...args) {
  const info = await awaited('create', args);
  await awaited('setPaused', [info.socketId, true]);
  return info;
}

/**
 * Closes a socket, unless it is gone already: a failed `secure()` and an aborted call close it, too.
 *
 * @param {...unknown} args
 */
async function close(...args) {
  try {
    await awaited('close', args);
  } catch (error) {
    if (!(error instanceof SocketError && error.code === 'ERR_SOCKET_NOT_FOUND')) throw error;
  }
}

/**
 * Of methods behind which another connection, or none, begins.
 *
 * @param {(...args: any[]) => Promise<any>} method
 * @param {(socketId: number, ...args: unknown[]) => void} onFulfilled
 */
function followed(method, onFulfilled) {
  return async (/** @type {[number, ...unknown[]]} */ ...args) => {
    const result = await method(...args);
    onFulfilled(...args);
    return result;
  };
}

/**
 * @param {number} socketId
 * @param {{ signal?: AbortSignal, highWaterMark?: number }} [options]
 */
function received(socketId, { signal, highWaterMark = 65_536 } = {}) {
  /** @type {InstanceType<typeof Receiver> | Error} */
  let receiver;
  try {
    // Before the first next(): bytes that arrive until then wait for it.
    receiver = Receiver.claim(socketId, highWaterMark);
  } catch (/** @type {any} */ error) {
    receiver = error;
  }
  return iterate(socketId, receiver, signal);
}

/**
 * @param {number} socketId
 * @param {InstanceType<typeof Receiver> | Error} receiver
 * @param {AbortSignal | undefined} signal
 */
async function* iterate(socketId, receiver, signal) {
  signal?.throwIfAborted();
  if (receiver instanceof Error) throw receiver;
  receiver.take();
  const wake = () => receiver.wake();
  signal?.addEventListener('abort', wake);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const data = receiver.shift();
      if (data !== undefined) {
        yield data;
        continue;
      }
      const end = receiver.takeEnd();
      if (end === undefined) {
        await receiver.something();
        continue;
      }
      if (end.failure === undefined) return;
      throw new SocketError('receive', end.failure, describeSocket(socketId));
    }
  } finally {
    signal?.removeEventListener('abort', wake);
    await receiver.release();
  }
}

// One by one, so that ES modules can import them by name.
exports.close = followed(close, Receiver.ended);
exports.connect = followed(promised('connect'), Receiver.discard);
exports.create = create;
exports.disconnect = followed(promised('disconnect'), Receiver.ended);
exports.getInfo = promised('getInfo');
exports.getSockets = promised('getSockets');
exports.secure = promised('secure');
exports.send = promised('send');
exports.setKeepAlive = promised('setKeepAlive');
exports.setNoDelay = promised('setNoDelay');
exports.setPaused = followed(promised('setPaused'), (socketId, paused) => {
  if (!paused) Receiver.discard(socketId);
});
exports.update = promised('update');
exports.received = received;
exports.listen = listen;
exports.SocketError = SocketError;
