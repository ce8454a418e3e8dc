'use strict';

/**
 * Text from outside in errors and logs: control characters are escaped, and a value that could be a key
 * or a passphrase given in the wrong place is described instead of quoted.
 */

const { lstatSync } = require('node:fs');
const { parse, sep } = require('node:path');
const { getSystemErrorMap } = require('node:util');
const { isUint8Array } = require('node:util/types');

/** Line ends, terminal escape sequences, and characters that reorder or hide their neighbours. */
const UNPRINTABLE =
  // eslint-disable-next-line no-control-regex -- these are what it is for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Longer than any host name or sensible path; the rest is left out. */
const MAX_SHOWN = 300;

/**
 * @param {unknown} value
 * @returns {string} The value on one line, without characters that a terminal or log viewer obeys.
 */
function escaped(value) {
  const text = String(value);
  const start = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return start.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** No key in PEM, base64 or hex has a dot in it. */
const NAMED_AS_A_FILE = /^(?:\.{1,2}[/\\].*|.*[^/\\.]\.[a-z]{1,8})$/i;

/**
 * @param {string | URL} path A value that was given as the path of a file and is not secret in itself.
 * @returns {string | undefined} The path as an error shows it; undefined if it names no file and could
 *   be something else.
 */
function shownPath(path) {
  if (path instanceof URL) {
    return path.protocol === 'file:' ? shownPath(decodeURI(path.pathname)) : undefined;
  }
  const { root, dir, base } = parse(path);
  const [first] = dir.slice(root.length).split(sep);
  const isAbsolute = root !== '' && exists(root + (first || base));
  return isAbsolute || NAMED_AS_A_FILE.test(path) || exists(path) ? escaped(path) : undefined;
}

/**
 * @param {string} path
 * @returns {boolean}
 */
function exists(path) {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/**
 * @param {unknown} value
 * @returns {string} The kind of the value, as the end of "expected …, found …".
 */
function kindOf(value) {
  if (value === null || value === undefined || value === '') {
    return value === '' ? 'an empty string' : String(value);
  }
  if (Array.isArray(value)) return 'an array';
  if (isUint8Array(value)) return 'a Buffer';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/**
 * @param {any} error The error of reading a file.
 * @returns {string} The reason without the path, which Node's own message quotes.
 */
function fileProblem({ errno, code }) {
  const [, text] = getSystemErrorMap().get(errno) ?? [];
  return text === undefined ? String(code) : `${code}: ${text}`;
}

/**
 * @param {unknown} value The value of an option that should be a number.
 * @returns {string}
 */
function shownNumber(value) {
  return typeof value === 'number' ? String(value) : kindOf(value);
}

module.exports = { escaped, fileProblem, kindOf, shownNumber, shownPath };
