'use strict';

/** Checks of messages from pages, which any code in a page's process may have sent. */

const { isArrayBuffer } = require('node:util/types');
const { MAX_HOST, MAX_NAME } = require('./limits.js');

const NAME_TOO_LONG = 'Name too long';

/** Stands for the callback, which the parsers want to see. */
const callback = () => {};

/**
 * @param {string} expected
 * @returns {never}
 */
function refuse(expected) {
  throw new TypeError(`expected ${expected}`);
}

/**
 * @param {unknown} value
 * @returns {boolean}
 */
function isUint32(value) {
  return typeof value === 'number' && value >>> 0 === value;
}

/**
 * @param {unknown} name
 * @returns {boolean}
 */
function isTooLong(name) {
  return typeof name === 'string' && name.length > MAX_NAME;
}

/**
 * A host that is too long for every resolver fails as it would in full. The end of it is kept, because
 * that decides which of a manifest's patterns it matches.
 *
 * @param {string} host
 * @returns {string}
 */
function shortened(host) {
  return host.slice(-MAX_HOST);
}

/**
 * @param {unknown} value An argument of a call.
 * @returns {number} How many bytes it takes.
 */
function bytesIn(value) {
  switch (typeof value) {
    case 'string':
      return 2 * value.length;
    case 'object':
      if (value === null) return 0;
      // A view arrives with the whole of its buffer.
      if (ArrayBuffer.isView(value)) return value.buffer.byteLength;
      return isArrayBuffer(value) ? value.byteLength : refuse('bytes or a plain value');
    case 'bigint':
      return refuse('bytes or a plain value');
    default:
      return 0;
  }
}

module.exports = {
  bytesIn,
  callback,
  isTooLong,
  isUint32,
  NAME_TOO_LONG,
  refuse,
  shortened,
};
