'use strict';

/**
 * How Chromium's conversions change a string. JavaScript strings are UTF-16 and may hold lone
 * surrogates; Chromium's are UTF-8, and some of its functions take them as C strings, which end at the
 * first U+0000.
 */

const LONE_SURROGATES = /\p{Surrogate}/gu;
const FROM_NUL_ON = /\0.*$/s;

/**
 * A string on its way to the browser process. Each of the three bytes of a lone surrogate is invalid
 * UTF-8 by itself.
 *
 * @param {string} text
 * @returns {string}
 */
function fromUtf8(text) {
  return text.replace(LONE_SURROGATES, '\uFFFD\uFFFD\uFFFD');
}

/**
 * A string that a message of an error quotes.
 *
 * @param {string} text
 * @returns {string}
 */
function quoted(text) {
  return fromUtf8(text.replace(FROM_NUL_ON, ''));
}

/**
 * The name of a property, which V8 converts: a lone surrogate is one invalid character.
 *
 * @param {string} key
 * @returns {string}
 */
function propertyName(key) {
  return key.replace(FROM_NUL_ON, '').replace(LONE_SURROGATES, '\uFFFD');
}

module.exports = { fromUtf8, quoted, propertyName };
