'use strict';

/**
 * The workloads as an app of `chrome.sockets.tcp` would write them: for this module, for the shim
 * and, as part of an extension, for Chromium itself.
 */

const CONCURRENCY = 64;
const REQUEST_BYTES = 64 * 1024 * 1024;

/**
 * @param {any} tcp
 * @param {any} parameters
 * @param {any} meter
 * @param {() => number} memory
 */
async function run(tcp, parameters, meter, memory) {
  const { kind, size, connections, activeEvery, warm, bufferSize, batch, window, tls } = parameters;
  const { addresses, port } = parameters;
  /** @type {Map<number, (data: ArrayBuffer) => void>} */
  const receivers = new Map();
  tcp.onReceive.addListener((/** @type {any} */ { socketId, data }) => {
    receivers.get(socketId)?.(data);
  });
  tcp.onReceiveError.addListener((/** @type {any} */ { socketId, resultCode }) => {
    // One that was closed reports the end of its read, too.
    if (!meter.over && receivers.has(socketId)) throw new Error(`receive error ${resultCode}`);
  });
  const message = new Uint8Array(size).fill(0x21).buffer;
  let opened = 0;
  const nothing = () => {};

  /** @param {number} code */
  function check(code) {
    if (code !== 0) throw new Error(`result code ${code}`);
  }

  /** @param {(socketId: number) => void} ready */
  function open(ready) {
    const address = addresses[opened++ % addresses.length];
    tcp.create({ bufferSize }, (/** @type {any} */ { socketId }) => {
      if (tls) tcp.setPaused(socketId, true, nothing);
      tcp.connect(socketId, address, port, (/** @type {number} */ code) => {
        check(code);
        if (!tls) return ready(socketId);
        tcp.secure(socketId, (/** @type {number} */ code) => {
          check(code);
          ready(socketId);
        });
      });
    });
  }

  /** @param {number} count */
  async function openAll(count, socketIds = /** @type {number[]} */ ([])) {
    while (socketIds.length < count) {
      const missing = Math.min(CONCURRENCY, count - socketIds.length);
      const group = Array.from({ length: missing }, () => new Promise((resolve) => open(resolve)));
      socketIds.push(...(await Promise.all(group)));
    }
    return socketIds;
  }

  /** @param {number} socketId */
  function resume(socketId) {
    if (tls) tcp.setPaused(socketId, false, nothing);
  }

  const workloads = {
    async pingPong() {
      const socketIds = await openAll(connections);
      // Thousands of first messages take longer than the warm-up.
      let unanswered = Math.ceil(connections / activeEvery);
      for (const [index, socketId] of socketIds.entries()) {
        let since = performance.now();
        let missing = size;
        receivers.set(socketId, (data) => {
          missing -= data.byteLength;
          if (missing > 0) return;
          const now = performance.now();
          meter.latency(now - since);
          meter.count(size);
          if (meter.over) return;
          if (unanswered > 0 && --unanswered === 0) meter.begin();
          since = now;
          missing = size;
          tcp.send(socketId, message, nothing);
        });
        resume(socketId);
        if (index % activeEvery === 0) tcp.send(socketId, message, nothing);
      }
    },

    exchange() {
      meter.begin();
      const next = () => {
        const since = performance.now();
        open((socketId) => {
          let missing = size;
          receivers.set(socketId, (data) => {
            missing -= data.byteLength;
            if (missing > 0) return;
            receivers.delete(socketId);
            tcp.close(socketId, () => {
              meter.latency(performance.now() - since);
              meter.count(size);
              if (!meter.over) next();
            });
          });
          tcp.send(socketId, message, nothing);
        });
      };
      for (let index = 0; index < connections; index++) next();
    },

    handshake() {
      meter.begin();
      const next = () => {
        const since = performance.now();
        open((socketId) => {
          tcp.close(socketId, () => {
            meter.latency(performance.now() - since);
            meter.count(0);
            if (!meter.over) next();
          });
        });
      };
      for (let index = 0; index < connections; index++) next();
    },

    async send() {
      const [socketId] = await openAll(1);
      resume(socketId);
      meter.begin();
      let left = 0;
      const sendBatch = () => {
        left = batch;
        for (let index = 0; index < batch; index++) tcp.send(socketId, message, sent);
      };
      const sendOne = () => tcp.send(socketId, message, sent);
      const sent = (/** @type {any} */ { resultCode }) => {
        check(resultCode);
        meter.count(size);
        if (meter.over) return;
        if (batch === 0) return sendOne();
        left -= 1;
        if (left === 0) sendBatch();
      };
      if (batch > 0) sendBatch();
      for (let index = 0; index < window; index++) sendOne();
    },

    async receive() {
      const [socketId] = await openAll(1);
      const request = new BigUint64Array([BigInt(REQUEST_BYTES)]).buffer;
      let missing = REQUEST_BYTES;
      receivers.set(socketId, (data) => {
        meter.count(data.byteLength);
        missing -= data.byteLength;
        if (missing > 0 || meter.over) return;
        missing += REQUEST_BYTES;
        tcp.send(socketId, request, nothing);
      });
      resume(socketId);
      meter.begin();
      // Two at a time, so that the source never waits for the next request.
      tcp.send(socketId, request, nothing);
      tcp.send(socketId, request, nothing);
    },

    async idle() {
      const socketIds = await openAll(warm);
      socketIds.forEach(resume);
      const before = memory();
      (await openAll(warm + connections, socketIds)).slice(warm).forEach(resume);
      return { memoryPerConnection: (memory() - before) / connections };
    },
  };

  const result = await workloads[/** @type {keyof typeof workloads} */ (kind)]();
  if (result) return result;
  await meter.finished;
  return meter.result;
}

module.exports = { run };
