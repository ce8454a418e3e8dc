'use strict';

/**
 * Stands for the main process of Electron: an application, whose pages are in the process that has
 * started this one. It tells how much memory it has used and for how long the module held its event loop.
 * The time that Node takes to receive a message is not counted: Electron receives messages by other code.
 */

const { closeSync, openSync } = require('node:fs');
const timers = require('node:timers');

/** The longest job of the module so far, in milliseconds of the processor: a loaded machine does not count. */
let held = 0;

/** @param {() => unknown} job */
function measured(job) {
  const begun = process.cpuUsage();
  try {
    job();
  } finally {
    const { user, system } = process.cpuUsage(begun);
    held = Math.max(held, (user + system) / 1000);
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

/** @param {unknown} message */
const tell = (message) => void process.send?.(message);

/** @type {Record<string, (id: number, message: any) => void>} */
const commands = {
  open(id) {
    /** @type {Record<string, (event?: any) => void>} */
    const listeners = {};
    pages.set(id, { listeners });
    application.addPage({
      on: (event, listener) => (listeners[event] = listener),
      postMessage: (message) => tell({ page: id, message }),
      start() {},
      close() {
        pages.delete(id);
        tell({ page: id, closed: true });
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
    tell({ begun: process.resourceUsage().maxRSS * 1024 });
  },

  end() {
    tell({
      peak: process.resourceUsage().maxRSS * 1024,
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
    tell({ descriptors: opened.length });
  },
};

process.on('message', (/** @type {[string, number, unknown]} */ [command, id, message]) => {
  commands[command](id, message);
});
