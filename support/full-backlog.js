'use strict';

/** A server whose thread is blocked: connections beyond its backlog stay in the making. */

const { once } = require('node:events');
const net = require('node:net');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

/** Linux takes one connection more than the backlog. */
const CAPACITY = 2;

async function startFullServer(host = '127.0.0.1') {
  const blocked = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(__filename, { workerData: { blocked, host } });
  const [port] = await once(worker, 'message');
  const fillers = Array.from({ length: CAPACITY }, () => net.connect(port, host));
  await Promise.all(fillers.map((filler) => once(filler, 'connect')));
  return {
    port: /** @type {number} */ (port),
    async stop() {
      for (const filler of fillers) filler.destroy();
      Atomics.store(blocked, 0, 1);
      Atomics.notify(blocked, 0);
      await worker.terminate();
    },
  };
}

function listenAndBlock() {
  const server = net.createServer();
  server.listen({ port: 0, host: workerData.host, backlog: CAPACITY - 1 }, () => {
    parentPort?.postMessage(/** @type {net.AddressInfo} */ (server.address()).port);
    Atomics.wait(workerData.blocked, 0, 0);
  });
}

if (isMainThread) module.exports = { startFullServer };
else listenAndBlock();
