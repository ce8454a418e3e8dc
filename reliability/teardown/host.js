'use strict';

/** A process whose workers end during traffic, one after another, and its growth. */

const { readdirSync } = require('node:fs');
const { join } = require('node:path');
const { Worker } = require('node:worker_threads');
const { createRandom } = require('../random.js');
const { repeat } = require('../sockets.js');

const CONCURRENCY = 3;

/** The first workers are not counted, because later ones reuse their memory. */
const WARM_UP = 10;

/** The time for background work to end, in milliseconds. */
const TIMEOUT_MS = 10_000;

const job = JSON.parse(process.argv[2]);
const random = createRandom(job.seed);

/** @param {string} what */
const count = (what) => readdirSync(`/proc/self/${what}`).length;

/** @param {number} milliseconds */
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** How long the last of them took to end, milliseconds. */
let slowest = 0;

async function endOne() {
  const worker = new Worker(join(__dirname, 'traffic.js'), { workerData: job });
  /** @type {Error | undefined} */
  let failure;
  const exited = new Promise((resolve) => worker.once('exit', () => resolve(undefined)));
  await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  worker.removeAllListeners('error');
  worker.once('error', (error) => (failure = error));
  await wait(random.integer(0, 10));
  const begun = performance.now();
  const way = random.pick(['terminate', 'terminate', 'exit', 'throw']);
  if (way === 'terminate') void worker.terminate();
  else worker.postMessage(way);
  await exited;
  slowest = Math.max(slowest, performance.now() - begun);
  if (failure && !(way === 'throw' && failure.message === 'on purpose')) throw failure;
}

async function settle({ descriptors = 0 }) {
  const end = Date.now() + TIMEOUT_MS;
  while (count('fd') > descriptors && Date.now() < end) await wait(20);
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  return {
    descriptors: count('fd'),
    threads: count('task'),
    bytes: process.memoryUsage.rss(),
  };
}

async function main() {
  await repeat(WARM_UP, CONCURRENCY, endOne);
  await wait(1000);
  const before = await settle({ descriptors: Infinity });
  slowest = 0;
  let ended = 0;
  await repeat(job.count, CONCURRENCY, async () => {
    await endOne();
    ended += 1;
    if (ended % 50 === 0) {
      process.send?.({ progress: ended, bytes: process.memoryUsage.rss() });
    }
  });
  const after = await settle(before);
  process.send?.({ done: true, before, after, ended, slowest });
  // The process stays alive until then, because its end would close leaked descriptors.
  process.once('message', () => process.disconnect());
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
