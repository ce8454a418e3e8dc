'use strict';

/**
 * How an exception of a callback or listener becomes an uncaught exception. Three things matter:
 *
 * - Nothing else is kept from running. An exception in a `nextTick` skips the microtasks that wait
 *   behind it, so it is thrown when they have run, and one at a time.
 * - The exception has the asynchronous context of the callback or listener, by which test runners find
 *   the test that has failed. One that is thrown in a microtask loses it.
 * - It comes before the next callback or event, so that the failing test is still the current one.
 */

const { Context } = require('./context.js');

// Taken at load time: a test that installs fake timers must not swallow its own failures.
const { queueMicrotask, setImmediate } = globalThis;
const { nextTick } = process;

/** @type {{ exception: unknown, context: InstanceType<typeof Context> }[]} */
const raised = [];

/**
 * Raises what a callback or listener threw as an uncaught exception, once the current job is over.
 *
 * @param {unknown} exception
 */
function raise(exception) {
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

module.exports = { raise };
