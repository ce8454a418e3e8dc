'use strict';

const { COMPLETE } = require('../../base/deliveries.js');
const { RECEIPT, costOf, costOfAnswer } = require('../credit.js');
const { MAX_CALLS, MAX_UNANSWERED } = require('../limits.js');

/** A message is posted when its calls carry that many bytes or get that many answers. */
const BATCH_BYTES = 256 * 1024;
const BATCH_ANSWERS = 8192;

/** With that many calls without an answer, the others wait, so that the page is not ended. */
const MAX_POSTED = MAX_UNANSWERED / 2;

const resolved = Promise.resolve();
const { then } = Promise.prototype;

/**
 * queueMicrotask and `then` may be replaced, for example by fake timers.
 *
 * @param {() => void} job
 */
function inMicrotask(job) {
  Reflect.apply(then, resolved, [job]);
}

/**
 * @typedef {object} Channel To the main process.
 * @property {(message: unknown[][]) => void} post
 * @property {(listener: (message: [number, number, any, any, any]) => void) => void} listen
 *
 * The native half as a page has it: every call becomes a message to the main process, where
 * ../application.js performs it. The calls of one tick go as one message and are performed in a row,
 * as calls of the native half itself are.
 */
class RemoteNative {
  #post;

  /** Calls that were not posted yet, the bytes that they carry and the answers that they get. @type {unknown[][]} */
  #calls = [];
  #bytes = 0;
  #answers = 0;
  #scheduled = false;
  #beforePost = () => {};

  /** Messages that wait for answers to others. @type {{ calls: unknown[][], answers: number }[]} */
  #waiting = [];
  /** Calls that were posted and have no answer. */
  #unanswered = 0;

  /** The cost of the processed events that were not reported yet. */
  #received = 0;
  #cost = 0;

  /** @type {Function} */
  #deliver = () => {};

  /**
   * @param {Channel} channel
   */
  constructor({ post, listen }) {
    this.#post = post;
    listen((data) => {
      const [kind, , , payload, value] = data;
      this.#deliver(...data);
      if (kind === COMPLETE) this.#answered();
      this.#confirm(kind === COMPLETE ? costOfAnswer(value) : costOf(payload?.byteLength ?? 0));
    });
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
    this.#call(['sendGathered', first, count, used, bytes.slice(0, length)], length, count);
  }

  /**
   * @param {string} event
   * @param {boolean} listening
   */
  listen(event, listening) {
    this.#call(['listen', event, listening], 0, 0);
  }

  /**
   * @param {unknown[]} call The method and its arguments.
   * @param {number} [length] How many bytes it carries.
   * @param {number} [answers] How many answers it gets.
   */
  #call(call, length = 0, answers = 1) {
    this.#calls.push(call);
    this.#bytes += length;
    this.#answers += answers;
    const isFull = this.#calls.length === MAX_CALLS || this.#answers >= BATCH_ANSWERS;
    if (isFull || this.#bytes >= BATCH_BYTES) this.#flush();
    this.#schedule();
  }

  /**
   * Posts the calls of this tick after a job that may add more.
   *
   * @param {() => void} job
   */
  beforePost(job) {
    this.#beforePost = job;
    this.#schedule();
  }

  /**
   * In the first microtask after the call, and so before a continuation that the application queues
   * after the call can use another channel, such as `ipcRenderer`: Chromium sends each call at once.
   */
  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    inMicrotask(this.#flushScheduled);
  }

  #flushScheduled = () => {
    this.#beforePost();
    this.#scheduled = false;
    this.#flush();
  };

  #flush() {
    const calls = this.#calls;
    if (calls.length === 0) return;
    this.#calls = [];
    this.#bytes = 0;
    this.#waiting.push({ calls, answers: this.#answers });
    this.#answers = 0;
    this.#postWaiting();
  }

  #postWaiting() {
    while (this.#unanswered < MAX_POSTED) {
      const message = this.#waiting.shift();
      if (!message) break;
      this.#unanswered += message.answers;
      this.#post(message.calls);
    }
  }

  /** The page has taken in the answer to a call. */
  #answered() {
    this.#unanswered -= 1;
    if (this.#waiting.length > 0) this.#postWaiting();
  }

  /**
   * Reports processed events from time to time. Reports never wait, because calls may wait for
   * them.
   *
   * @param {number} cost
   */
  #confirm(cost) {
    this.#received += 1;
    this.#cost += cost;
    if (this.#cost < RECEIPT) return;
    if (this.#waiting.length > 0) this.#post([['received', this.#received]]);
    else this.#call(['received', this.#received], 0, 0);
    this.#received = 0;
    this.#cost = 0;
  }

  static {
    /** Methods whose arguments are passed unchanged. */
    for (const method of /** @type {const} */ ([
      'close',
      'closeServer',
      'connect',
      'create',
      'createServer',
      'disconnect',
      'disconnectServer',
      'getInfo',
      'getServerInfo',
      'getServers',
      'getSockets',
      'listenOn',
      'pauseServer',
      'secure',
      'setKeepAlive',
      'setNoDelay',
      'setPaused',
      'update',
      'updateServer',
    ])) {
      /** @type {any} */ (this.prototype)[method] =
        /** @this {RemoteNative} @param {unknown[]} args */
        function (...args) {
          this.#call([method, ...args]);
        };
    }
  }
}

module.exports = { RemoteNative };
