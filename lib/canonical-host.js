'use strict';

// Node's own: a renderer of Electron has another one, of the age of its Chromium.
const { URL } = require('node:url');

// Characters at which a URL parser would end the host, or which it would silently drop.
const NOT_PART_OF_A_HOST = /[\p{Control} /?#@:\\[\]]/u;

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
    return new URL(`http://${host}/`).hostname;
  } catch {
    return host;
  }
}

module.exports = { canonicalHost };
