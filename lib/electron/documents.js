'use strict';

/**
 * Which documents get the API. A list admits them, because a list of those that are refused is never
 * complete: a popup that was opened with a `javascript:` URL has the URL `''`.
 */

const { escaped } = require('../base/shown.js');

/**
 * @typedef {(url: string, origin: string) => boolean} Admits
 */

/** A scheme's name: RFC 3986, in lower case. */
const SCHEME = /^[a-z][a-z\d+.-]*$/;

/** Schemes of documents that anyone can write, and of those that Chromium writes itself. */
const FOREIGN = [
  'http',
  'https',
  'ws',
  'wss',
  'ftp',
  'data',
  'blob',
  'filesystem',
  'about',
  'javascript',
].concat(['chrome', 'chrome-error', 'chrome-extension', 'devtools', 'view-source']);

/**
 * @param {unknown} schemes
 * @returns {Admits} Admits documents of local files and of these schemes.
 * @throws {TypeError} If that is no array of schemes of the application's own.
 */
function admitSchemes(schemes) {
  if (!Array.isArray(schemes)) throw new TypeError('schemes: expected an array of strings');
  for (const scheme of schemes) {
    if (typeof scheme !== 'string' || !SCHEME.test(scheme) || FOREIGN.includes(scheme)) {
      const expected = "schemes of the application's own, in lower case and without a colon";
      throw new TypeError(`schemes: expected ${expected}, found ${JSON.stringify(scheme)}`);
    }
  }
  return (url) => {
    const { protocol, host, pathname } = new URL(url);
    if (protocol !== 'file:') return schemes.includes(protocol.slice(0, -1));
    // A path of another machine (UNC) is a URL with a host or, in some spellings, with two slashes.
    return host === '' && !pathname.startsWith('//');
  };
}

/**
 * Whether a document has the origin of its URL. One that its opener has written has the opener's, and
 * one that is sandboxed or stands for an error has none.
 *
 * @param {string} url
 * @param {string} origin
 * @returns {boolean}
 */
function isOfOrigin(url, origin) {
  try {
    const { protocol, host } = new URL(url);
    return origin === (protocol === 'file:' ? 'file://' : `${protocol}//${host}`);
  } catch {
    return false;
  }
}

/**
 * @param {string} url Of a document that the list does not admit.
 * @param {string} origin
 * @returns {string} The option that would admit it.
 */
function admissionAdvice(url, origin) {
  const scheme = new URL(url).protocol.slice(0, -1);
  const option =
    FOREIGN.includes(scheme) || scheme === 'file'
      ? `pages: (url, origin) => origin === '${escaped(origin)}'`
      : `schemes: ['${scheme}']`;
  return `the option ${option} would admit it`;
}

/**
 * @param {string} url Of a document that has another origin.
 * @param {string} origin
 * @returns {string | undefined} The setting that would give it one, if the scheme is the application's own.
 */
function schemeAdvice(url, origin) {
  const [, scheme] = /^([a-z][a-z\d+.-]*):/.exec(url) ?? [];
  if (origin !== 'null' || !scheme || scheme === 'file' || FOREIGN.includes(scheme)) {
    return undefined;
  }
  return `register its scheme ${scheme} as standard (protocol.registerSchemesAsPrivileged)`;
}

module.exports = { admitSchemes, isOfOrigin, admissionAdvice, schemeAdvice };
