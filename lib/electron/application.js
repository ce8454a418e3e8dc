'use strict';

/**
 * One application in the main process: a socket table and the pages that share it. Its messages may
 * come from any code in a page's process, so everything is checked again. A page that sends an
 * invalid message is ended, as Chromium ends a renderer that sends a bad message.
 *
 * This file does not use Electron: a page is a port.
 */

const { debuglog } = require('node:util');
const { isArrayBuffer } = require('node:util/types');
const { parsers, serverParsers, bytesOf } = require('../renderer/arguments.js');
const { canonicalHost } = require('../renderer/canonical-host.js');
const { configureInstance } = require('../options/configuration.js');
const { publishCall, publishReceiveError, watched } = require('../native/diagnostics.js');
const { createInstance, returnsPromises, warnOfTrust } = require('../native/instance.js');
const { ADDRESS_FAMILIES } = require('../renderer/namespace.js');
const {
  COMPLETE,
  RECEIVE,
  RECEIVE_ERROR,
  DETACHED,
  ACCEPT,
  ACCEPT_ERROR,
} = require('../base/deliveries.js');
const { escaped } = require('../base/shown.js');
const { canonicalAddress } = require('../renderer/server-namespace.js');
const { NO_SOCKET, Owners } = require('./owners.js');
const { MAX_CALLS, MAX_GATHERED, MAX_HOST, MAX_NAME, MAX_SOCKETS } = require('./limits.js');
const { ServedPage } = require('./served-page.js');
const turns = require('./turns.js');

/**
 * @typedef {import('./served-page.js').Port} Port
 * @typedef {InstanceType<typeof ServedPage>} Page
 *
 * @typedef {object} Request
 * @property {Page} page
 * @property {number} number The page's number for it.
 * @property {number} bytes How many are kept for it.
 * @property {unknown} [value] The page's result if the call succeeds.
 * @property {string} [failure] The page's error if the call was not attempted.
 * @property {number} [securing] The socket that its failure may have ended.
 * @property {Function} [publishEnd] Called with the code, if there is one.
 */

/** The events that a page can listen to. */
const EVENTS = new Set(['onReceive', 'onReceiveError', 'onAccept', 'onAcceptError']);

const FAMILIES = new Set(Object.values(ADDRESS_FAMILIES));

/** A method, a request, and the most arguments that a call has. */
const MAX_ARGUMENTS = 7;

/** Bytes from which on a call is performed at once, if it can be: to keep it costs more than time. */
const LARGE = 64 * 1024;

const NAME_TOO_LONG = 'Name too long';

/** Stands for the callback, which the parsers want to see. */
const callback = () => {};

const debug = debuglog('chrome-sockets-tcp');

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

/**
 * @param {unknown} name
 * @returns {boolean}
 */
function isTooLong(name) {
  return typeof name === 'string' && name.length > MAX_NAME;
}

/**
 * A host that is too long for every resolver fails as it would in full. The end of it is kept, because
 * that decides which of a manifest's patterns it matches.
 *
 * @param {string} host
 * @returns {string}
 */
function shortened(host) {
  return host.slice(-MAX_HOST);
}

/**
 * @param {unknown} value An argument of a call.
 * @returns {number} How many bytes it takes.
 */
function bytesIn(value) {
  switch (typeof value) {
    case 'string':
      return 2 * value.length;
    case 'object':
      if (value === null) return 0;
      // A view arrives with the whole of its buffer.
      if (ArrayBuffer.isView(value)) return value.buffer.byteLength;
      return isArrayBuffer(value) ? value.byteLength : refuse('bytes or a plain value');
    case 'bigint':
      return refuse('bytes or a plain value');
    default:
      return 0;
  }
}

class Application {
  #native;
  #settings;
  #attached = false;

  /** The pages, each with what performs its next call. @type {Map<Page, turns.Job>} */
  #pages = new Map();
  #nextPage = 0;

  /** The pages of client sockets. */
  #owners = new Owners();

  /** The pages of server sockets. */
  #serverOwners = new Owners();

  /** Sockets that wait for a page. @type {Set<number>} */
  #throttled = new Set();

  /** @type {Map<number, Request>} */
  #requests = new Map();
  #nextRequest = 0;

  /**
   * @param {import('../../entry/configure.js').Configuration} configuration Without a manifest every connection is
   *   denied.
   */
  constructor({ maxSockets = MAX_SOCKETS, ...configuration }) {
    const instance = createInstance();
    configureInstance(instance, { ...configuration, maxSockets });
    instance.native.spareDescriptors();
    this.#native = debug.enabled ? watched(instance.native, debug) : instance.native;
    this.#settings = instance.settings;
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
      for (const call of calls) this.#accept(page, call);
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

  /**
   * The calls of the API, as lib/renderer/namespace.js makes them. Invalid arguments throw before any
   * effect.
   *
   * @type {Map<unknown, (page: Page, ...args: any[]) => void>}
   */
  #methods = new Map(
    Object.entries({
      close: (page, request, id) => {
        const [socketId] = parsers.close([id, callback]);
        this.#native.close(this.#begin(page, request), this.#owners.adopt(page, socketId));
        this.#owners.delete(socketId);
      },

      connect: (page, request, id, peerAddress, peerPort, family) => {
        const [socketId, host, port] = parsers.connect([
          id,
          typeof peerAddress === 'string' ? shortened(peerAddress) : peerAddress,
          peerPort,
          null,
          callback,
        ]);
        if (!FAMILIES.has(family)) refuse('an address family');
        const canonical = host.length < MAX_HOST ? canonicalHost(host) : host;
        const number = this.#begin(page, request, { bytes: 2 * canonical.length });
        const used = this.#owners.adopt(page, socketId);
        const call = { socketId, host: canonical, port: port & 0xffff };
        this.#note(number, { publishEnd: publishCall('connect', call, callback) });
        if (this.#settings.permissions?.allowsConnect(host, port & 0xffff)) {
          this.#native.connect(number, used, canonical, port & 0xffff, family, page.number);
        } else {
          this.#native.denyConnect(number, used, canonical);
        }
      },

      create: (page, request, persistent, name, bufferSize) => {
        if (isTooLong(name)) return this.#fail(page, request, NAME_TOO_LONG);
        const [properties] = parsers.create([{ persistent, name, bufferSize }, callback]);
        const number = this.#begin(page, request);
        const { persistent: lasting, name: label, bufferSize: size } = properties;
        const socketId = this.#native.create(number, lasting, label, size);
        if (socketId === null) return;
        this.#owners.add(page, socketId);
        this.#note(number, { value: socketId });
      },

      disconnect: (page, request, id) => {
        const [socketId] = parsers.disconnect([id, callback]);
        this.#native.disconnect(this.#begin(page, request), this.#owners.adopt(page, socketId));
      },

      getInfo: (page, request, id) => {
        const [socketId] = parsers.getInfo([id, callback]);
        const number = this.#begin(page, request);
        this.#keepValue(number, this.#native.getInfo(number, this.#owners.find(socketId)));
      },

      getSockets: (page, request) => {
        const number = this.#begin(page, request);
        const infos = this.#native.getSockets(number);
        this.#keepValue(
          number,
          infos.filter(({ socketId }) => this.#owners.has(socketId)),
        );
      },

      secure: (page, request, id, min, max) => {
        const options = { tlsVersion: { min, max } };
        const [socketId, { tlsVersion }] = parsers.secure([id, options, callback]);
        const number = this.#begin(page, request);
        const publishEnd = publishCall('secure', { socketId }, callback);
        this.#note(number, { securing: socketId, publishEnd });
        this.#native.secure(
          number,
          this.#owners.adopt(page, socketId),
          tlsVersion.min,
          tlsVersion.max,
        );
      },

      send: (page, request, id, data) => {
        const [socketId, bytes] = parsers.send([id, data, callback]);
        this.#native.send(
          this.#begin(page, request),
          this.#owners.adopt(page, socketId),
          bytesOf(bytes),
        );
      },

      sendGathered: (page, first, count, sockets, data) => {
        const numbered = isUint32(first) && isUint32(count) && count <= MAX_GATHERED;
        if (!numbered || !ArrayBuffer.isView(sockets) || !ArrayBuffer.isView(data)) {
          return refuse('sends and their bytes');
        }
        // Copies, which nobody else can change any more.
        const headers = new Int32Array(sockets.buffer, sockets.byteOffset, 2 * count).slice();
        const bytes = bytesOf(data);
        let left = bytes.length;
        for (let i = 1; i < headers.length; i += 2) {
          if (headers[i] < 0 || headers[i] > left) {
            return refuse('no more than the bytes that came');
          }
          left -= headers[i];
        }
        if (count === 0) return;
        const number = this.#freeNumbers(count);
        page.keep(count, 0);
        for (let i = 0; i < count; i++) {
          this.#register({ page, number: (first + i) >>> 0, bytes: 0 });
          headers[2 * i] = this.#owners.adopt(page, headers[2 * i]);
        }
        this.#native.sendGathered(number, count, headers, bytes);
      },

      setKeepAlive: (page, request, id, wanted, seconds) => {
        const args = parsers.setKeepAlive([id, wanted, seconds, callback]);
        const [socketId, enable, delay = 0] = args;
        const used = this.#owners.adopt(page, socketId);
        this.#native.setKeepAlive(this.#begin(page, request), used, enable, delay);
      },

      setNoDelay: (page, request, id, wanted) => {
        const [socketId, noDelay] = parsers.setNoDelay([id, wanted, callback]);
        this.#native.setNoDelay(
          this.#begin(page, request),
          this.#owners.adopt(page, socketId),
          noDelay,
        );
      },

      setPaused: (page, request, id, wanted) => {
        const [socketId, paused] = parsers.setPaused([id, wanted, callback]);
        this.#native.setPaused(
          this.#begin(page, request),
          this.#owners.adopt(page, socketId),
          paused,
        );
      },

      update: (page, request, id, persistent, name, bufferSize) => {
        if (isTooLong(name)) return this.#fail(page, request, NAME_TOO_LONG);
        const changes = { persistent, name, bufferSize };
        const [socketId, properties] = parsers.update([id, changes, callback]);
        const { persistent: lasting, name: label, bufferSize: size } = properties;
        const number = this.#begin(page, request);
        this.#native.update(number, this.#owners.adopt(page, socketId), lasting, label, size);
      },

      closeServer: (page, request, id) => {
        const [socketId] = serverParsers.close([id, callback]);
        this.#native.closeServer(
          this.#begin(page, request),
          this.#serverOwners.adopt(page, socketId),
        );
        this.#serverOwners.delete(socketId);
      },

      createServer: (page, request, persistent, name) => {
        if (isTooLong(name)) return this.#fail(page, request, NAME_TOO_LONG);
        const [properties] = serverParsers.create([{ persistent, name }, callback]);
        const number = this.#begin(page, request);
        const socketId = this.#native.createServer(number, properties.persistent, properties.name);
        if (socketId === null) return;
        this.#serverOwners.add(page, socketId);
        this.#note(number, { value: socketId });
      },

      disconnectServer: (page, request, id) => {
        const [socketId] = serverParsers.disconnect([id, callback]);
        const number = this.#begin(page, request);
        this.#native.disconnectServer(number, this.#serverOwners.adopt(page, socketId));
      },

      getServerInfo: (page, request, id) => {
        const [socketId] = serverParsers.getInfo([id, callback]);
        const number = this.#begin(page, request);
        const known = this.#serverOwners.find(socketId);
        this.#keepValue(number, this.#native.getServerInfo(number, known));
      },

      getServers: (page, request) => {
        const number = this.#begin(page, request);
        const infos = this.#native.getServers(number);
        const known = infos.filter(({ socketId }) => this.#serverOwners.has(socketId));
        this.#keepValue(number, known);
      },

      listenOn: (page, request, id, wantedAddress, wantedPort, wantedBacklog) => {
        const [socketId, address, port, backlog] = serverParsers.listen([
          id,
          typeof wantedAddress === 'string' ? shortened(wantedAddress) : wantedAddress,
          wantedPort,
          wantedBacklog,
          callback,
        ]);
        const number = this.#begin(page, request);
        const used = this.#serverOwners.adopt(page, socketId);
        const call = { socketId, host: address, port: port & 0xffff };
        this.#note(number, { publishEnd: publishCall('listen', call, callback) });
        if (this.#settings.permissions?.allowsListen(address, port & 0xffff)) {
          const canonical = canonicalAddress(address);
          this.#native.listenOn(number, used, canonical, port & 0xffff, backlog);
        } else {
          this.#native.denyListen(number, used);
        }
      },

      pauseServer: (page, request, id, wanted) => {
        const [socketId, paused] = serverParsers.setPaused([id, wanted, callback]);
        const number = this.#begin(page, request);
        this.#native.pauseServer(number, this.#serverOwners.adopt(page, socketId), paused);
      },

      updateServer: (page, request, id, persistent, name) => {
        if (isTooLong(name)) return this.#fail(page, request, NAME_TOO_LONG);
        const [socketId, properties] = serverParsers.update([id, { persistent, name }, callback]);
        const number = this.#begin(page, request);
        const used = this.#serverOwners.adopt(page, socketId);
        this.#native.updateServer(number, used, properties.persistent, properties.name);
      },
    }),
  );

  /**
   * Registers a call before it is passed to the native half.
   *
   * @param {Page} [page] The page that calls, if there is one.
   * @param {unknown} [number] The page's number for the call.
   * @param {{ bytes?: number }} [kept]
   * @returns {number} The native half's number for it.
   */
  #begin(page, number, { bytes = 0 } = {}) {
    if (!page) return this.#register();
    if (!isUint32(number)) refuse('the number of a request');
    page.keep(1, bytes);
    return this.#register({ page, number: /** @type {number} */ (number), bytes });
  }

  /**
   * @param {Request} [request]
   * @returns {number}
   */
  #register(request) {
    if (!this.#attached) {
      this.#native.attach(this.#deliver);
      this.#attached = true;
    }
    const id = this.#freeNumbers(1);
    this.#nextRequest = (id + 1) >>> 0;
    if (request) this.#requests.set(id, request);
    return id;
  }

  /**
   * Makes the next numbers ones that no request has: a request may outlast the four billion that follow.
   *
   * @param {number} count
   * @returns {number} The first of `count` numbers, which are those of the next requests.
   */
  #freeNumbers(count) {
    for (let free = 0; free < count; free++) {
      const number = (this.#nextRequest + free) >>> 0;
      if (!this.#requests.has(number)) continue;
      this.#nextRequest = (number + 1) >>> 0;
      free = -1;
    }
    return this.#nextRequest;
  }

  /**
   * Answers a call, in its place among the others, without having tried anything.
   *
   * @param {Page} page
   * @param {unknown} request
   * @param {string} failure
   */
  #fail(page, request, failure) {
    const number = this.#begin(page, request);
    this.#note(number, { failure });
    this.#native.close(number, NO_SOCKET);
  }

  /**
   * Keeps the result for the page until the call ends. The page needs credit for it.
   *
   * @param {number} id
   * @param {unknown} value
   */
  #keepValue(id, value) {
    const request = /** @type {Request} */ (this.#requests.get(id));
    request.page.reserve(value);
    request.value = value;
  }

  /**
   * @param {number} id
   * @param {Partial<Request>} known
   */
  #note(id, known) {
    Object.assign(/** @type {Request} */ (this.#requests.get(id)), known);
  }

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
        if (!owner) this.#native.close(this.#begin(), clientId);
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
        this.#attached = false;
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
    const request = this.#requests.get(id);
    if (!request) return;
    this.#requests.delete(id);
    const { page, number, bytes, value, securing, publishEnd } = request;
    if (publishEnd) publishEnd(...(code === undefined ? [] : [code]));
    if (securing !== undefined) {
      warnOfTrust();
      if (failure !== undefined && !this.#native.getInfo(this.#begin(), securing)) {
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
      const { persistent = false } = this.#native.getInfo(this.#begin(), socketId) ?? {};
      // Its other pages are told of no end: a suspended socket has no read that could meet one.
      this.#native.suspend(socketId);
      if (!persistent) this.#close(socketId);
    }
    for (const socketId of this.#serverOwners.orphan(page)) {
      const { persistent = false } = this.#native.getServerInfo(this.#begin(), socketId) ?? {};
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
    this.#native.close(this.#begin(), socketId);
  }

  /**
   * @param {number} socketId
   */
  #closeServer(socketId) {
    this.#serverOwners.delete(socketId);
    this.#native.closeServer(this.#begin(), socketId);
  }
}

module.exports = { Application };
