'use strict';

/**
 * The native half of this process: the sockets (src/) and the pump for their events. A runtime
 * thread wakes this one, which then delivers one event per immediate. Node runs ticks and
 * microtasks between two immediates, as Chromium does between two events.
 */

const { isMainThread } = require('node:worker_threads');
const { loadBinding } = require('./binding.js');
const { isObservable, neutralContext } = require('../base/context.js');
const {
  COMPLETE,
  RECEIVE,
  RECEIVE_ERROR,
  DETACHED,
  ACCEPT,
  ACCEPT_ERROR,
} = require('../base/deliveries.js');

// Fake timers replace the global one.
const { setImmediate } = require('node:timers');
// Its memory is not filled with zeros first. In a realm that is not Node's own, its ArrayBuffers are those
// of another realm.
const { allocUnsafeSlow } = Buffer;
const allocate =
  allocUnsafeSlow(0).buffer instanceof ArrayBuffer
    ? allocUnsafeSlow
    : (/** @type {number} */ length) => new Uint8Array(new ArrayBuffer(length));

const { EventKind, TcpSockets, settle } = loadBinding();
// Constants of this file, because every event is compared with them.
const { Succeeded, Failed, Receive, ReceiveError, Detached, Nothing, Turn, Accept } = EventKind;

/**
 * The number of events that are delivered in one turn of the event loop. Immediates that are queued
 * while others run wait for the next turn, so they are queued in advance. An immediate without an
 * event costs almost no time.
 */
const MIN_BATCH = 4;
const MAX_BATCH = 64;

/** The states of the pump. */
const State = Object.freeze({
  /** It waits to be woken. */
  ASLEEP: 0,
  /** The queued immediates have nothing more to do. Others are queued in the next turn of the event loop. */
  TURNING: 1,
  /** Each queued immediate requests an event. */
  DELIVERING: 2,
});

/** @typedef {import('../renderer/requests.js').Deliver} Deliver */

/**
 * Those with a pending call, a connected socket or a listening server.
 *
 * @type {Set<InstanceType<typeof TcpSockets>>}
 */
const attached = new Set();
let followsExit = false;

/**
 * When the process exits, the kernel closes the descriptors, which loses bytes that were sent if others
 * are unread. So the connections are ended first, as by `close()`. When a worker ends, the process goes
 * on, and the connections have enough time.
 */
function followExit() {
  if (followsExit || !isMainThread) return;
  followsExit = true;
  process.on('exit', () => {
    for (const sockets of attached) sockets.end();
    // A window of Electron ends before its process, and leaves persistent sockets to the next.
    settle(/** @type {{ type?: string }} */ (process).type !== 'renderer');
  });
}

/**
 * @param {Uint8Array} bytes
 * @returns {ArrayBuffer} With these bytes and no others.
 */
function bufferOf(bytes) {
  const buffer = /** @type {ArrayBuffer} */ (bytes.buffer);
  return buffer.byteLength === bytes.byteLength
    ? buffer
    : buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

/** The bits of an error code in a detail. The code above them is the cause, if there is one. */
const CODE_BITS = 9;
const CODE = 2 ** CODE_BITS - 1;

/**
 * @param {number} detail Of a receive error.
 * @returns {number | undefined}
 */
function causeIn(detail) {
  const cause = detail >>> CODE_BITS;
  return cause === 0 ? undefined : -cause;
}

class Pump {
  #sockets;
  #next;
  #take;
  /** @type {Deliver} */
  #deliver = () => {};
  /**
   * The asynchronous context of deliveries, where no callback or listener has one of its own: a call
   * that happens to wake this thread must neither lend its own to the next event nor be kept alive.
   */
  #context = neutralContext();

  /** Of {@link State}. @type {number} */
  #state = State.ASLEEP;
  /** Queued immediates. */
  #queued = 0;
  /** How many are queued at once. */
  #batch = MIN_BATCH;
  #turned = false;

  /** Whether a socket was ever unreferenced, and whether the event loop may end. */
  #balances = false;
  #letGo = false;

  /** @type {number[]} Requests that have succeeded, and how many of them are completed. */
  #succeeded = [];
  #ended = 0;

  /** @param {InstanceType<typeof TcpSockets>} sockets */
  constructor(sockets) {
    this.#sockets = sockets;
    const { next, take, send, sendGathered, sendSmall } = sockets.functions();
    this.#next = next;
    this.#take = take;
    this.send = send;
    /** @type {(...args: Parameters<typeof sendGathered>) => void} */
    this.sendGathered = (first, count, headers, bytes) => {
      const succeeded =
        count === 1
          ? sendSmall(first, headers[0], headers[1], bytes)
          : sendGathered(first, count, headers, bytes);
      if (succeeded) this.#endSucceeded(first, count);
    };
  }

  /** @param {Deliver} deliver */
  attach(deliver) {
    this.#deliver = deliver;
    this.#letGo = false;
    followExit();
    attached.add(this.#sockets);
    this.#context.runInAsyncScope(() => this.#sockets.setWaker(this.#wake));
  }

  /**
   * @param {number} socketId
   * @param {boolean} referenced Whether it keeps the event loop alive while it is connected.
   */
  reference(socketId, referenced) {
    this.#sockets.setReferenced(socketId, referenced);
    this.#balances = true;
    this.#balance();
  }

  #balance() {
    const keeps = this.#sockets.keepsLoop();
    if (keeps === !this.#letGo) return;
    this.#letGo = !keeps;
    this.#sockets.holdLoop(keeps);
  }

  /** A call is about to be made, which keeps the event loop alive until it has ended. */
  keepLoop() {
    if (!this.#letGo) return;
    this.#letGo = false;
    this.#sockets.holdLoop(true);
  }

  #wake = () => {
    if (this.#state === State.ASLEEP) this.#state = State.TURNING;
    if (this.#queued === 0) this.#queue();
  };

  /**
   * Completes requests that have succeeded, before the events that native code holds.
   *
   * @param {number} first The number of the first; those of the others follow it.
   * @param {number} count
   */
  #endSucceeded(first, count) {
    this.#addSucceeded(first, count);
    this.#wake();
  }

  /**
   * Has the next immediates complete these requests before they request events.
   *
   * @param {number} first
   * @param {number} count
   */
  #addSucceeded(first, count) {
    for (let offset = 0; offset < count; offset++) this.#succeeded.push((first + offset) >>> 0);
  }

  #queue() {
    const left = this.#succeeded.length - this.#ended;
    this.#queued = Math.min(Math.max(this.#batch, left), MAX_BATCH);
    this.#state = State.DELIVERING;
    this.#turned = true;
    // Entering a context costs as much as several events.
    if (isObservable()) this.#context.runInAsyncScope(this.#queueSteps);
    else this.#queueSteps();
  }

  #queueSteps = () => {
    for (let i = 0; i < this.#queued; i++) setImmediate(this.#step);
  };

  #step = () => {
    this.#queued -= 1;
    try {
      if (this.#state === State.DELIVERING) this.#deliverOne();
    } finally {
      if (this.#queued === 0 && this.#state !== State.ASLEEP) {
        if (this.#state === State.DELIVERING) this.#batch = Math.min(2 * this.#batch, MAX_BATCH);
        this.#queue();
      }
    }
  };

  #deliverOne() {
    if (this.#ended < this.#succeeded.length) {
      const request = this.#succeeded[this.#ended];
      this.#ended += 1;
      if (this.#ended === this.#succeeded.length) {
        this.#succeeded = [];
        this.#ended = 0;
      }
      this.#deliver(COMPLETE, request, 0);
      return;
    }
    const turned = this.#turned;
    this.#turned = false;
    const answer = this.#next(turned);
    const id = answer >>> 0;
    const rest = (answer - id) / 2 ** 32;
    const kind = rest & 7;
    const detail = rest >>> 3;
    switch (kind) {
      case Succeeded:
        if (detail > 0) this.#addSucceeded(id + 1, detail);
        this.#deliver(COMPLETE, id, 0);
        break;
      case Failed: {
        const { code, message } = /** @type {{ code?: number, message: string }} */ (
          this.#sockets.takeFailure()
        );
        this.#deliver(COMPLETE, id, code, message);
        break;
      }
      case Receive: {
        const bytes = allocate(detail);
        const count = this.#take(bytes);
        if (count === 0) break;
        const data = bufferOf(count === detail ? bytes : bytes.subarray(0, count));
        this.#deliver(RECEIVE, id, 0, data);
        break;
      }
      case ReceiveError:
        this.#deliver(RECEIVE_ERROR, id, -(detail & CODE), undefined, causeIn(detail));
        break;
      case Accept:
        if (detail === 0) this.#deliver(ACCEPT, id, 0, undefined, this.#sockets.takeAccepted());
        else this.#deliver(ACCEPT_ERROR, id, -detail);
        break;
      case Detached:
        this.#state = State.ASLEEP;
        attached.delete(this.#sockets);
        this.#deliver(DETACHED, 0, undefined);
        break;
      case Nothing:
        this.#state = State.ASLEEP;
        this.#batch = MIN_BATCH;
        if (this.#balances) this.#balance();
        break;
      case Turn:
      default:
        this.#state = State.TURNING;
    }
  }
}

/** @type {(json: string) => import('../../binding.js').SocketInfo[]} */
const infosIn = JSON.parse;

/** The methods of native code, and its events. */
function createNative() {
  const sockets = new TcpSockets();
  const pump = new Pump(sockets);
  return Object.assign(sockets, {
    attach: (/** @type {Deliver} */ deliver) => pump.attach(deliver),
    getSockets: (/** @type {number} */ request) => infosIn(sockets.describeSockets(request)),
    getServers: (/** @type {number} */ request) => infosIn(sockets.describeServers(request)),
    send: pump.send,
    sendGathered: pump.sendGathered,
    keepLoop: () => pump.keepLoop(),
    reference: (/** @type {number} */ socketId, /** @type {boolean} */ referenced) =>
      pump.reference(socketId, referenced),
  });
}

module.exports = { createNative };
