'use strict';

/**
 * `chrome.runtime.lastError`: extensions/renderer/bindings/api_last_error.cc. The property exists
 * only while the callback of a failed call runs.
 */

const { createNativePrototype } = require('./native-object.js');
const { raise } = require('./raise.js');

const prototype = createNativePrototype('internal');

/**
 * The objects that carry the property; each with the value that a script has assigned to it, which
 * from then on stands for every later error, as in Chromium, until `undefined` is assigned.
 *
 * @type {Map<object, unknown>}
 */
const bearers = new Map();

/**
 * Makes an object show `lastError` during failing callbacks from now on.
 *
 * @template {object} T
 * @param {T} object
 * @returns {T}
 */
function showLastErrorOn(object) {
  if (!bearers.has(object)) bearers.set(object, undefined);
  return object;
}

/**
 * Runs the callback of a failed call with `lastError` set. Says on the console that nobody has read
 * it, if so.
 *
 * @param {string} message
 * @param {Function} callback
 * @param {unknown[]} args
 */
function callWithLastError(message, callback, args) {
  const error = Object.create(prototype, {
    message: { get: () => message, enumerable: true, configurable: true },
  });
  let checked = false;
  const read = () => {
    checked = true;
    return error;
  };
  const free = [...bearers.keys()].filter(isFree);
  const shownOn = free.filter((bearer) => show(bearer, read));
  call(callback, args);
  for (const bearer of shownOn) Reflect.deleteProperty(bearer, 'lastError');
  // A script that puts a value of its own there gets neither the error nor the complaint.
  if (!checked && free.length === bearers.size) {
    console.error(`Unchecked runtime.lastError: ${message}`);
  }
}

/**
 * @param {object} bearer
 * @returns {boolean} Whether no script has put something of its own in the property's place.
 */
function isFree(bearer) {
  try {
    return Reflect.get(bearer, 'lastError') === undefined;
  } catch {
    return false; // a getter, and it throws
  }
}

/**
 * @param {object} bearer
 * @param {() => object} read
 * @returns {boolean} Whether the property could be put there; a frozen object stays as it is.
 */
function show(bearer, read) {
  return Reflect.defineProperty(bearer, 'lastError', {
    get() {
      const assigned = bearers.get(bearer);
      return assigned === undefined ? read() : assigned;
    },
    set(value) {
      bearers.set(bearer, value);
    },
    enumerable: true,
    configurable: true,
  });
}

/**
 * Runs a callback. What it throws is raised as an uncaught exception and disturbs nothing else.
 *
 * @param {Function} callback
 * @param {unknown[]} args
 */
function call(callback, args) {
  try {
    Reflect.apply(callback, globalThis, args);
  } catch (exception) {
    raise(exception);
  }
}

module.exports = { showLastErrorOn, callWithLastError, call };
