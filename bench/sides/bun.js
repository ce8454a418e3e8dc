'use strict';

/** The workloads as one would write them for Bun's own sockets. */

const { openAll } = require('./open-all.js');

const REQUEST_BYTES = 64 * 1024 * 1024;

/** Bun's sockets have no callback for a send. */
const KINDS = ['pingPong', 'exchange', 'handshake', 'receive', 'idle'];

/**
 * Whether a workload makes sense for Bun's sockets.
 *
 * @param {import('../workloads.js').Workload} workload
 */
function doneByBun({ parameters: { kind, beside } }) {
  return KINDS.includes(kind) && !beside;
}

/**
 * @param {any} parameters
 * @param {any} meter
 * @param {() => number} memory
 */
async function run(parameters, meter, memory) {
  const { kind, size, connections, activeEvery, warm, addresses, port, authority } = parameters;
  const { Bun } = /** @type {any} */ (globalThis);
  const message = Buffer.alloc(size, 0x21);
  let opened = 0;

  /** `data` of a socket has the functions of its workload, and the bytes that wait for `drain`. */
  const handlers = {
    open(/** @type {any} */ socket) {
      if (!parameters.tls) socket.data.ready(socket);
    },
    handshake(/** @type {any} */ socket, /** @type {boolean} */ success, /** @type {any} */ error) {
      if (!success || error) throw error;
      socket.data.ready(socket);
    },
    data(/** @type {any} */ socket, /** @type {Buffer} */ data) {
      socket.data.receive(data);
    },
    drain(/** @type {any} */ socket) {
      const { rest } = socket.data;
      if (rest) write(socket, rest);
    },
    close(/** @type {any} */ socket) {
      socket.data.closed();
    },
    error(/** @type {any} */ _socket, /** @type {any} */ error) {
      if (!meter.over) throw error;
    },
  };

  /**
   * @param {any} socket
   * @param {Buffer} data
   */
  function write(socket, data) {
    const count = socket.write(data);
    socket.data.rest = count < data.length ? data.subarray(count) : undefined;
  }

  /** @param {(socket: any) => void} ready */
  function open(ready) {
    const hostname = addresses[opened++ % addresses.length];
    const tls = parameters.tls ? { ca: authority } : undefined;
    const data = { ready, receive() {}, closed() {}, rest: undefined };
    // A connection that fails ends the measurement.
    void Bun.connect({ hostname, port, tls, socket: handlers, data });
  }

  const workloads = {
    async pingPong() {
      const sockets = await openAll(open, connections);
      // Thousands of first messages take longer than the warm-up.
      let unanswered = Math.ceil(connections / activeEvery);
      for (const [index, socket] of sockets.entries()) {
        let since = performance.now();
        let missing = size;
        socket.data.receive = (/** @type {Buffer} */ data) => {
          missing -= data.length;
          if (missing > 0) return;
          const now = performance.now();
          meter.latency(now - since);
          meter.count(size);
          if (meter.over) return;
          if (unanswered > 0 && --unanswered === 0) meter.begin();
          since = now;
          missing = size;
          write(socket, message);
        };
        if (index % activeEvery === 0) write(socket, message);
      }
    },

    exchange() {
      meter.begin();
      const next = () => {
        const since = performance.now();
        let missing = size;
        open((socket) => {
          socket.data.receive = (/** @type {Buffer} */ data) => {
            missing -= data.length;
            if (missing === 0) socket.end();
          };
          socket.data.closed = () => {
            meter.latency(performance.now() - since);
            meter.count(size);
            if (!meter.over) next();
          };
          write(socket, message);
        });
      };
      for (let index = 0; index < connections; index++) next();
    },

    handshake() {
      meter.begin();
      const next = () => {
        const since = performance.now();
        open((socket) => {
          socket.data.closed = () => {
            meter.latency(performance.now() - since);
            meter.count(0);
            if (!meter.over) next();
          };
          socket.end();
        });
      };
      for (let index = 0; index < connections; index++) next();
    },

    async receive() {
      const [socket] = await openAll(open, 1);
      const request = Buffer.alloc(8);
      request.writeBigUInt64LE(BigInt(REQUEST_BYTES));
      let missing = REQUEST_BYTES;
      socket.data.receive = (/** @type {Buffer} */ data) => {
        meter.count(data.length);
        missing -= data.length;
        if (missing > 0 || meter.over) return;
        missing += REQUEST_BYTES;
        write(socket, request);
      };
      meter.begin();
      // Two at a time, so that the source never waits for the next request.
      write(socket, request);
      write(socket, request);
    },

    async idle() {
      const sockets = await openAll(open, warm);
      const before = memory();
      await openAll(open, warm + connections, sockets);
      return { memoryPerConnection: (memory() - before) / connections };
    },
  };

  const result = await workloads[/** @type {keyof typeof workloads} */ (kind)]();
  if (result) return result;
  await meter.finished;
  return meter.result;
}

module.exports = { doneByBun, run };
