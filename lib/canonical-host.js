'use strict';

// Node's own: a renderer of Electron has another one, of the age of its Chromium.
const { URL } = require('node:url');

// Characters at which a URL parser would end the host, or which it would silently drop.
const NOT_PART_OF_A_HOST = /[\p{Control} /?#@:\\[\]]/u;

/** A label in the ASCII form of an international name. */
const ASCII_FORM = /(?<=^|\.)xn--[^.]*/g;

/** A label has 63 bytes at most, and no more than four characters are written for one. */
const MAX_LABEL = 4 * 63;
const INTERNATIONAL = /^xn--|[^\0-\x7f]/i;
const DOT = /[.\u3002\uff0e\uff61]/;

/**
 * Whether there is an international label that no name has. A URL parser takes the square of its
 * length for it, which whoever writes the host could make minutes.
 *
 * @param {string} host
 * @returns {boolean} Throws a URIError if what is percent-encoded is no text.
 */
function isTooLong(host) {
  if (host.length <= MAX_LABEL) return false;
  const labels = decodeURIComponent(host).split(DOT);
  return labels.some((label) => label.length > MAX_LABEL && INTERNATIONAL.test(label));
}

/**
 * What a label in the ASCII form says: RFC 3492, where the constants and names come from.
 *
 * @param {string} label Without `xn--`, in lower case.
 * @returns {string} Throws a RangeError if it says nothing.
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
 * Whether the ASCII form of a label is that of something. Some versions of Node's URL parser do not
 * look.
 *
 * @param {string} label
 * @returns {boolean}
 */
function isOfSomething(label) {
  return new URL(`http://${decode(label.slice(4))}/`).hostname === label;
}

/**
 * The host name as Chromium's CanonicalizeHost (url/url_canon_host.cc) gives it: lower case,
 * percent-decoded, international names in their ASCII form, every spelling of an IPv4 address as
 * a dotted quad. What cannot be canonicalised comes back as it is.
 *
 * @param {string} host
 * @returns {string}
 */
function canonicalHost(host) {
  if (NOT_PART_OF_A_HOST.test(host)) return host;
  try {
    if (isTooLong(host)) return host;
    const canonical = new URL(`http://${host}/`).hostname;
    return (canonical.match(ASCII_FORM) ?? []).every(isOfSomething) ? canonical : host;
  } catch {
    return host;
  }
}

module.exports = { canonicalHost };
