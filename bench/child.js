'use strict';

/**
 * One measurement: one side, one workload, one process. The parameters are the last argument, the
 * figures go to standard output, both as JSON.
 */

const { readFileSync, writeSync } = require('node:fs');
const { Worker } = require('node:worker_threads');
const { Meter, WorkMeter } = require('./meter.js');

const parameters = JSON.parse(process.argv[process.argv.length - 1]);

/** How often the event loop is probed, milliseconds. */
const PROBE_INTERVAL = 1;

/** The duration of a busy phase and of the idle phase after it, in milliseconds. */
const BUSY_MS = 5;

function threadCpu() {
  const usage = /** @type {any} */ (process).threadCpuUsage?.();
  if (usage) return (usage.user + usage.system) / 1e6;
  try {
    const text = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1');
    return Number(text.split(' ')[0]) / 1e9;
  } catch {
    return NaN;
  }
}

function processCpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Resident memory without garbage, bytes. */
function memory() {
  for (let round = 0; round < 3; round++) /** @type {any} */ (globalThis).gc();
  return process.memoryUsage.rss();
}

/**
 * How long the JavaScript thread takes to react to a message of another thread. Finer than
 * `monitorEventLoopDelay`, whose timers have a resolution of a millisecond.
 */
function probeLoop() {
  /** @type {number[]} */
  let delays = [];
  const source = `
    const { parentPort } = require('node:worker_threads');
    const cell = new Int32Array(new SharedArrayBuffer(4));
    for (;;) {
      Atomics.wait(cell, 0, 0, ${PROBE_INTERVAL});
      parentPort.postMessage(process.hrtime.bigint());
    }`;
  const worker = new Worker(source, { eval: true });
  worker.on('message', (then) => delays.push(Number(process.hrtime.bigint() - then) / 1e6));
  return () => {
    const taken = delays;
    delays = [];
    return taken;
  };
}

function keepBusy() {
  const end = performance.now() + BUSY_MS;
  while (performance.now() < end);
  setTimeout(keepBusy, BUSY_MS);
}

async function main() {
  const { side, modulePath, warmup, duration, work, probe, busy, beside } = parameters;
  const gauges = { threadCpu, processCpu, loopDelays: probe ? probeLoop() : () => [] };
  const meter = work ? new WorkMeter(work) : new Meter({ warmup, duration, gauges });
  if (busy) setTimeout(keepBusy, BUSY_MS);
  const runNet = (/** @type {any} */ meter) =>
    require('./sides/net.js').run(parameters, meter, memory);
  const runSide = (/** @type {any} */ meter) => {
    if (parameters.kind.startsWith('accept')) {
      return require('./sides/accept.js').run(parameters, meter, memory);
    }
    if (side === 'net') return runNet(meter);
    if (side === 'bun') return require('./sides/bun.js').run(parameters, meter, memory);
    const tcp = side === 'shim' ? require('./shim.js').tcp : require(modulePath);
    return require('./sides/sockets.js').run(tcp, parameters, meter, memory);
  };
  if (!beside) return runSide(meter);
  void runSide(unmeasured);
  return runNet(meter);
}

/** For code that runs beside the measurement. */
const unmeasured = {
  over: false,
  begin() {},
  count() {},
  latency() {},
  finished: new Promise(() => {}),
};

void main().then((figures) => {
  writeSync(1, JSON.stringify(figures));
  process.exit(0);
});
