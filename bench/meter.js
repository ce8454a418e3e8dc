'use strict';

/**
 * Counts what happens between the end of the warm-up and the end of a run. Runs in Node and, as
 * part of an extension, in Chromium: `gauges` supplies the figures that only Node has.
 */

const MAX_LATENCIES = 1 << 20;

/** Reading the clock costs as much as a small send, so it is read only after this many. */
const COUNTS_PER_CLOCK_READ = 32;

/**
 * @typedef {object} Gauges
 * @property {() => number} threadCpu seconds of CPU the JavaScript thread has used
 * @property {() => number} processCpu seconds of CPU the process has used
 * @property {() => number[]} loopDelays milliseconds, since the last call
 */

class Meter {
  operations = 0;
  bytes = 0;
  over = false;
  /** @type {Promise<void>} resolved when the time is up */
  finished;

  #begun = false;
  #beginAt;
  #endAt;
  #looks = 0;
  #latencies = new Float64Array(MAX_LATENCIES);
  #latencyCount = 0;
  #gauges;
  /** @type {any} */
  #start;
  /** @type {any} */
  #result;
  /** @type {() => void} */
  #finish = () => {};

  /** @param {{ warmup: number, duration: number, gauges: Gauges }} options milliseconds */
  constructor({ warmup, duration, gauges }) {
    this.#gauges = gauges;
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    this.warmup = warmup;
    this.duration = duration;
    this.#beginAt = Infinity;
    this.#endAt = Infinity;
  }

  /** To be called when the connections are open. */
  begin() {
    this.#beginAt = performance.now() + this.warmup;
    this.#endAt = this.#beginAt + this.duration;
    setTimeout(() => this.#look(), this.warmup + 1);
    setTimeout(() => this.#look(), this.warmup + this.duration + 1);
  }

  /**
   * Notes that something was done.
   *
   * @param {number} bytes
   */
  count(bytes) {
    this.operations += 1;
    this.bytes += bytes;
    this.#looks += 1;
    if (this.#looks >= COUNTS_PER_CLOCK_READ) this.#look();
  }

  /** @param {number} milliseconds */
  latency(milliseconds) {
    if (this.#latencyCount < MAX_LATENCIES) {
      this.#latencies[this.#latencyCount] = milliseconds;
      this.#latencyCount += 1;
    }
  }

  #look() {
    this.#looks = 0;
    const now = performance.now();
    if (!this.#begun && now >= this.#beginAt) {
      this.#begun = true;
      this.operations = 0;
      this.bytes = 0;
      this.#latencyCount = 0;
      this.#start = this.#readings(now);
    } else if (!this.over && now >= this.#endAt) {
      this.over = true;
      this.#result = this.#figures(this.#readings(now));
      this.#finish();
    }
  }

  /** @param {number} now */
  #readings(now) {
    const { threadCpu, processCpu, loopDelays } = this.#gauges;
    return { now, thread: threadCpu(), process: processCpu(), delays: loopDelays() };
  }

  /** @param {any} end */
  #figures(end) {
    const seconds = (end.now - this.#start.now) / 1000;
    const thread = end.thread - this.#start.thread;
    const process = end.process - this.#start.process;
    const operations = Math.max(this.operations, 1);
    const latencies = this.#latencies.subarray(0, this.#latencyCount).sort();
    const delays = Float64Array.from(end.delays).sort();
    return {
      rate: this.operations / seconds,
      throughput: this.bytes / seconds,
      p50: 1000 * quantile(latencies, 0.5),
      p99: 1000 * quantile(latencies, 0.99),
      cpuPerOperation: (thread / operations) * 1e6,
      cpuPerGigabyte: (thread / Math.max(this.bytes, 1)) * 1e9,
      processCpuPerOperation: (process / operations) * 1e6,
      processCpuPerGigabyte: (process / Math.max(this.bytes, 1)) * 1e9,
      utilisation: thread / seconds,
      loopDelayP50: quantile(delays, 0.5),
      loopDelayP99: quantile(delays, 0.99),
    };
  }

  /** @returns {Record<string, number>} latencies in microseconds, delays in milliseconds */
  get result() {
    return this.#result;
  }
}

/**
 * Counts a fixed amount of work instead, without a clock, for counts of instructions: one message or
 * exchange each, or where `pieceBytes` is given, a piece of so many bytes.
 */
class WorkMeter {
  over = false;
  result = {};
  /** @type {Promise<void>} resolved when the work is done */
  finished;

  #done = 0;
  #enough;
  #pieceBytes;
  /** @type {() => void} */
  #finish = () => {};

  /** @param {{ amount: number, pieceBytes?: number }} work */
  constructor({ amount, pieceBytes }) {
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    this.#enough = amount;
    this.#pieceBytes = pieceBytes;
  }

  begin() {}

  /** @param {number} bytes */
  count(bytes) {
    this.#done += this.#pieceBytes === undefined ? 1 : bytes / this.#pieceBytes;
    if (this.#done < this.#enough || this.over) return;
    this.over = true;
    this.#finish();
  }

  latency() {}
}

/**
 * @param {ArrayLike<number>} sorted
 * @param {number} part
 * @returns {number} NaN for nothing
 */
function quantile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

module.exports = { Meter, WorkMeter };
