'use strict';

/**
 * One application, as the main process has it: a socket table and the pages that share it. Here
 * calls arrive that anybody may have made who can run code in a page's process, so everything is
 * checked again, and a page that sends what no page sends is ended, as Chromium ends a renderer that
 * sends a bad message.
 *
 * Nothing here is Electron's: a page is a port (Electron's MessagePortMain, or Node's MessagePort).
 */

const { parsers, bytesOf } = require('../arguments.js');
const { canonicalHost } = require('../canonical-host.js');
const { configureInstance } = require('../configuration.js');
const { createInstance, warnOfTrust } = require('../instance.js');
const { ADDRESS_FAMILIES } = require('../namespace.js');
const { COMPLETE, RECEIVE, RECEIVE_ERROR, DETACHED } = require('../requests.js');
const { SOCKET_WINDOW, PAGE_WINDOW, costOf } = require('./credit.js');
const { MOST_CALLS } = require('./page/remote-native.js');

/**
 * @typedef {object} Port
 * @property {(event: string, listener: (message: any) => void) => void} on
 * @property {(message: unknown) => void} postMessage
 * @property {() => void} start
 * @property {() => void} close
 *
 * @typedef {object} Request
 * @property {Page} page
 * @property {number} number What the page calls it.
 * @property {unknown} [value] What the page is given if it succeeds.
 * @property {number} [securing] The socket that its failure may have ended.
 */

const FAMILIES = new Set(Object.values(ADDRESS_FAMILIES));

/** A method, a request, and at most so much that a call carries. */
const MOST_ARGUMENTS = 7;

/** What the native half never finds. */
const NO_SOCKET = 0;

/** Stands for the callback, which the parsers want to see. */
const callback = () => {};

/**
 * @param {string} expected
 * @returns {never}
 */
function refuse(expected) {
  throw new TypeError(`expected ${expected}`);
}

/**
 * @param {unknown} value
 * @returns {boolean}
 */
function isUint32(value) {
  return typeof value === 'number' && value >>> 0 === value;
}

class Page {
  listensToData = false;
  listensToErrors = false;

  /** On the way to the page: all, and by socket. */
  #cost = 0;
  /** @type {Map<number, number>} */
  #costs = new Map();

  /** The same, one by one, oldest first. @type {{ socketId: number, cost: number }[]} */
  #underway = [];

  /**
   * @param {Port} port
   */
  constructor(port) {
    this.port = port;
  }

  /**
   * @param {number} socketId
   * @param {ArrayBuffer} data
   */
  receive(socketId, data) {
    const cost = costOf(data.byteLength);
    this.#cost += cost;
    this.#costs.set(socketId, (this.#costs.get(socketId) ?? 0) + cost);
    this.#underway.push({ socketId, cost });
    this.port.postMessage([RECEIVE, socketId, 0, data]);
  }

  /**
   * The page has taken in what came first.
   *
   * @param {number} count
   * @returns {boolean} Whether it had so much to take in.
   */
  confirm(count) {
    if (count > this.#underway.length) return false;
    for (const { socketId, cost } of this.#underway.splice(0, count)) {
      const left = (this.#costs.get(socketId) ?? 0) - cost;
      if (left === 0) this.#costs.delete(socketId);
      else this.#costs.set(socketId, left);
      this.#cost -= cost;
    }
    return true;
  }

  /**
   * @param {number} socketId
   * @returns {boolean} Whether the page has enough to take in.
   */
  isBehind(socketId) {
    return this.#cost >= PAGE_WINDOW || (this.#costs.get(socketId) ?? 0) >= SOCKET_WINDOW;
  }
}

class Application {
  #native;
  #settings;
  #attached = false;

  /** @type {Set<Page>} */
  #pages = new Set();

  /**
   * The page that a socket ends with. None: it has outlived its page, and the first that uses it
   * takes it over.
   *
   * @type {Map<number, Page | undefined>}
   */
  #owners = new Map();

  /** Sockets that wait for a page. @type {Set<number>} */
  #held = new Set();

  /** @type {Map<number, Request>} */
  #requests = new Map();
  #nextRequest = 0;

  /**
   * @param {import('../../configure.js').Configuration} configuration Without a manifest nothing is
   *   allowed.
   */
  constructor(configuration) {
    const instance = createInstance();
    configureInstance(instance, configuration);
    this.#native = instance.native;
    this.#settings = instance.settings;
  }

  /**
   * A page that shares the sockets from now on, until its port closes.
   *
   * @param {Port} port
   * @returns {() => void} Ends the page: its sockets close, those that are persistent stay, paused.
   */
  addPage(port) {
    const page = new Page(port);
    this.#pages.add(page);
    const end = () => this.#end(page);
    port.on('message', ({ data, ports }) => {
      // No page sends any; left open they would leak.
      for (const extra of ports ?? []) extra.close();
      if (this.#pages.has(page)) this.#receive(page, data);
    });
    port.on('close', end);
    port.start();
    return end;
  }

  /** Ends all pages and all sockets, the persistent ones, too. */
  close() {
    for (const page of this.#pages) this.#end(page);
    for (const socketId of this.#owners.keys()) this.#close(socketId);
  }

  stats() {
    return this.#native.stats();
  }

  // ---- From the pages ---------------------------------------------------------------------------

  /**
   * @param {Page} page
   * @param {unknown} calls
   */
  #receive(page, calls) {
    try {
      if (!Array.isArray(calls) || calls.length > MOST_CALLS) return refuse('an array of calls');
      for (const call of calls) {
        if (!Array.isArray(call)) return refuse('a call');
        const [method, ...args] = call.slice(0, MOST_ARGUMENTS);
        const perform = this.#methods.get(method) ?? refuse('the name of a method');
        perform(page, ...args);
      }
    } catch (error) {
      process.emitWarning(`chrome-sockets-tcp: a page was ended: ${error}`);
      this.#end(page);
    }
  }

  /**
   * What a page may call: the methods of the native half as lib/namespace.js calls them, and what is
   * between the two processes only. Whatever is wrong with an argument is thrown before anything
   * is done.
   *
   * @type {Map<unknown, (page: Page, ...args: any[]) => void>}
   */
  #methods = new Map(
    Object.entries({
      close: (page, request, id) => {
        const [socketId] = parsers.close([id, callback]);
        this.#native.close(this.#begin(page, request), this.#use(page, socketId));
        this.#owners.delete(socketId);
      },

      connect: (page, request, id, peerAddress, peerPort, family) => {
        const [socketId, host, port] = parsers.connect([id, peerAddress, peerPort, null, callback]);
        if (!FAMILIES.has(family)) refuse('an address family');
        const number = this.#begin(page, request);
        const used = this.#use(page, socketId);
        if (this.#settings.permissions?.allowsConnect(host, port & 0xffff)) {
          this.#native.connect(number, used, canonicalHost(host), port & 0xffff, family);
        } else {
          this.#native.denyConnect(number, used, canonicalHost(host));
        }
      },

      create: (page, request, persistent, name, bufferSize) => {
        const [properties] = parsers.create([{ persistent, name, bufferSize }, callback]);
        const number = this.#begin(page, request);
        const { persistent: lasting, name: label, bufferSize: size } = properties;
        const socketId = this.#native.create(number, lasting, label, size);
        if (socketId !== null) this.#owners.set(socketId, page);
        this.#note(number, { value: socketId });
      },

      disconnect: (page, request, id) => {
        const [socketId] = parsers.disconnect([id, callback]);
        this.#native.disconnect(this.#begin(page, request), this.#use(page, socketId));
      },

      getInfo: (page, request, id) => {
        const [socketId] = parsers.getInfo([id, callback]);
        const number = this.#begin(page, request);
        const known = this.#owners.has(socketId) ? socketId : NO_SOCKET;
        this.#note(number, { value: this.#native.getInfo(number, known) });
      },

      getSockets: (page, request) => {
        const number = this.#begin(page, request);
        const infos = this.#native.getSockets(number);
        this.#note(number, { value: infos.filter(({ socketId }) => this.#owners.has(socketId)) });
      },

      secure: (page, request, id, min, max) => {
        const options = { tlsVersion: { min, max } };
        const [socketId, { tlsVersion }] = parsers.secure([id, options, callback]);
        const number = this.#begin(page, request);
        this.#note(number, { securing: socketId });
        this.#native.secure(number, this.#use(page, socketId), tlsVersion.min, tlsVersion.max);
      },

      send: (page, request, id, data) => {
        const [socketId, bytes] = parsers.send([id, data, callback]);
        this.#native.send(this.#begin(page, request), this.#use(page, socketId), bytesOf(bytes));
      },

      sendGathered: (page, first, count, sockets, data) => {
        const numbered = isUint32(first) && isUint32(count);
        if (!numbered || !ArrayBuffer.isView(sockets) || !ArrayBuffer.isView(data)) {
          return refuse('sends and their bytes');
        }
        const headers = new Int32Array(sockets.buffer, sockets.byteOffset, 2 * count);
        const bytes = bytesOf(data);
        let left = bytes.length;
        for (let i = 1; i < headers.length; i += 2) {
          if (headers[i] < 0 || headers[i] > left) {
            return refuse('no more than the bytes that came');
          }
          left -= headers[i];
        }
        const number = this.#nextRequest;
        for (let i = 0; i < count; i++) {
          this.#begin(page, (first + i) >>> 0);
          headers[2 * i] = this.#use(page, headers[2 * i]);
        }
        this.#native.sendGathered(number, count, headers, bytes);
      },

      setKeepAlive: (page, request, id, wanted, seconds) => {
        const args = parsers.setKeepAlive([id, wanted, seconds, callback]);
        const [socketId, enable, delay = 0] = args;
        const used = this.#use(page, socketId);
        this.#native.setKeepAlive(this.#begin(page, request), used, enable, delay);
      },

      setNoDelay: (page, request, id, wanted) => {
        const [socketId, noDelay] = parsers.setNoDelay([id, wanted, callback]);
        this.#native.setNoDelay(this.#begin(page, request), this.#use(page, socketId), noDelay);
      },

      setPaused: (page, request, id, wanted) => {
        const [socketId, paused] = parsers.setPaused([id, wanted, callback]);
        this.#native.setPaused(this.#begin(page, request), this.#use(page, socketId), paused);
      },

      update: (page, request, id, persistent, name, bufferSize) => {
        const changes = { persistent, name, bufferSize };
        const [socketId, properties] = parsers.update([id, changes, callback]);
        const { persistent: lasting, name: label, bufferSize: size } = properties;
        const number = this.#begin(page, request);
        this.#native.update(number, this.#use(page, socketId), lasting, label, size);
      },

      listen: (page, event, listening) => {
        if (typeof listening !== 'boolean') return refuse('whether somebody listens');
        if (event === 'onReceive') page.listensToData = listening;
        else if (event === 'onReceiveError') page.listensToErrors = listening;
        else return refuse('the name of an event');
      },

      received: (page, count) => {
        if (!isUint32(count) || !page.confirm(count)) return refuse('no more than was sent');
        this.#release();
      },
    }),
  );

  /**
   * Notes a call that the native half is about to get.
   *
   * @param {Page} [page] Whose call it is, if it is one's.
   * @param {unknown} [number] What the page calls it.
   * @returns {number} What the native half calls it.
   */
  #begin(page, number) {
    if (page && !isUint32(number)) refuse('the number of a request');
    if (!this.#attached) {
      this.#native.attach(this.#deliver);
      this.#attached = true;
    }
    const id = this.#nextRequest;
    this.#nextRequest = (id + 1) >>> 0;
    if (!page) return id;
    this.#requests.set(id, { page, number: /** @type {number} */ (number) });
    return id;
  }

  /**
   * What a page names is a socket of this application or none. One that has outlived its page is the
   * page's from now on.
   *
   * @param {Page} page
   * @param {number} socketId
   * @returns {number}
   */
  #use(page, socketId) {
    if (!this.#owners.has(socketId)) return NO_SOCKET;
    if (!this.#owners.get(socketId)) this.#owners.set(socketId, page);
    return socketId;
  }

  /**
   * @param {number} id
   * @param {Partial<Request>} known
   */
  #note(id, known) {
    Object.assign(/** @type {Request} */ (this.#requests.get(id)), known);
  }

  // ---- To the pages -----------------------------------------------------------------------------

  /** @type {import('../requests.js').Deliver} */
  #deliver = (kind, id, code, payload) => {
    switch (kind) {
      case COMPLETE:
        this.#complete(id, code, /** @type {string | undefined} */ (payload));
        break;
      case RECEIVE:
        this.#receiveData(id, /** @type {ArrayBuffer} */ (payload));
        break;
      case RECEIVE_ERROR:
        for (const page of this.#pages) {
          if (page.listensToErrors) page.port.postMessage([RECEIVE_ERROR, id, code]);
        }
        break;
      case DETACHED:
        this.#attached = false;
        break;
    }
  };

  /**
   * @param {number} id
   * @param {number | undefined} code
   * @param {string | undefined} failure
   */
  #complete(id, code, failure) {
    const request = this.#requests.get(id);
    if (!request) return;
    this.#requests.delete(id);
    const { page, number, value, securing } = request;
    if (securing !== undefined) {
      warnOfTrust();
      if (failure !== undefined && !this.#native.getInfo(this.#begin(), securing)) {
        this.#owners.delete(securing);
      }
    }
    if (this.#pages.has(page)) page.port.postMessage([COMPLETE, number, code, failure, value]);
  }

  /**
   * @param {number} socketId
   * @param {ArrayBuffer} data
   */
  #receiveData(socketId, data) {
    for (const page of this.#pages) {
      if (page.listensToData) page.receive(socketId, data);
    }
    if (this.#mustWait(socketId)) {
      this.#held.add(socketId);
      this.#native.hold(socketId, true);
    }
  }

  /**
   * @param {number} socketId
   * @returns {boolean}
   */
  #mustWait(socketId) {
    for (const page of this.#pages) if (page.isBehind(socketId)) return true;
    return false;
  }

  /** Lets those sockets go on for which no page is behind any more. */
  #release() {
    for (const socketId of this.#held) {
      if (this.#mustWait(socketId)) continue;
      this.#held.delete(socketId);
      this.#native.hold(socketId, false);
    }
  }

  // ---- The end ----------------------------------------------------------------------------------

  /**
   * @param {Page} page
   */
  #end(page) {
    if (!this.#pages.delete(page)) return;
    page.port.close();
    for (const { socketId, persistent } of this.#native.getSockets(this.#begin())) {
      if (this.#owners.get(socketId) !== page) continue;
      // Its other pages are told of no end: a suspended socket has no read that could meet one.
      this.#native.suspend(socketId);
      if (persistent) this.#owners.set(socketId, undefined);
      else this.#close(socketId);
    }
    this.#release();
  }

  /**
   * @param {number} socketId
   */
  #close(socketId) {
    this.#owners.delete(socketId);
    this.#native.close(this.#begin(), socketId);
  }
}

module.exports = { Application };
