'use strict';

/**
 * Raises an exception of a callback or listener as an uncaught exception:
 *
 * - Other callbacks still run. An exception in a `nextTick` skips the microtasks behind it, so it is
 *   thrown after they have run, and one at a time.
 * - The exception has the asynchronous context of the callback or listener, by which test runners find
 *   the failing test. An exception in a microtask loses it.
 * - It is thrown before the next callback or event, so that the failing test is still the current one.
 */

// Not the global one, which fake timers replace and jsdom does not have.
const { setImmediate } = require('node:timers');
const { Context } = require('../base/context.js');

// Taken at load time: a test that installs fake timers must not swallow its own failures.
const { queueMicrotask } = globalThis;
const { nextTick } = process;

/** @type {{ exception: unknown, context: InstanceType<typeof Context> }[]} */
const raised = [];

/**
 * Raises an exception of a callback or listener as an uncaught exception after the current job.
 *
 * @param {unknown} exception
 */
function reportException(exception) {
  const context = new Context();
  raised.push({ exception, context });
  if (raised.length === 1) queueMicrotask(() => throwFirstWith(nextTick));
}

/** @param {(callback: () => void) => unknown} schedule */
function throwFirstWith(schedule) {
  raised[0].context.runInAsyncScope(schedule, undefined, throwFirst);
}

function throwFirst() {
  const first = raised.shift();
  if (raised.length > 0) throwFirstWith(setImmediate);
  throw first?.exception;
}

module.exports = { reportException };
