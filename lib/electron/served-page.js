'use strict';

/** A page as the main process has it: its port, its calls, and the credit between them. */

const { COMPLETE, RECEIVE } = require('../base/deliveries.js');
const { SOCKET_WINDOW, PAGE_WINDOW, ANSWER_WINDOW, costOf, costOfAnswer } = require('./credit.js');
const { Fifo } = require('./fifo.js');
const { MAX_UNANSWERED, MAX_KEPT_BYTES } = require('./limits.js');

/**
 * @typedef {object} Port Electron's MessagePortMain, or Node's MessagePort.
 * @property {(event: string, listener: (message: any) => void) => void} on
 * @property {(message: unknown) => void} postMessage
 * @property {() => void} start
 * @property {() => void} close
 *
 * @typedef {object} Call
 * @property {(page: any, ...args: any[]) => void} perform
 * @property {unknown[]} args
 * @property {number} bytes How many the arguments take.
 */

class ServedPage {
  /** The names of the events that the page listens to. @type {Set<string>} */
  listensTo = new Set();

  /** Calls that wait to be performed. @type {InstanceType<typeof Fifo<Call>>} */
  #calls = new Fifo();

  /** Calls that wait or have no answer yet, and how many bytes are kept for them. */
  #unanswered = 0;
  #keptBytes = 0;

  /** In flight to the page: data of all sockets, data by socket, and answers. */
  #dataCost = 0;
  /** @type {Map<number, number>} */
  #dataCosts = new Map();
  #answerCost = 0;

  /**
   * The same, one by one. Answers have no socket.
   *
   * @type {InstanceType<typeof Fifo<{ socketId?: number, cost: number }>>}
   */
  #inFlight = new Fifo();

  /**
   * @param {Port} port
   * @param {number} number Its number in the application. Pages take turns in looking up names.
   * @param {{ url?: string, onMisbehaved?: () => void }} document
   */
  constructor(port, number, document) {
    this.port = port;
    this.number = number;
    this.document = document;
  }

  // ---- Its calls --------------------------------------------------------------------------------

  /** How many calls wait. */
  get calls() {
    return this.#calls.length;
  }

  /** Whether a call can be performed: it exists, and the page takes in its answers. */
  get isReady() {
    return this.#calls.length > 0 && this.#answerCost < ANSWER_WINDOW;
  }

  /**
   * @param {Call['perform']} perform
   * @param {unknown[]} args
   * @param {number} bytes
   */
  enqueue(perform, args, bytes) {
    this.keep(1, bytes);
    this.#calls.push({ perform, args, bytes });
  }

  /** @returns {Call} The oldest call that waits, which does so no longer. */
  dequeue() {
    const call = /** @type {Call} */ (this.#calls.shift());
    this.release(1, call.bytes);
    return call;
  }

  /**
   * Counts what the main process keeps for the page.
   *
   * @param {number} calls
   * @param {number} bytes
   * @throws {RangeError} If that is more than a page may have.
   */
  keep(calls, bytes) {
    if (this.#unanswered + calls > MAX_UNANSWERED) {
      throw new RangeError(`more than ${MAX_UNANSWERED} calls without an answer`);
    }
    if (this.#keptBytes >= MAX_KEPT_BYTES && bytes > 0) {
      throw new RangeError(`more than ${MAX_KEPT_BYTES} bytes of calls without an answer`);
    }
    this.#unanswered += calls;
    this.#keptBytes += bytes;
  }

  /**
   * @param {number} calls
   * @param {number} bytes
   */
  release(calls, bytes) {
    this.#unanswered -= calls;
    this.#keptBytes -= bytes;
  }

  // ---- To the page ------------------------------------------------------------------------------

  /**
   * Takes the credit for an answer before the answer is sent: it is kept until then.
   *
   * @param {unknown} value
   */
  reserve(value) {
    this.#answerCost += costOfAnswer(value) - costOfAnswer(undefined);
  }

  /**
   * @param {number} number The page's number for the call.
   * @param {number | undefined} code
   * @param {string | undefined} failure
   * @param {unknown} value For which credit was taken.
   */
  answer(number, code, failure, value) {
    this.#answerCost += costOfAnswer(undefined);
    this.#inFlight.push({ cost: costOfAnswer(value) });
    this.port.postMessage([COMPLETE, number, code, failure, value]);
  }

  /**
   * @param {number} socketId
   * @param {ArrayBuffer} data
   */
  receive(socketId, data) {
    const cost = costOf(data.byteLength);
    this.#dataCost += cost;
    this.#dataCosts.set(socketId, (this.#dataCosts.get(socketId) ?? 0) + cost);
    this.#inFlight.push({ socketId, cost });
    this.port.postMessage([RECEIVE, socketId, 0, data]);
  }

  /**
   * @param {number} kind Of an event without data.
   * @param {number} socketId
   * @param {number | undefined} code
   * @param {number} [value] The socket of an accepted connection.
   * @returns {boolean} Whether the page may have as many messages in flight.
   */
  notify(kind, socketId, code, value) {
    if (this.#inFlight.length >= MAX_UNANSWERED) return false;
    this.#answerCost += costOf(0);
    this.#inFlight.push({ cost: costOf(0) });
    this.port.postMessage([kind, socketId, code, undefined, value]);
    return true;
  }

  /**
   * The page has processed the oldest messages.
   *
   * @param {number} count
   * @returns {boolean} Whether that many were in flight.
   */
  confirm(count) {
    if (count === 0 || count > this.#inFlight.length) return false;
    for (let i = 0; i < count; i++) {
      const { socketId, cost } = /** @type {{ socketId?: number, cost: number }} */ (
        this.#inFlight.shift()
      );
      if (socketId === undefined) {
        this.#answerCost -= cost;
        continue;
      }
      const left = (this.#dataCosts.get(socketId) ?? 0) - cost;
      if (left === 0) this.#dataCosts.delete(socketId);
      else this.#dataCosts.set(socketId, left);
      this.#dataCost -= cost;
    }
    return true;
  }

  /**
   * @param {number} socketId
   * @returns {boolean} Whether the page has enough data to take in.
   */
  isBehind(socketId) {
    return this.#dataCost >= PAGE_WINDOW || (this.#dataCosts.get(socketId) ?? 0) >= SOCKET_WINDOW;
  }
}

module.exports = { ServedPage };
