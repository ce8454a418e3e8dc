'use strict';

/**
 * Stands for the main process of Electron: an application, whose pages are in the process that has
 * started this one. It reports its memory and for how long the module held its event loop. The time
 * that Node takes to receive a message is not counted: Electron receives messages by other code.
 */

const { closeSync, openSync, readFileSync } = require('node:fs');
const timers = require('node:timers');
const { openClock } = require('../event-loop.js');

/**
 * The longest job of the module so far, in milliseconds of processor time of the main thread: other
 * processes and the collector's threads do not count.
 */
let held = 0;
const used = openClock();

/** @param {() => unknown} job */
function measured(job) {
  const begun = used();
  try {
    job();
  } finally {
    held = Math.max(held, used() - begun);
  }
}

// The module runs in listeners of ports and in immediates.
const { setImmediate } = timers;
timers.setImmediate = /** @type {any} */ (
  (/** @type {() => unknown} */ job) => setImmediate(() => measured(job))
);

const { Application } = require('../../lib/electron/application.js');

const { configuration } = JSON.parse(process.argv[2]);

const application = new Application(configuration);
/** @type {Map<number, { listeners: Record<string, (event?: any) => void>, end?: () => void }>} */
const pages = new Map();
let warnings = 0;
process.on('warning', () => (warnings += 1));

/**
 * The most memory that this process has used, in bytes. `maxRSS` would begin at that of the process
 * that has started this one.
 */
function peak() {
  const [, kibibytes] =
    /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

/** @param {unknown} message */
const send = (message) => void process.send?.(message);

/** @type {Record<string, (id: number, message: any) => void>} */
const commands = {
  open(id) {
    /** @type {Record<string, (event?: any) => void>} */
    const listeners = {};
    pages.set(id, { listeners });
    application.addPage({
      on: (event, listener) => (listeners[event] = listener),
      postMessage: (message) => send({ page: id, message }),
      start() {},
      close() {
        pages.delete(id);
        send({ page: id, closed: true });
      },
    });
  },

  post(id, message) {
    measured(() => pages.get(id)?.listeners.message({ data: message, ports: [] }));
  },

  leave(id) {
    pages.get(id)?.listeners.close();
  },

  /** Begins to measure. */
  begin() {
    held = 0;
    send({ begun: peak() });
  },

  end() {
    send({
      peak: peak(),
      held,
      warnings,
      stats: application.stats(),
    });
  },

  /** How many descriptors of this many can be opened. */
  descriptors(count) {
    /** @type {number[]} */
    const opened = [];
    try {
      while (opened.length < count) opened.push(openSync('/dev/null', 'r'));
    } catch {
      // There are no more.
    }
    for (const descriptor of opened) closeSync(descriptor);
    send({ descriptors: opened.length });
  },
};

process.on('message', (/** @type {[string, number, unknown]} */ [command, id, message]) => {
  commands[command](id, message);
});
