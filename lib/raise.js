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

const { AsyncResource } = require('node:async_hooks');

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
  if (exceptions.length > 1) return;
  const here = new AsyncResource('chrome.sockets.tcp');
  queueMicrotask(() => here.runInAsyncScope(nextTick, undefined, throwFirst));
}

function throwFirst() {
  const exception = exceptions.shift();
  if (exceptions.length > 0) setImmediate(throwFirst);
  throw exception;
}

module.exports = { raise };
