'use strict';

// Taken at load time: a test that installs fake timers must not swallow its own failures.
const { queueMicrotask } = globalThis;

/**
 * Raises what a callback or listener threw as the environment's uncaught exception, once the
 * current job is over, so that it disturbs nothing that still has to run.
 *
 * @param {unknown} exception
 */
function raise(exception) {
  queueMicrotask(() => {
    throw exception;
  });
}

module.exports = { raise };
