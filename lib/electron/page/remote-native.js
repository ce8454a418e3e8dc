'use strict';

const { RECEIVE } = require('../../requests.js');
const { RECEIPT, costOf } = require('../credit.js');

/** What is gathered at most, in calls and in bytes. */
const MOST_CALLS = 1024;
const MOST_BYTES = 256 * 1024;

const resolved = Promise.resolve();
const { then } = Promise.prototype;

/**
 * Not queueMicrotask, which fake timers replace, nor whatever may have replaced `then`.
 *
 * @param {() => void} job
 */
function inMicrotask(job) {
  Reflect.apply(then, resolved, [job]);
}

/**
 * The native half as a page has it: every call becomes a message to the main process, where
 * ../application.js performs it. The calls of one tick go as one message and are performed in a row,
 * as calls of the native half itself are.
 */
class RemoteNative {
  #port;

  /** @type {unknown[][]} */
  #calls = [];
  #bytes = 0;
  #scheduled = false;

  /** What was taken in and not said yet: how many events, and what they cost. */
  #received = 0;
  #cost = 0;

  /** @type {Function} */
  #deliver = () => {};

  /**
   * @param {any} port A MessagePort of the page.
   */
  constructor(port) {
    this.#port = port;
    port.onmessage = (/** @type {{ data: [number, number, any, any, any] }} */ { data }) => {
      const [kind, , , payload] = data;
      this.#deliver(...data);
      if (kind === RECEIVE) this.#confirm(payload.byteLength);
    };
  }

  /**
   * @param {Function} deliver
   */
  attach(deliver) {
    this.#deliver = deliver;
  }

  /**
   * @param {number} request
   * @param {number} socketId
   * @param {Uint8Array} data
   */
  send(request, socketId, data) {
    // A copy, because it is posted later, and with the whole of its buffer.
    this.#call(['send', request, socketId, data.slice()], data.length);
  }

  /**
   * @param {number} first
   * @param {number} count
   * @param {Int32Array} headers
   * @param {Uint8Array} bytes
   */
  sendGathered(first, count, headers, bytes) {
    const used = headers.slice(0, 2 * count);
    let length = 0;
    for (let i = 1; i < used.length; i += 2) length += used[i];
    this.#call(['sendGathered', first, count, used, bytes.slice(0, length)], length);
  }

  /**
   * @param {unknown[]} call The method and its arguments.
   * @param {number} [length] How many bytes it carries.
   */
  #call(call, length = 0) {
    this.#calls.push(call);
    this.#bytes += length;
    if (this.#calls.length === MOST_CALLS || this.#bytes >= MOST_BYTES) this.#flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    inMicrotask(this.#afterSends);
  }

  /** Small sends of this tick are gathered (../../sends.js) and called in a microtask of their own. */
  #afterSends = () => inMicrotask(this.#flushScheduled);

  #flushScheduled = () => {
    this.#scheduled = false;
    this.#flush();
  };

  #flush() {
    const calls = this.#calls;
    if (calls.length === 0) return;
    this.#calls = [];
    this.#bytes = 0;
    this.#port.postMessage(calls);
  }

  /**
   * Says, every now and then, what was taken in.
   *
   * @param {number} length
   */
  #confirm(length) {
    this.#received += 1;
    this.#cost += costOf(length);
    if (this.#cost < RECEIPT) return;
    this.#call(['received', this.#received]);
    this.#received = 0;
    this.#cost = 0;
  }

  static {
    /** Methods whose arguments go as they are. */
    for (const method of /** @type {const} */ ([
      'close',
      'connect',
      'create',
      'disconnect',
      'getInfo',
      'getSockets',
      'listen',
      'secure',
      'setKeepAlive',
      'setNoDelay',
      'setPaused',
      'update',
    ])) {
      /** @type {any} */ (this.prototype)[method] =
        /** @this {RemoteNative} @param {unknown[]} args */
        function (...args) {
          this.#call([method, ...args]);
        };
    }
  }
}

module.exports = { RemoteNative, MOST_CALLS };
