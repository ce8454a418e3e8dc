'use strict';

const { fileLimit, withMost } = require('./limits.js');

/**
 * The workloads. Each workload is run on every side with the same parameters; each figure is
 * compared as a ratio of this module to Node's `net`/`tls` and to the shim.
 *
 * @typedef {object} Figure
 * @property {string} name a figure of meter.js
 * @property {{ atMost?: number, atLeast?: number }} [net] the target for module : net
 * @property {{ atMost?: number, atLeast?: number }} [shim] the target for module : shim
 * @property {{ atMost?: number, atLeast?: number }} [chromium] the target for module : Chromium
 *
 * @typedef {object} Parameters
 * @property {'pingPong' | 'exchange' | 'handshake' | 'send' | 'receive' | 'idle' | 'accept' | 'acceptIdle'} kind
 * @property {boolean} tls
 * @property {'echo' | 'source' | 'sink'} role of the peer
 * @property {number} size of a message, bytes
 * @property {number} connections open at the same time
 * @property {number} activeEvery one of so many exchanges messages, the others are idle
 * @property {number} bufferSize of the sockets; Node's `net` has no such setting
 * @property {number} batch sends that are issued together, in one tick
 * @property {number} window sends that are under way; with `batch`, unused
 * @property {boolean} busy keep the JavaScript thread busy half of the time
 * @property {boolean} probe measure the delay of the event loop
 * @property {boolean} beside measure not the side but a connection of Node's `net` beside it
 *
 * @typedef {object} Work
 * @property {number} less work of the shorter run, long enough for all code to be compiled
 * @property {number} more work of the longer run
 * @property {number} [pieceBytes] the work is so many bytes; otherwise a message or an exchange
 *
 * @typedef {object} Workload
 * @property {string} name
 * @property {'table' | 'sizes' | 'scaling' | 'extra'} group
 * @property {Parameters} parameters
 * @property {Figure[]} figures
 * @property {boolean} [chromium] whether the real chrome.sockets.tcp is measured, too
 * @property {Work} [work] for counting instructions; left out where their number depends on the clock
 * @property {boolean} [serves] whether it needs a server socket, which the shim and the floor lack
 */

const atMost = (/** @type {number} */ ratio) => ({ atMost: ratio });
const atLeast = (/** @type {number} */ ratio) => ({ atLeast: ratio });

/** @type {Parameters} */
const DEFAULTS = {
  kind: 'pingPong',
  tls: false,
  role: 'echo',
  size: 64,
  connections: 1,
  activeEvery: 1,
  bufferSize: 4096,
  batch: 0,
  window: 0,
  busy: false,
  probe: false,
  beside: false,
};

/**
 * @param {string} name
 * @param {Partial<Parameters>} parameters
 * @param {Figure[]} figures
 * @param {Partial<Workload>} [more]
 * @returns {Workload}
 */
function workload(name, parameters, figures, more) {
  return { name, group: 'table', parameters: { ...DEFAULTS, ...parameters }, figures, ...more };
}

const receive = (/** @type {number} */ bufferSize, more = {}) => ({
  .../** @type {const} */ ({ kind: 'receive', role: 'source', bufferSize }),
  ...more,
});
const send = (/** @type {number} */ size, more = {}) => ({
  .../** @type {const} */ ({ kind: 'send', role: 'sink', size }),
  ...more,
});
const handshake = (/** @type {number} */ connections, more = {}) => ({
  .../** @type {const} */ ({ kind: 'handshake', tls: true, connections }),
  ...more,
});

const SIZES = [64, 256, 1024, 4096, 16384, 65536];
const CONNECTIONS = [1, 10, 100, 1000, 10000, 50000];
const IDLE_CONNECTIONS = [100, 1000, 10000];

/** @type {Workload[]} */
const workloads = [
  workload(
    'ping-pong 64 B, 1 connection',
    {},
    [
      { name: 'p50', net: atMost(1), shim: atMost(0.9), chromium: atMost(1 / 6) },
      { name: 'p99', net: atMost(1), shim: atMost(0.9) },
    ],
    { chromium: true },
  ),
  workload('TLS ping-pong 64 B, 1 connection', { tls: true }, [
    { name: 'p50', net: atMost(1), shim: atMost(0.9) },
    { name: 'p99', net: atMost(1), shim: atMost(0.9) },
  ]),
  workload(
    'ping-pong 64 B, 64 connections',
    { connections: 64 },
    [
      { name: 'rate', net: atLeast(1.1), shim: atLeast(1.25) },
      { name: 'cpuPerOperation', net: atMost(0.75) },
    ],
    { work: { less: 40_000, more: 100_000 } },
  ),
  workload('connect, echo, close: one at a time', { kind: 'exchange' }, [
    { name: 'rate', net: atLeast(1.4), shim: atLeast(1.7) },
  ]),
  workload(
    'connect, echo, close: 64 at once',
    { kind: 'exchange', connections: 64 },
    [{ name: 'rate', net: atLeast(1.7), shim: atLeast(2) }],
    { work: { less: 8000, more: 20_000 } },
  ),
  workload(
    'send 64 B with callbacks',
    send(64, { batch: 256 }),
    [{ name: 'rate', net: atLeast(6), shim: atLeast(7) }],
    { work: { less: 81_920, more: 204_800 } },
  ),
  workload(
    'send 4 KiB with callbacks',
    send(4096, { batch: 64 }),
    [{ name: 'rate', net: atLeast(2.5), shim: atLeast(2.5) }],
    { work: { less: 81_920, more: 204_800 } },
  ),
  workload(
    'send 64 KiB',
    send(65536, { window: 16 }),
    [{ name: 'throughput', net: atLeast(1), shim: atLeast(1) }],
    { work: { less: 12_000, more: 28_000 } },
  ),
  workload(
    'receive, bufferSize 65536',
    receive(65536),
    [{ name: 'throughput', net: atLeast(1), shim: atLeast(1.3), chromium: atLeast(12) }],
    { chromium: true, work: { less: 12_000, more: 28_000, pieceBytes: 65536 } },
  ),
  workload(
    'receive, bufferSize 4096',
    receive(4096),
    [{ name: 'throughput', net: atLeast(0.7), shim: atLeast(1.6), chromium: atLeast(25) }],
    { chromium: true, work: { less: 160_000, more: 400_000, pieceBytes: 4096 } },
  ),
  workload('TLS receive, bufferSize 65536', receive(65536, { tls: true }), [
    { name: 'throughput', net: atLeast(2), shim: atLeast(2.5) },
    { name: 'cpuPerGigabyte', net: atMost(0.5) },
  ]),
  workload('TLS receive, bufferSize 4096', receive(4096, { tls: true }), [
    { name: 'throughput', net: atLeast(1.5), shim: atLeast(2.5) },
    { name: 'cpuPerGigabyte', net: atMost(0.5) },
  ]),
  workload('TLS send 64 KiB', send(65536, { tls: true, window: 16 }), [
    { name: 'throughput', net: atLeast(1.5), shim: atLeast(2.5) },
  ]),
  workload('TLS ping-pong 64 B, 64 connections', { tls: true, connections: 64 }, [
    { name: 'rate', net: atLeast(1.3), shim: atLeast(1.5) },
  ]),
  workload('TLS handshakes, one at a time', handshake(1), [
    { name: 'rate', net: atLeast(2.6), shim: atLeast(2.8) },
    { name: 'cpuPerOperation', net: atMost(0.12) },
  ]),
  workload('TLS handshakes, 16 at once', handshake(16), [
    { name: 'rate', net: atLeast(3.5), shim: atLeast(3.7) },
    { name: 'cpuPerOperation', net: atMost(0.12) },
  ]),
  workload('event loop during 16 TLS handshakes', handshake(16, { probe: true }), [
    { name: 'loopDelayP99', net: atMost(0.2), shim: atMost(0.2) },
  ]),
  workload(
    'accept and close, 64 clients',
    { kind: 'accept', connections: 64 },
    [
      { name: 'rate', net: atLeast(1) },
      { name: 'cpuPerOperation', net: atMost(1) },
    ],
    { serves: true },
  ),
  workload(
    'idle accepted connections',
    { kind: 'acceptIdle', connections: 10000 },
    [{ name: 'memoryPerConnection', net: atMost(1) }],
    { serves: true },
  ),
  workload('idle connections', { kind: 'idle', connections: 10000 }, [
    { name: 'memoryPerConnection', net: atMost(0.5), shim: atMost(0.4) },
  ]),
  workload('idle TLS connections', { kind: 'idle', tls: true, connections: 10000 }, [
    { name: 'memoryPerConnection', net: atMost(0.5), shim: atMost(0.4) },
  ]),
  workload('receive, bufferSize 65536, thread busy half the time', receive(65536, { busy: true }), [
    { name: 'throughput', net: atLeast(1), shim: atLeast(1.3) },
  ]),

  workload(
    'send 64 B, one at a time',
    send(64, { window: 1 }),
    [{ name: 'rate' }, { name: 'cpuPerOperation' }],
    { group: 'extra' },
  ),
  workload(
    'beside: ping-pong of net beside another',
    { beside: true, probe: true },
    [{ name: 'p50' }, { name: 'p99' }, { name: 'loopDelayP99' }],
    { group: 'extra' },
  ),
  ...[false, true].flatMap((tls) =>
    SIZES.map((size) =>
      workload(
        `size: ${tls ? 'TLS ' : ''}ping-pong ${size} B, 16 connections`,
        { tls, size, connections: 16, bufferSize: 65536 },
        [{ name: 'rate' }, { name: 'cpuPerOperation' }],
        { group: 'sizes' },
      ),
    ),
  ),
  ...[1, 100].flatMap((activeEvery) =>
    withMost(CONNECTIONS, fileLimit()).map((connections) =>
      workload(
        `scale: ping-pong 64 B, ${connections} connections${activeEvery > 1 ? ', 1 % active' : ''}`,
        { connections, activeEvery },
        [{ name: 'rate' }, { name: 'cpuPerOperation' }, { name: 'processCpuPerOperation' }],
        { group: 'scaling' },
      ),
    ),
  ),
  ...IDLE_CONNECTIONS.map((connections) =>
    workload(
      `scale: idle, ${connections} connections`,
      { kind: 'idle', connections },
      [{ name: 'memoryPerConnection' }],
      { group: 'scaling' },
    ),
  ),
];

module.exports = { workloads };
