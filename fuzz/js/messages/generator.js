'use strict';

const { VALUES } = require('./values.js');

/**
 * @typedef {import('../fuzz.js').Choices} Random
 * @typedef {InstanceType<typeof import('./hostile-page.js').HostilePage>} HostilePage
 */

const METHODS = [
  'close',
  'connect',
  'create',
  'disconnect',
  'getInfo',
  'getSockets',
  'listen',
  'received',
  'secure',
  'send',
  'sendGathered',
  'setKeepAlive',
  'setNoDelay',
  'setPaused',
  'update',
];
const HOSTS = ['127.0.0.1', '127.1', 'localhost', 'a.b', 'b.a', '::1', 'a..b', ''];

/** @param {Random} random */
const bytes = (random) => new Uint8Array(random.pick([0, 1, 5, 100, 20_000])).fill(7);

/** Makes the messages of hostile pages. */
class MessageGenerator {
  #nextRequest = 0;
  #ports;

  /** @param {number[]} ports to connect to */
  constructor(ports) {
    this.#ports = ports;
  }

  /**
   * Any message: most are calls of the API, some of them damaged.
   *
   * @param {Random} random
   * @param {HostilePage} page
   * @returns {unknown}
   */
  message(random, page) {
    if (random.oneIn(200)) return random.pick(VALUES);
    /** @type {unknown[]} */
    const calls = random.some(4, () => this.#call(random, page));
    if (random.oneIn(20) && calls.length > 0) damage(random, calls);
    if (random.oneIn(2000)) return new Array(1500).fill(['getInfo', 1, 1]);
    return calls;
  }

  /**
   * A call as an honest page could make it, most of the time.
   *
   * @param {Random} random
   * @param {HostilePage} page
   * @returns {unknown[]}
   */
  #call(random, page) {
    const method = random.pick(METHODS);
    const request = random.oneIn(50)
      ? random.pick([0, 2 ** 32 - 1])
      : (this.#nextRequest = (this.#nextRequest + 1) >>> 0);
    const id = random.pick(page.sockets);
    const flag = random.oneIn(2);
    switch (method) {
      case 'create':
      case 'update': {
        const properties = [
          random.pick([undefined, flag]),
          random.pick([undefined, 'name']),
          random.pick([undefined, 0, 100]),
        ];
        return method === 'create'
          ? [method, request, ...properties]
          : [method, request, id, ...properties];
      }
      case 'connect': {
        const host = random.pick(HOSTS);
        const [port, family] = [random.pick(this.#ports), random.pick([0, 4, 6])];
        return [method, request, id, host === 'a.b' ? 'a b' : host, port, family];
      }
      case 'secure': {
        const [min, max] = [
          random.pick([undefined, 'tls1.2', 'x']),
          random.pick([undefined, 'tls1.3']),
        ];
        return [method, request, id, min, max];
      }
      case 'send':
        return [method, request, id, bytes(random)];
      case 'sendGathered': {
        const count = random.pick([0, 1, 2, 9, 12]);
        const headers = new Int32Array(2 * count);
        for (let i = 0; i < count; i++) {
          headers.set([random.oneIn(4) ? random.pick(page.sockets) : id, 3], 2 * i);
        }
        return [method, request, count, headers, new Uint8Array(3 * count)];
      }
      case 'setKeepAlive':
        return [method, request, id, flag, random.pick([undefined, 0, 5, -1])];
      case 'setNoDelay':
      case 'setPaused':
        return [method, request, id, flag];
      case 'listen':
        return [method, random.pick(['onReceive', 'onReceiveError']), flag];
      case 'received':
        return page.acknowledge();
      case 'getSockets':
        return [method, request];
      default:
        return [method, request, id];
    }
  }
}

/**
 * Damages one call of several.
 *
 * @param {Random} random
 * @param {unknown[]} calls
 */
function damage(random, calls) {
  const call = /** @type {unknown[]} */ (random.pick(calls));
  switch (random.below(4)) {
    case 0:
      call[random.below(call.length + 2)] = random.pick(VALUES);
      break;
    case 1:
      call.splice(random.below(call.length + 1), random.below(3), random.pick(VALUES));
      break;
    case 2: {
      const headers = call.find((value) => value instanceof Int32Array);
      if (headers) headers[random.below(headers.length || 1)] = random.bits();
      break;
    }
    default:
      calls.splice(random.below(calls.length), 1, random.pick(VALUES));
  }
}

module.exports = { MessageGenerator };
