'use strict';

/**
 * How an exception of a callback or listener becomes an uncaught exception. Three things matter:
 *
 * - Nothing else is kept from running. An exception in a `nextTick` skips the microtasks that wait
 *   behind it, so it is thrown when they have run, and one at a time.
 * - The exception keeps its asynchronous context, by which test runners find the test that has
 *   failed. One that is thrown in a microtask loses it.
 * - It comes before the next callback or event, so that the failing test is still the current one.
 */

// Taken at load time: a test that installs fake timers must not swallow its own failures.
const { queueMicrotask, setImmediate } = globalThis;
const { nextTick } = process;

/** @type {unknown[]} */
const exceptions = [];

/**
 * Raises what a callback or listener threw as an uncaught exception, once the current job is over.
 *
 * @param {unknown} exception
 */
function raise(exception) {
  exceptions.push(exception);
  if (exceptions.length === 1) queueMicrotask(() => nextTick(throwFirst));
}

function throwFirst() {
  const exception = exceptions.shift();
  if (exceptions.length > 0) setImmediate(throwFirst);
  throw exception;
}

module.exports = { raise };
