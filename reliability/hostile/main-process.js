'use strict';

/**
 * Stands for the main process of Electron: an application, whose pages are in the process that has
 * started this one. It tells how much memory it has used and for how long its event loop stood still.
 */

const { monitorEventLoopDelay } = require('node:perf_hooks');
const { closeSync, openSync } = require('node:fs');
const { Application } = require('../../lib/electron/application.js');

const { configuration } = JSON.parse(process.argv[2]);

const application = new Application(configuration);
/** @type {Map<number, { listeners: Record<string, (event?: any) => void>, end?: () => void }>} */
const pages = new Map();
let warnings = 0;
process.on('warning', () => (warnings += 1));

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

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
    pages.get(id)?.listeners.message({ data: message, ports: [] });
  },

  leave(id) {
    pages.get(id)?.listeners.close();
  },

  /** Begins to measure. */
  begin() {
    delay.reset();
    tell({ begun: process.resourceUsage().maxRSS * 1024 });
  },

  end() {
    tell({
      peak: process.resourceUsage().maxRSS * 1024,
      held: delay.max / 1e6,
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
