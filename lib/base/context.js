'use strict';

/**
 * Asynchronous contexts, which AsyncLocalStorage and test runners go by. Each callback runs in the
 * context of its call, each listener in the context in which it was added.
 */

const { AsyncResource } = require('node:async_hooks');
const { IntrinsicPromise } = require('./intrinsics.js');

class Context extends AsyncResource {
  constructor() {
    super('chrome.sockets.tcp');
  }

  /** Keeps no loop alive. jest counts resources without this method as open handles. */
  hasRef() {
    return false;
  }
}

const symbols = Object.getOwnPropertySymbols(new Context());
const named = (/** @type {string} */ name) =>
  symbols.find(({ description }) => description === name);

/** Promises have this member while hooks are in use, and with them the storages of Node 22 and older. */
const ASYNC_ID = named('async_id_symbol');
/** The value that the storages of later Nodes hold. */
const FRAME = named('context_frame');

const noop = () => {};

/**
 * @returns {Context | undefined} The context of the caller; undefined where no code could tell it from
 *   another, because no storage is in use.
 */
function capture() {
  if (ASYNC_ID === undefined || Object.hasOwn(new IntrinsicPromise(noop), ASYNC_ID)) {
    return new Context();
  }
  if (FRAME === undefined) return undefined;
  const context = new Context();
  return /** @type {any} */ (context)[FRAME] === undefined ? undefined : context;
}

/** @returns {boolean} Whether code could tell the context of the caller from another. */
function isObservable() {
  return capture() !== undefined;
}

/** @returns {Context} One without the values that the storages of the caller have. */
function neutralContext() {
  const context = new Context();
  for (const symbol of Object.getOwnPropertySymbols(context)) {
    if (symbol === FRAME || symbol.description === 'kResourceStore') {
      Object.assign(context, { [symbol]: undefined });
    }
  }
  return context;
}

module.exports = { capture, Context, isObservable, neutralContext };
