'use strict';

/**
 * The client of one row: it connects, leaves the peer's greeting unread, sends, and ends as the row
 * says as soon as the last send was called back. It runs in a process of its own or in a worker.
 */

const net = require('node:net');
const { isMainThread, parentPort, workerData, Worker } = require('node:worker_threads');
const { call, expect, open, send } = require('../sockets.js');
const { connect } = require('../../entry/duplex.js');

/** @typedef {import('./suite.js').Row} Row */
/** @typedef {Row & { port: number, controlPort: number }} Job */

/** The peer announces its greeting by one byte. */
function untilGreeted(/** @type {Job} */ { controlPort }) {
  return new Promise((resolve, reject) => {
    const control = net.connect({ host: '127.0.0.1', port: controlPort });
    control.once('error', reject);
    control.once('data', () => {
      control.destroy();
      resolve(undefined);
    });
  });
}

/**
 * @param {Job} job
 * @returns {ArrayBuffer[]} The data to send: a pattern that continues from one send to the next.
 */
function messages({ sends: [count, size] }) {
  const all = Uint8Array.from({ length: count * size }, (_, index) => index % 251);
  return Array.from({ length: count }, (_, index) =>
    all.buffer.slice(index * size, (index + 1) * size),
  );
}

/** @param {Job} job */
async function playStream(job) {
  const stream = connect({
    host: '127.0.0.1',
    port: job.port,
    secure: job.tls ? {} : undefined,
  });
  if (!job.paused) stream.resume();
  await new Promise((resolve, reject) => {
    stream.once(job.tls ? 'secureConnect' : 'connect', resolve);
    stream.once('error', reject);
  });
  await untilGreeted(job);
  const closed = new Promise((resolve) => stream.once('close', resolve));
  const pieces = messages(job).map((data) => new Uint8Array(data));
  for (const piece of pieces.slice(0, -1)) stream.write(piece);
  const last = /** @type {Uint8Array} */ (pieces.at(-1));
  if (job.ending === 'duplex.end') stream.end(last);
  else stream.write(last, () => stream.destroy());
  await closed;
}

/** @param {Job} job */
async function playSocket(job) {
  const target = { host: '127.0.0.1', port: job.port, tls: job.tls };
  const socketId = await open(target, { paused: job.paused });
  await untilGreeted(job);
  const data = messages(job);
  for (const message of data.slice(0, -1)) void send(socketId, message);
  await send(socketId, /** @type {ArrayBuffer} */ (data.at(-1)));
  switch (job.ending) {
    case 'exit':
    case 'worker.exit':
      process.exit();
      break;
    case 'worker.terminate':
      parentPort?.postMessage('sent');
      break;
    case 'disconnect':
      await call('disconnect', socketId);
      await call('close', socketId);
      break;
    default:
      await call('close', socketId);
  }
}

/** @param {Job} job */
const play = (job) => (job.ending.startsWith('duplex') ? playStream(job) : playSocket(job));

/** @param {Job} job */
function playInWorker(job) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: job });
    worker.once('message', () => void worker.terminate());
    worker.once('error', reject);
    worker.once('exit', () => resolve(undefined));
  });
}

if (!isMainThread) {
  void play(workerData);
} else {
  process.on('message', async (/** @type {Job} */ job) => {
    // The end of the process is the end of the row.
    if (job.ending === 'exit' || job.ending === 'natural') process.disconnect();
    await (job.ending.startsWith('worker') ? playInWorker(job) : play(job));
    if (process.connected) process.send?.(job.port);
  });
  expect(typeof process.send, 'function', 'a parent');
}
