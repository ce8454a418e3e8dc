'use strict';

// Node's URL: in a renderer of Electron the global one is that of its Chromium.
const { URL } = require('node:url');

// Characters that end the host in a URL parser, or that it drops.
const NOT_PART_OF_A_HOST = /[\p{Control} /?#@:\\[\]]/u;

/** A label in the ASCII form of an internationalized name. */
const ASCII_FORM = /(?<=^|\.)xn--[^.]*/g;

/** A label has at most 63 bytes, and at most four characters encode one byte. */
const MAX_LABEL = 4 * 63;
const INTERNATIONAL = /^xn--|[^\0-\x7f]/i;
const DOT = /[.\u3002\uff0e\uff61]/;

/** A host that some versions of Node's URL parser, such as 18.15's, take for a name. */
const DIGIT = /^(\d)\.?$/;

/**
 * Whether an internationalized label is longer than any valid one. A URL parser takes time
 * quadratic in its length, so a hostile host could block the thread for minutes.
 *
 * @param {string} host
 * @returns {boolean} Throws a URIError if the percent-encoding is not UTF-8.
 */
function isTooLong(host) {
  if (host.length <= MAX_LABEL) return false;
  const labels = decodeURIComponent(host).split(DOT);
  return labels.some((label) => label.length > MAX_LABEL && INTERNATIONAL.test(label));
}

/**
 * Decodes the ASCII form of a label: RFC 3492, where the constants and names come from.
 *
 * @param {string} label Without `xn--`, in lower case.
 * @returns {string} Throws a RangeError if the label is invalid.
 */
function decode(label) {
  const delimiter = label.lastIndexOf('-');
  const output = [...label.slice(0, Math.max(delimiter, 0))];
  const digits = label.slice(delimiter + 1);
  let [position, i, n, bias] = [0, 0, 128, 72];
  while (position < digits.length) {
    const old = i;
    for (let k = 36, weight = 1; ; k += 36) {
      const digit = 'abcdefghijklmnopqrstuvwxyz0123456789'.indexOf(digits.charAt(position) || '-');
      if (digit < 0) throw new RangeError('not a digit');
      position += 1;
      i += digit * weight;
      const threshold = Math.min(Math.max(k - bias, 1), 26);
      if (digit < threshold) break;
      weight *= 36 - threshold;
    }
    const count = output.length + 1;
    let delta = Math.floor((i - old) / (old === 0 ? 700 : 2));
    delta += Math.floor(delta / count);
    for (bias = 0; delta > 455; bias += 36) delta = Math.floor(delta / 35);
    bias += Math.floor((36 * delta) / (delta + 38));
    n += Math.floor(i / count);
    i %= count;
    output.splice(i, 0, String.fromCodePoint(n));
    i += 1;
  }
  return output.join('');
}

/**
 * Whether the ASCII form of a label is valid, which some versions of Node's URL parser do not
 * check.
 *
 * @param {string} label
 * @returns {boolean}
 */
function isOfSomething(label) {
  return new URL(`http://${decode(label.slice(4))}/`).hostname === label;
}

/**
 * The host name as Chromium's CanonicalizeHost (url/url_canon_host.cc) returns it: lower case,
 * percent-decoded, internationalized names in their ASCII form, every spelling of an IPv4 address
 * as a dotted quad. A host that cannot be canonicalized is returned unchanged.
 *
 * @param {string} host
 * @returns {string}
 */
function canonicalHost(host) {
  if (NOT_PART_OF_A_HOST.test(host)) return host;
  try {
    if (isTooLong(host)) return host;
    const canonical = new URL(`http://${host}/`).hostname.replace(DIGIT, '0.0.0.$1');
    return (canonical.match(ASCII_FORM) ?? []).every(isOfSomething) ? canonical : host;
  } catch {
    return host;
  }
}

module.exports = { canonicalHost };
