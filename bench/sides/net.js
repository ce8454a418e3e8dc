'use strict';

/** The workloads as one would write them for Node's `net` and `tls` directly. */

const net = require('node:net');
const tls = require('node:tls');
const { openAll } = require('./open-all.js');

const REQUEST_BYTES = 64 * 1024 * 1024;

/**
 * @param {any} parameters
 * @param {any} meter
 * @param {() => number} memory
 */
async function run(parameters, meter, memory) {
  const { kind, size, connections, activeEvery, warm, batch, window, addresses, port, authority } =
    parameters;
  const message = Buffer.alloc(size, 0x21);
  let opened = 0;

  /** @returns {net.Socket} */
  function open(/** @type {(socket: net.Socket) => void} */ ready) {
    const host = addresses[opened++ % addresses.length];
    const socket = parameters.tls
      ? tls.connect({ host, port, ca: authority }, () => ready(socket))
      : net.connect({ host, port, noDelay: true }, () => ready(socket));
    if (parameters.tls) socket.setNoDelay(true);
    socket.on('error', (error) => {
      if (!meter.over) throw error;
    });
    return socket;
  }

  const workloads = {
    async pingPong() {
      const sockets = await openAll(open, connections);
      // Thousands of first messages take longer than the warm-up.
      let unanswered = Math.ceil(connections / activeEvery);
      for (const [index, socket] of sockets.entries()) {
        let since = performance.now();
        let missing = size;
        socket.on('data', (data) => {
          missing -= data.length;
          if (missing > 0) return;
          const now = performance.now();
          meter.latency(now - since);
          meter.count(size);
          if (meter.over) return;
          if (unanswered > 0 && --unanswered === 0) meter.begin();
          since = now;
          missing = size;
          socket.write(message);
        });
        if (index % activeEvery === 0) socket.write(message);
      }
    },

    exchange() {
      meter.begin();
      const next = () => {
        const since = performance.now();
        let missing = size;
        const socket = open(() => socket.write(message));
        socket.on('data', (data) => {
          missing -= data.length;
          if (missing === 0) socket.destroy();
        });
        socket.on('close', () => {
          meter.latency(performance.now() - since);
          meter.count(size);
          if (!meter.over) next();
        });
      };
      for (let index = 0; index < connections; index++) next();
    },

    handshake() {
      meter.begin();
      const next = () => {
        const since = performance.now();
        const socket = open(() => socket.destroy());
        socket.on('close', () => {
          meter.latency(performance.now() - since);
          meter.count(0);
          if (!meter.over) next();
        });
      };
      for (let index = 0; index < connections; index++) next();
    },

    async send() {
      const [socket] = await openAll(open, 1);
      socket.resume();
      meter.begin();
      let left = 0;
      const sendBatch = () => {
        left = batch;
        for (let index = 0; index < batch; index++) socket.write(message, sent);
      };
      const sendOne = () => socket.write(message, sent);
      const sent = (/** @type {Error | null | undefined} */ error) => {
        if (error) throw error;
        meter.count(size);
        if (meter.over) return;
        if (batch === 0) return void sendOne();
        left -= 1;
        if (left === 0) sendBatch();
      };
      if (batch > 0) sendBatch();
      for (let index = 0; index < window; index++) sendOne();
    },

    async receive() {
      const [socket] = await openAll(open, 1);
      const request = Buffer.alloc(8);
      request.writeBigUInt64LE(BigInt(REQUEST_BYTES));
      let missing = REQUEST_BYTES;
      socket.on('data', (data) => {
        meter.count(data.length);
        missing -= data.length;
        if (missing > 0 || meter.over) return;
        missing += REQUEST_BYTES;
        socket.write(request);
      });
      meter.begin();
      // Two at a time, so that the source never waits for the next request.
      socket.write(request);
      socket.write(request);
    },

    async idle() {
      const sockets = await openAll(open, warm);
      const listen = (/** @type {net.Socket} */ socket) => socket.on('data', () => {});
      sockets.forEach(listen);
      const before = memory();
      (await openAll(open, warm + connections, sockets)).slice(warm).forEach(listen);
      return { memoryPerConnection: (memory() - before) / connections };
    },
  };

  const result = await workloads[/** @type {keyof typeof workloads} */ (kind)]();
  if (result) return result;
  await meter.finished;
  return meter.result;
}

module.exports = { run };
