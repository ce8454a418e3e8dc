'use strict';

/**
 * The calls that native code has still to answer, and the one function through which it answers.
 */

const { CallPromise } = require('./call-promise.js');
const { emit } = require('./event.js');
const { call, callWithLastError } = require('./last-error.js');
const { noteOrigin } = require('./raise.js');

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
 * @property {InstanceType<typeof CallPromise> | undefined} result In the place of a callback.
 * @property {Promise<any> | undefined} promise That of `result`.
 */

// Fake timers replace the global one.
const { setImmediate } = require('node:timers');

/** What native code delivers; see src/event.rs. */
const COMPLETE = 0;
const RECEIVE = 1;
const RECEIVE_ERROR = 2;
const DETACHED = 3;
const LINGER = 4;

/**
 * @param {ArrayBuffer | Uint8Array} bytes
 * @returns {ArrayBuffer} With these bytes and no others.
 */
function bufferOf(bytes) {
  if (!ArrayBuffer.isView(bytes)) return bytes;
  const buffer = /** @type {ArrayBuffer} */ (bytes.buffer);
  return buffer.byteLength === bytes.byteLength
    ? buffer
    : buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

/**
 * What is to be done when native code asks to linger: it looks for an answer once per turn of the
 * event loop, which is kept from going to sleep and from nothing else.
 *
 * @param {{ linger(): boolean }} native
 */
function createLinger(native) {
  const look = () => {
    if (native.linger()) setImmediate(look);
  };
  return () => void setImmediate(look);
}

class Requests {
  #native;
  #linger;
  #onReceive;
  #onReceiveError;
  #publishReceiveError;
  #nextId = 0;
  #attached = false;

  /** @type {Map<number, Request>} */
  #pending = new Map();

  /** @type {number[]} Requests that have succeeded, and how many of them have ended. */
  #succeeded = [];
  #ended = 0;

  /**
   * @param {NativeHalf} native
   * @param {{ onReceive: Event, onReceiveError: Event }} events
   * @param {(socketId: number, code: number | undefined) => void} [publishReceiveError]
   */
  constructor(native, { onReceive, onReceiveError }, publishReceiveError) {
    this.#native = native;
    this.#linger = createLinger(native);
    this.#onReceive = onReceive;
    this.#onReceiveError = onReceiveError;
    this.#publishReceiveError = publishReceiveError;
  }

  /** Lets native code deliver, until it says that it has nothing more to deliver. */
  attach() {
    if (this.#attached) return;
    this.#native.attach(/** @type {any} */ (this.#deliver));
    this.#attached = true;
    noteOrigin();
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
    const id = this.#nextId;
    this.#nextId = (id + 1) >>> 0;
    const result = callback === undefined ? new CallPromise() : undefined;
    const request = { id, answer, value: undefined, callback, result, promise: result?.promise };
    this.#pending.set(id, request);
    return request;
  }

  /**
   * Called by native code, once per result or event, never inside a call of the API.
   *
   * @param {number} kind
   * @param {number} id Of the request or, for events, of the socket.
   * @param {number | undefined} code A net error code; `undefined` where the callback of a failed
   *   call gets no argument.
   * @param {string | ArrayBuffer | Uint8Array | undefined} payload The text of the error or the bytes
   *   received.
   * @param {unknown} [value] What the call gives, where it has returned nothing.
   */
  #deliver = (kind, id, code, payload, value) => {
    switch (kind) {
      case COMPLETE:
        this.#complete(id, code, /** @type {string | undefined} */ (payload), value);
        break;
      case RECEIVE:
        emit(this.#onReceive, { data: bufferOf(/** @type {any} */ (payload)), socketId: id });
        break;
      case RECEIVE_ERROR:
        this.#publishReceiveError?.(id, code);
        emit(this.#onReceiveError, { resultCode: code, socketId: id });
        break;
      case DETACHED:
        this.#attached = false;
        break;
      case LINGER:
        this.#linger();
        break;
    }
  };

  /**
   * Ends requests that native code says have succeeded. One per immediate: Node runs microtasks
   * between two of them as between two deliveries, of which there is none until all have ended.
   *
   * @param {number} first The number of the first; those of the others follow it.
   * @param {number} count
   */
  endSucceeded(first, count) {
    for (let offset = 0; offset < count; offset++) {
      this.#succeeded.push((first + offset) >>> 0);
      setImmediate(this.#endNext);
    }
  }

  #endNext = () => {
    const id = this.#succeeded[this.#ended];
    this.#ended += 1;
    if (this.#ended === this.#succeeded.length) {
      this.#succeeded = [];
      this.#ended = 0;
    }
    this.#complete(id, 0, undefined);
    if (this.#succeeded.length === 0) this.#native.succeededEnded();
  };

  /**
   * @param {number} id
   * @param {number | undefined} code
   * @param {string | undefined} failure
   * @param {unknown} [value]
   */
  #complete(id, code, failure, value) {
    const request = this.#pending.get(id);
    if (!request) return;
    this.#pending.delete(id);
    const { callback, result } = request;
    const args = code === undefined ? [] : request.answer(code, value ?? request.value);
    if (failure === undefined) {
      if (callback) call(callback, args);
      else result?.resolve(args[0]);
    } else {
      if (callback) callWithLastError(failure, callback, args);
      else result?.reject(failure);
    }
  }
}

module.exports = {
  Requests,
  bufferOf,
  createLinger,
  COMPLETE,
  RECEIVE,
  RECEIVE_ERROR,
  DETACHED,
  LINGER,
};
