'use strict';

/**
 * A server in a thread of its own that sends as fast as the kernel accepts and reports when it
 * stalls.
 */

const { once } = require('node:events');
const net = require('node:net');
const tls = require('node:tls');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const CHUNK = 1024 * 1024;
/** The server counts as stalled if the kernel accepts no bytes for this many milliseconds. */
const STALL_MS = 400;

const SENT = 0;
const STALLED = 1;

/**
 * @param {number} total How many MiB to send.
 * @param {import('node:tls').TlsOptions} [tlsOptions]
 */
async function startFlood(total, tlsOptions) {
  const state = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(__filename, { workerData: { state, total, tlsOptions } });
  const [port] = await once(worker, 'message');
  return {
    port: /** @type {number} */ (port),
    totalBytes: total * CHUNK,
    /** The bytes that the operating system has accepted. */
    sentBytes: () => Atomics.load(state, SENT) * CHUNK,
    stalled: () => once(worker, 'message'),
    /** Blocks this thread. */
    waitUntilStalled: () => Atomics.wait(state, STALLED, 0),
    stop: () => worker.terminate(),
  };
}

function flood() {
  const { state, total, tlsOptions } = workerData;
  const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
  const chunk = Buffer.alloc(CHUNK, 7);

  const onConnection = (/** @type {net.Socket} */ socket) => {
    const reportStall = () => {
      Atomics.store(state, STALLED, 1);
      Atomics.notify(state, STALLED);
      port.postMessage('stalled');
    };
    let timer = setTimeout(reportStall, STALL_MS);
    socket.on('error', () => {});
    const send = () => {
      clearTimeout(timer);
      if (Atomics.load(state, SENT) === total) {
        socket.end();
        return;
      }
      timer = setTimeout(reportStall, STALL_MS);
      socket.write(chunk, () => {
        Atomics.add(state, SENT, 1);
        send();
      });
    };
    send();
  };

  const server = tlsOptions
    ? tls.createServer(tlsOptions, onConnection)
    : net.createServer(onConnection);
  server.listen(0, '127.0.0.1', () => {
    port.postMessage(/** @type {net.AddressInfo} */ (server.address()).port);
  });
}

if (isMainThread) module.exports = { startFlood };
else flood();
