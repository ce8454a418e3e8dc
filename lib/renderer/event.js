'use strict';

/**
 * Chromium's event objects: extensions/renderer/bindings/{event_emitter,api_event_listeners}.cc.
 */

const { capture } = require('../base/context.js');
const { createNativePrototype } = require('./native-object.js');
const { reportException } = require('./report-exception.js');
const { quoted } = require('../base/strings.js');

/**
 * @typedef {(...args: any[]) => unknown} Listener
 * @typedef {import('../../index.js').Event<Listener>} Event
 */

const prototype = createNativePrototype('Event');

/**
 * The listeners of each event in the order of their registration. A change replaces the list, so
 * that a dispatch in progress keeps iterating over the old one.
 *
 * @type {WeakMap<object, Listener[]>}
 */
const listenersOf = new WeakMap();

/**
 * Functions to call when an event gets its first listener or loses its last one.
 *
 * @type {WeakMap<object, (listening: boolean) => void>}
 */
const watchers = new WeakMap();

/**
 * The contexts in which the listeners of each event were added, as far as they matter. A removal replaces
 * the map, because the listener still runs in a dispatch in progress.
 *
 * @typedef {Map<Listener, ReturnType<typeof capture>>} Contexts
 * @type {WeakMap<object, Contexts>}
 */
const contextsOf = new WeakMap();

/** What the error about a wrong receiver says besides Chromium's words. */
let advice = '';

/** @param {string} text */
function adviseOnReceiver(text) {
  advice = ` ${text}`;
}

/**
 * @param {unknown} receiver
 * @returns {Listener[]}
 */
function listenersOfReceiver(receiver) {
  const listeners = listenersOf.get(/** @type {object} */ (receiver));
  if (!listeners) {
    throw new TypeError(
      `Illegal invocation: Function must be called on an object of type Event${advice}`,
    );
  }
  return listeners;
}

/**
 * @param {object} event
 * @param {Listener[]} listeners
 */
function setListeners(event, listeners) {
  const listened = listenersOfReceiver(event).length > 0;
  const listening = listeners.length > 0;
  listenersOf.set(event, listeners);
  if (listening !== listened) watchers.get(event)?.(listening);
}

/**
 * Calls the listeners one after another. A listener that throws does not keep the others from
 * running.
 *
 * @param {Listener[]} listeners
 * @param {unknown[]} args
 * @param {Contexts} [contexts] Default: each listener runs in the context of the caller.
 * @returns {{ results: unknown[] } | undefined} The return values of the listeners, if there are any.
 */
function callListeners(listeners, args, contexts) {
  /** @type {unknown[] | undefined} */
  let results;
  for (const listener of listeners) {
    const context = contexts?.size ? contexts.get(listener) : undefined;
    const result = context
      ? context.runInAsyncScope(callListener, undefined, listener, args)
      : callListener(listener, args);
    if (result !== undefined) (results ??= []).push(result);
  }
  return results && { results };
}

/**
 * @param {Listener} listener
 * @param {unknown[]} args
 * @returns {unknown}
 */
function callListener(listener, args) {
  try {
    return Reflect.apply(listener, globalThis, args);
  } catch (exception) {
    reportException(exception);
    return undefined;
  }
}

/** The methods that every event has as own properties; all events share the same functions. */
const methods = {
  /** @this {unknown} @param {unknown[]} args */
  addListener(...args) {
    const listeners = listenersOfReceiver(this);
    const [listener] = args;
    if (typeof listener !== 'function') return;
    if (args.length > 1) throw new TypeError('This event does not support filters');
    if (listeners.includes(/** @type {Listener} */ (listener))) return;
    const context = capture();
    if (context) {
      contextsOf
        .get(/** @type {object} */ (this))
        ?.set(/** @type {Listener} */ (listener), context);
    }
    // Not concat(), which asks the listener whether it is to be spread.
    setListeners(/** @type {object} */ (this), [...listeners, /** @type {Listener} */ (listener)]);
  },

  /** @this {unknown} @param {unknown[]} args */
  removeListener(...args) {
    const listeners = listenersOfReceiver(this);
    const contexts = new Map(contextsOf.get(/** @type {object} */ (this)));
    contexts.delete(/** @type {any} */ (args[0]));
    contextsOf.set(/** @type {object} */ (this), contexts);
    setListeners(
      /** @type {object} */ (this),
      listeners.filter((listener) => listener !== args[0]),
    );
  },

  /** @this {unknown} @param {unknown[]} args */
  hasListener(...args) {
    // Chromium looks at the argument before it looks at the receiver.
    if (args.length === 0) throw new TypeError('Insufficient number of arguments.');
    const [listener] = args;
    if (typeof listener !== 'function') {
      const shown = listener === null || listener === undefined ? String(listener) : '';
      const from = typeof listener === 'string' ? quoted(listener) : shown;
      throw new TypeError(`Error processing argument at index 0, conversion failure from ${from}`);
    }
    return listenersOfReceiver(this).includes(/** @type {Listener} */ (listener));
  },

  /** @this {unknown} @param {unknown[]} _args */
  hasListeners(..._args) {
    return listenersOfReceiver(this).length > 0;
  },

  /** @this {unknown} @param {unknown[]} args */
  dispatch(...args) {
    return callListeners(listenersOfReceiver(this), args);
  },
};

/**
 * @param {(listening: boolean) => void} [watcher] Told when the first listener comes and when the
 *   last one goes.
 * @returns {Event}
 */
function createEvent(watcher) {
  const event = Object.assign(Object.create(prototype), methods);
  listenersOf.set(event, []);
  contextsOf.set(event, new Map());
  if (watcher) watchers.set(event, watcher);
  return event;
}

/**
 * Delivers an event of the module, even if an application has replaced the event's methods.
 *
 * @param {Event} event
 * @param {object} info The argument that all listeners share.
 */
function emit(event, info) {
  callListeners(listenersOfReceiver(event), [info], contextsOf.get(event));
}

module.exports = { adviseOnReceiver, createEvent, emit };
