'use strict';

/**
 * One application in the main process: a socket table and the pages that share it. Its messages may
 * come from any code in a page's process, so everything is checked again. A page that sends an
 * invalid message is ended, as Chromium ends a renderer that sends a bad message.
 *
 * This file does not use Electron: a page is a port.
 */

const { debuglog } = require('node:util');
const { configureInstance } = require('../options/configuration.js');
const { publishReceiveError, traced } = require('../native/diagnostics.js');
const { createInstance, returnsPromises, warnOfTrust } = require('../native/instance.js');
const {
  COMPLETE,
  RECEIVE,
  RECEIVE_ERROR,
  DETACHED,
  ACCEPT,
  ACCEPT_ERROR,
} = require('../base/deliveries.js');
const { escaped } = require('../base/shown.js');
const { Owners } = require('./owners.js');
const { MAX_CALLS, MAX_SOCKETS } = require('./limits.js');
const { bytesIn, isUint32, refuse } = require('./checks.js');
const { clientCalls } = require('./client-calls.js');
const { PageCalls } = require('./page-calls.js');
const { serverCalls } = require('./server-calls.js');
const { ServedPage } = require('./served-page.js');
const turns = require('./turns.js');

/**
 * @typedef {import('./served-page.js').Port} Port
 * @typedef {InstanceType<typeof ServedPage>} Page
 */

/** The events that a page can listen to. */
const EVENTS = new Set(['onReceive', 'onReceiveError', 'onAccept', 'onAcceptError']);

/** A method, a request, and the most arguments that a call has. */
const MAX_ARGUMENTS = 7;

/** Bytes from which on a call is performed at once, if it can be: to keep it costs more than time. */
const LARGE = 64 * 1024;

const debug = debuglog('chrome-sockets-tcp');

class Application {
  #native;
  #settings;
  #calls;

  /** The calls of the API by their names. @type {Map<unknown, (page: Page, ...args: any[]) => void>} */
  #methods;

  /** The pages, each with what performs its next call. @type {Map<Page, turns.Job>} */
  #pages = new Map();
  #nextPage = 0;

  /** The pages of client sockets. */
  #owners = new Owners();

  /** The pages of server sockets. */
  #serverOwners = new Owners();

  /** Sockets that wait for a page. @type {Set<number>} */
  #throttled = new Set();

  /**
   * @param {import('../../entry/configure.js').Configuration} configuration Without a manifest every connection is
   *   denied.
   */
  constructor({ maxSockets = MAX_SOCKETS, ...configuration }) {
    const instance = createInstance();
    configureInstance(instance, { ...configuration, maxSockets });
    instance.native.spareDescriptors();
    this.#native = debug.enabled ? traced(instance.native, debug) : instance.native;
    this.#settings = instance.settings;
    this.#calls = new PageCalls(this.#native, this.#deliver);
    const parts = { native: this.#native, settings: this.#settings, calls: this.#calls };
    this.#methods = new Map(
      Object.entries({
        ...clientCalls({ ...parts, owners: this.#owners }),
        ...serverCalls({ ...parts, owners: this.#serverOwners }),
      }),
    );
  }

  /**
   * Adds a page that shares the sockets until its port closes.
   *
   * @param {Port} port
   * @param {object} [document]
   * @param {string} [document.url] For the warning when the page is ended for an invalid message.
   * @param {() => void} [document.onMisbehaved] Called then.
   * @returns {() => void} Ends the page: its sockets close, persistent ones stay open, paused.
   */
  addPage(port, document = {}) {
    const page = new ServedPage(port, this.#nextPage, document);
    this.#nextPage = (this.#nextPage + 1) >>> 0;
    const job = () => this.#performNext(page);
    this.#pages.set(page, job);
    const end = () => this.#end(page);
    port.on('message', ({ data, ports = [] }) => {
      // Left open they would leak.
      for (const extra of ports) extra.close();
      if (this.#pages.has(page)) this.#receive(page, data, ports.length);
    });
    port.on('close', end);
    port.start();
    return end;
  }

  /** The traits of the application that its pages must know. */
  get traits() {
    return { returnsPromises: returnsPromises(this.#settings) };
  }

  /** Ends all pages and all sockets, the persistent ones, too. */
  close() {
    for (const page of this.#pages.keys()) this.#end(page);
    for (const socketId of this.#owners.ids) this.#close(socketId);
    for (const socketId of this.#serverOwners.ids) this.#closeServer(socketId);
  }

  /** Whether the manifest allows no connection. */
  get allowsNothing() {
    return this.#settings.permissions?.allowsNothing ?? true;
  }

  stats() {
    return this.#native.stats();
  }

  // ---- From the pages ---------------------------------------------------------------------------

  /**
   * @param {Page} page
   * @param {unknown} calls
   * @param {number} portCount
   */
  #receive(page, calls, portCount) {
    try {
      if (portCount > 0) return refuse('no ports');
      if (!Array.isArray(calls) || calls.length > MAX_CALLS) return refuse('an array of calls');
      for (const call of calls) {
        // A call before it may have ended the page.
        if (this.#pages.has(page)) this.#accept(page, call);
      }
      const job = this.#pages.get(page);
      if (job && page.isReady) turns.start(job);
    } catch (error) {
      this.#punish(page, error);
    }
  }

  /**
   * @param {Page} page
   * @param {unknown} call
   */
  #accept(page, call) {
    if (!Array.isArray(call)) return refuse('a call');
    const [method, ...args] = call.slice(0, MAX_ARGUMENTS);
    const control = this.#controls.get(method);
    if (control) return control(page, ...args);
    const perform = this.#methods.get(method) ?? refuse('the name of a method');
    const bytes = args.reduce((sum, value) => sum + bytesIn(value), 0);
    page.enqueue(perform, args, bytes);
    // Where nothing comes before it, a large call is not kept.
    if (bytes > LARGE && page.calls === 1 && page.isReady) this.#performNext(page);
  }

  /**
   * @param {Page} page
   * @returns {boolean} Whether another call can follow.
   */
  #performNext(page) {
    if (!this.#pages.has(page) || !page.isReady) return false;
    const { perform, args } = page.dequeue();
    try {
      perform(page, ...args);
    } catch (error) {
      this.#punish(page, error);
    }
    return page.isReady;
  }

  /**
   * Ends a page that has sent an invalid message.
   *
   * @param {Page} page
   * @param {unknown} error
   */
  #punish(page, error) {
    const { url, onMisbehaved } = page.document;
    const where = url === undefined ? '' : ` (${escaped(url)})`;
    process.emitWarning(`chrome-sockets-tcp: a page was ended: ${error}${where}`);
    onMisbehaved?.();
    this.#end(page);
  }

  /**
   * Messages between the two processes that are no calls of the API. They are handled before the
   * waiting calls.
   *
   * @type {Map<unknown, (page: Page, ...args: any[]) => void>}
   */
  #controls = new Map(
    Object.entries({
      listen: (page, event, listening) => {
        if (typeof listening !== 'boolean') return refuse('whether the page listens');
        if (!EVENTS.has(event)) return refuse('the name of an event');
        if (listening) page.listensTo.add(event);
        else page.listensTo.delete(event);
      },

      received: (page, count) => {
        if (!isUint32(count) || !page.confirm(count)) return refuse('no more than was sent');
        this.#release();
      },
    }),
  );

  // ---- To the pages -----------------------------------------------------------------------------

  /** @type {import('../renderer/requests.js').Deliver} */
  #deliver = (kind, id, code, payload, value) => {
    switch (kind) {
      case COMPLETE:
        this.#complete(id, code, /** @type {string | undefined} */ (payload));
        break;
      case RECEIVE:
        this.#receiveData(id, /** @type {ArrayBuffer} */ (payload));
        break;
      case RECEIVE_ERROR:
        publishReceiveError(id, code);
        this.#notify('onReceiveError', kind, id, code);
        break;
      case ACCEPT: {
        const clientId = /** @type {number} */ (value);
        const owner = this.#serverOwners.pageOf(id);
        // The page has ended since the connection was accepted.
        if (!owner) this.#native.close(this.#calls.begin(), clientId);
        else {
          this.#owners.add(owner, clientId);
          this.#notify('onAccept', kind, id, code, clientId);
        }
        break;
      }
      case ACCEPT_ERROR:
        this.#notify('onAcceptError', kind, id, code);
        break;
      case DETACHED:
        this.#calls.detached();
        break;
    }
  };

  /**
   * @param {string} event
   * @param {number} kind
   * @param {number} socketId
   * @param {number | undefined} code
   * @param {number} [value]
   */
  #notify(event, kind, socketId, code, value) {
    for (const page of this.#pages.keys()) {
      if (page.listensTo.has(event) && !page.notify(kind, socketId, code, value)) {
        this.#punish(page, 'it takes nothing in');
      }
    }
  }

  /**
   * @param {number} id
   * @param {number | undefined} code
   * @param {string | undefined} failure
   */
  #complete(id, code, failure) {
    const request = this.#calls.take(id);
    if (!request) return;
    const { page, number, bytes, value, securing, publishEnd } = request;
    if (publishEnd) publishEnd(...(code === undefined ? [] : [code]));
    if (securing !== undefined) {
      warnOfTrust();
      if (failure !== undefined && !this.#native.getInfo(this.#calls.begin(), securing)) {
        this.#owners.delete(securing);
      }
    }
    if (!this.#pages.has(page)) return;
    page.release(1, bytes);
    page.answer(number, code, request.failure ?? failure, value);
  }

  /**
   * @param {number} socketId
   * @param {ArrayBuffer} data
   */
  #receiveData(socketId, data) {
    for (const page of this.#pages.keys()) {
      if (page.listensTo.has('onReceive')) page.receive(socketId, data);
    }
    if (this.#mustWait(socketId)) {
      this.#throttled.add(socketId);
      this.#native.throttle(socketId, true);
    }
  }

  /**
   * @param {number} socketId
   * @returns {boolean}
   */
  #mustWait(socketId) {
    for (const page of this.#pages.keys()) if (page.isBehind(socketId)) return true;
    return false;
  }

  /** Lets the sockets and calls go on that have waited for a page to take something in. */
  #release() {
    for (const socketId of this.#throttled) {
      if (this.#mustWait(socketId)) continue;
      this.#throttled.delete(socketId);
      this.#native.throttle(socketId, false);
    }
  }

  // ---- The end ----------------------------------------------------------------------------------

  /**
   * @param {Page} page
   */
  #end(page) {
    if (!this.#pages.delete(page)) return;
    page.port.close();
    for (const socketId of this.#owners.orphan(page)) {
      const { persistent = false } = this.#native.getInfo(this.#calls.begin(), socketId) ?? {};
      // Its other pages are told of no end: a suspended socket has no read that could meet one.
      this.#native.suspend(socketId);
      if (!persistent) this.#close(socketId);
    }
    for (const socketId of this.#serverOwners.orphan(page)) {
      const { persistent = false } =
        this.#native.getServerInfo(this.#calls.begin(), socketId) ?? {};
      this.#native.suspendServer(socketId);
      if (!persistent) this.#closeServer(socketId);
    }
    this.#release();
  }

  /**
   * @param {number} socketId
   */
  #close(socketId) {
    this.#owners.delete(socketId);
    this.#native.close(this.#calls.begin(), socketId);
  }

  /**
   * @param {number} socketId
   */
  #closeServer(socketId) {
    this.#serverOwners.delete(socketId);
    this.#native.closeServer(this.#calls.begin(), socketId);
  }
}

module.exports = { Application };
