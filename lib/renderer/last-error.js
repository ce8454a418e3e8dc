'use strict';

/**
 * `chrome.runtime.lastError`: extensions/renderer/bindings/api_last_error.cc. The property exists
 * only while the callback of a failed call runs.
 */

const { createNativePrototype } = require('./native-object.js');
const { reportException } = require('./report-exception.js');

const prototype = createNativePrototype('internal');

// console.log() would show `{ message: [Getter] }`.
Object.defineProperty(prototype, Symbol.for('nodejs.util.inspect.custom'), {
  /** @this {{ message: string }} */
  value() {
    return { message: this.message };
  },
});

/**
 * The objects that carry the property. Each maps to a value that a script has assigned to it: as in
 * Chromium, that value replaces every later error until `undefined` is assigned.
 *
 * @type {Map<object, unknown>}
 */
const bearers = new Map();

/**
 * Makes an object show `lastError` while a failing callback runs.
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
 * Runs the callback of a failed call with `lastError` set. Reports on the console if the callback
 * has not read it.
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
  // A script that assigned its own value gets neither the error nor the report.
  if (!checked && free.length === bearers.size) {
    reportUnchecked(message);
  }
}

/**
 * Reports a failure that no code has looked at, in Chromium's words.
 *
 * @param {string} message
 */
function reportUnchecked(message) {
  console.error(`Unchecked runtime.lastError: ${message}`);
}

/**
 * @param {object} bearer
 * @returns {boolean} Whether no script has assigned a value of its own to the property.
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
 * @returns {boolean} Whether the property could be defined; a frozen object stays unchanged.
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
 * Runs a callback. An exception is raised as an uncaught exception and does not affect other
 * callbacks.
 *
 * @param {Function} callback
 * @param {unknown[]} args
 */
function call(callback, args) {
  try {
    Reflect.apply(callback, globalThis, args);
  } catch (exception) {
    reportException(exception);
  }
}

module.exports = { showLastErrorOn, callWithLastError, reportUnchecked, call };
