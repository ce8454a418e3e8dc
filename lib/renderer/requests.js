'use strict';

/**
 * The calls that native code has still to answer, and the one function through which it answers.
 */

const { CallPromise } = require('./call-promise.js');
const { noteCause } = require('./causes.js');
const { capture } = require('../base/context.js');
const {
  ACCEPT,
  ACCEPT_ERROR,
  COMPLETE,
  DETACHED,
  RECEIVE,
  RECEIVE_ERROR,
} = require('../base/deliveries.js');
const { emit } = require('./event.js');
const { call, callWithLastError, reportUnchecked } = require('./last-error.js');

/**
 * @typedef {import('./event.js').Event} Event
 * @typedef {import('./namespace.js').NativeHalf} NativeHalf
 *
 * @typedef {(code: number, value: any) => unknown[]} Answer Makes the callback's arguments of the
 *   net error code and what was known when the call was made or came with the completion.
 *
 * @typedef {object} Request
 * @property {number} id
 * @property {Answer} answer
 * @property {any} value
 * @property {Function | undefined} callback
 * @property {ReturnType<typeof capture>} context In which the callback runs.
 * @property {InstanceType<typeof CallPromise> | undefined} result In the place of a callback, where
 *   promises are returned.
 * @property {Promise<any> | undefined} promise That of `result`.
 */

/** The length of the ring of {@link Pending}: a power of two. */
const RING = 1024;

/**
 * @callback Deliver Called once per result or event, never inside a call of the API.
 * @param {number} kind
 * @param {number} id Of the request or, for events, of the socket.
 * @param {number | undefined} code A net error code; `undefined` where the callback of a failed call
 *   gets no argument.
 * @param {string | ArrayBuffer} [payload] The text of the error or the bytes received.
 * @param {unknown} [value] The result of a call that has returned none; of a receive error, the reason why the
 *   connection did not end in order; the socket of an accepted connection.
 * @returns {void}
 */

/**
 * The requests that have not ended. Their numbers are consecutive and most end soon, so the slot of a
 * ring holds each. A request that is still pending when its slot comes round again moves to a map.
 *
 * A map alone would cost more: V8 links the table of a map to the table that replaces it. When a full
 * garbage collection has promoted one table, the link keeps all later ones, with the requests in them,
 * until the next full collection.
 */
class Pending {
  /** @type {(Request | undefined)[]} */
  #ring = new Array(RING).fill(undefined);
  /** @type {Map<number, Request>} */
  #old = new Map();

  /** @param {Request} request */
  add(request) {
    const slot = request.id % RING;
    const previous = this.#ring[slot];
    if (previous) this.#old.set(previous.id, previous);
    this.#ring[slot] = request;
  }

  /**
   * @param {number} id
   * @returns {Request | undefined} The request, which is no longer pending.
   */
  take(id) {
    const slot = id % RING;
    const request = this.#ring[slot];
    if (request?.id === id) {
      this.#ring[slot] = undefined;
      return request;
    }
    const old = this.#old.get(id);
    this.#old.delete(id);
    return old;
  }
}

class Requests {
  #native;
  #events;
  #returnsPromises;
  #publishReceiveError;
  #nextId = 0;
  #attached = false;

  #pending = new Pending();

  /**
   * @param {NativeHalf} native
   * @param {Record<'onReceive' | 'onReceiveError' | 'onAccept' | 'onAcceptError', Event>} events
   * @param {object} hooks
   * @param {() => boolean} hooks.returnsPromises
   * @param {(socketId: number, code: number | undefined) => void} [hooks.publishReceiveError]
   */
  constructor(native, events, { returnsPromises, publishReceiveError }) {
    this.#native = native;
    this.#events = events;
    this.#returnsPromises = returnsPromises;
    this.#publishReceiveError = publishReceiveError;
  }

  /** Lets native code deliver until it reports `DETACHED`. */
  attach() {
    if (this.#attached) {
      this.#native.keepLoop?.();
      return;
    }
    this.#native.attach(this.#deliver);
    this.#attached = true;
  }

  /**
   * Notes a call that native code is about to get.
   *
   * @param {Function | undefined} callback
   * @param {Answer} answer
   * @returns {Request}
   */
  begin(callback, answer) {
    this.attach();
    const result =
      callback === undefined && this.#returnsPromises() ? new CallPromise() : undefined;
    const context = callback && capture();
    // Behind the new promise and context: the hooks that node:async_hooks runs for them may make calls.
    const id = this.#nextId;
    this.#nextId = (id + 1) >>> 0;
    const promise = result?.promise;
    const request = { id, answer, value: undefined, callback, context, result, promise };
    this.#pending.add(request);
    return request;
  }

  /** @type {Deliver} */
  #deliver = (kind, id, code, payload, value) => {
    switch (kind) {
      case COMPLETE:
        this.#complete(id, code, /** @type {string | undefined} */ (payload), value);
        break;
      case RECEIVE:
        emit(this.#events.onReceive, { data: payload, socketId: id });
        break;
      case ACCEPT:
        emit(this.#events.onAccept, { clientSocketId: value, socketId: id });
        break;
      case ACCEPT_ERROR:
        emit(this.#events.onAcceptError, { resultCode: code, socketId: id });
        break;
      case RECEIVE_ERROR:
        this.#receiveError(id, code, /** @type {number | undefined} */ (value));
        break;
      case DETACHED:
        this.#attached = false;
        break;
    }
  };

  /**
   * @param {number} socketId
   * @param {number | undefined} code
   * @param {number | undefined} cause
   */
  #receiveError(socketId, code, cause) {
    this.#publishReceiveError?.(socketId, code);
    const info = { resultCode: code, socketId };
    noteCause(info, cause);
    emit(this.#events.onReceiveError, info);
  }

  /**
   * @param {number} id
   * @param {number | undefined} code
   * @param {string | undefined} failure
   * @param {unknown} [value]
   */
  #complete(id, code, failure, value) {
    const request = this.#pending.take(id);
    if (!request) return;
    const args = code === undefined ? [] : request.answer(code, value ?? request.value);
    const { context } = request;
    if (context) context.runInAsyncScope(answer, undefined, request, failure, args);
    else answer(request, failure, args);
  }
}

/**
 * @param {Request} request
 * @param {string | undefined} failure
 * @param {unknown[]} args
 */
function answer({ callback, result }, failure, args) {
  if (failure === undefined) {
    if (callback) call(callback, args);
    else result?.resolve(args[0]);
  } else {
    if (callback) callWithLastError(failure, callback, args);
    else if (result) result.reject(failure);
    else reportUnchecked(failure);
  }
}

module.exports = { Requests };
