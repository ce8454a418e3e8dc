'use strict';

/**
 * Bytes that were reported as sent arrive although bytes of the peer are unread when an environment
 * ends. See reliability/endings for the other ways in which a connection ends.
 */

const { boundOf } = require('../support/bounds.js');
const { runNode } = require('./support/child.js');
const { startServer, stopServers } = require('../support/servers.js');

afterEach(stopServers);

const LENGTH = 2_000_000;

/** Connects a paused socket, and calls `then` when the peer's greeting is in its receive buffer. */
const CLIENT = `
  const tcp = require('./index.js');
  const net = require('node:net');
  const greeted = (port, then) =>
    tcp.create({}, ({ socketId }) =>
      tcp.setPaused(socketId, true, () =>
        tcp.connect(socketId, '127.0.0.1', port, () => {
          // The server greets connections in their order.
          const later = net.connect(port, '127.0.0.1');
          later.once('data', () => later.destroy().once('close', () => then(socketId)));
        })));
  const send = (port, then) =>
    greeted(port, (socketId) =>
      tcp.send(socketId, new ArrayBuffer(${LENGTH}), ({ bytesSent }) => then(socketId, bytesSent)));
`;

const inWorker = (ending, then) => `
  const { Worker } = require('node:worker_threads');
  const worker = new Worker(${JSON.stringify(`
    ${CLIENT}
    const { parentPort, workerData } = require('node:worker_threads');
    send(workerData, (socketId, bytesSent) => { console.log(bytesSent); ${ending} });
  `)}, { eval: true, workerData: port });
  worker.on('error', () => {});
  ${then}`;

const inMainThread = (ending) =>
  `send(port, (socketId, bytesSent) => { console.log(bytesSent); ${ending} });`;

test.each([
  ['a process that exits', inMainThread('process.exit();')],
  ['a process that ends by itself', inMainThread('tcp.close(socketId);')],
  [
    'a process that fails',
    inMainThread(`process.on('exit', () => (process.exitCode = 0)); throw 1;`),
  ],
  ['a worker that exits', inWorker('process.exit();', '')],
  ['a worker that ends by itself', inWorker('tcp.close(socketId);', '')],
  ['a worker that fails', inWorker('throw 1;', '')],
  [
    'a worker that is terminated',
    inWorker('parentPort.postMessage(0);', `worker.once('message', () => worker.terminate());`),
  ],
])('all bytes sent by %s arrive', async (_title, program) => {
  const { port, accepted } = await startServer({
    onConnection: (socket) => socket.write('unread'),
  });
  const running = runNode(['--eval', `const port = ${port}; ${CLIENT} ${program}`]);
  const socket = await accepted();
  let received = 0;
  socket.on('data', (data) => (received += data.length));
  const ended = new Promise((resolve) => {
    socket.once('end', () => resolve('FIN'));
    socket.once('error', ({ code }) => resolve(code));
  });
  const { stdout } = await running;
  expect(stdout).toBe(`${LENGTH}\n`);
  expect(await ended).toBe('FIN');
  expect(received).toBe(LENGTH);
});

test('a peer that does not read delays the exit of a process only up to the bound', async () => {
  const { port } = await startServer({
    onConnection: (socket) => socket.pause().write('unread'),
  });
  const program = `
    let begun;
    process.on('exit', () => (begun = performance.now()));
    greeted(port, (socketId) => {
      tcp.send(socketId, new ArrayBuffer(3e7), () => {});
      // Behind the listener of the module.
      process.on('exit', () => console.log(performance.now() - begun));
      process.exit();
    });`;
  const { code, stdout } = await runNode(['--eval', `const port = ${port}; ${CLIENT} ${program}`]);
  expect(code).toBe(0);
  const bound = boundOf('src/runtime/closing.rs', 'MAX_SETTLING');
  expect(Number(stdout)).toBeGreaterThanOrEqual(bound);
  expect(Number(stdout)).toBeLessThan(bound + 2000);
});
