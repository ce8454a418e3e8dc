'use strict';

/**
 * The `sockets` member of a Chrome App's manifest, read as Chromium reads it:
 * extensions/common/api/sockets/sockets_manifest_permission.cc and
 * extensions/common/permissions/socket_permission_entry.cc. Values that JSON cannot represent (a
 * class, a function) are refused like any other value of a wrong type.
 */

const { readFileSync } = require('node:fs');
const { isIPv6 } = require('node:net');
const { escaped, fileProblem, kindOf, shownNumber, shownPath } = require('../base/shown.js');

/**
 * @typedef {{ host: string, withSubdomains: boolean, port: number }} Pattern An empty host with
 *   subdomains is any host; port 0 is any port.
 *
 * @typedef {object} Permissions
 * @property {number | undefined} manifestVersion `manifest_version`, if the manifest has one.
 * @property {(host: string, port: number) => boolean} allowsConnect Whether the manifest allows
 *   `connect()` to a host and port, both as the application has written them.
 * @property {(address: string, port: number) => boolean} allowsListen The same of `tcpServer.listen()`.
 * @property {boolean} allowsNothing
 */

/**
 * The operations that each kind of socket can be permitted. All are checked, as one that is
 * malformed makes Chromium refuse the manifest.
 */
const OPERATIONS = {
  udp: ['bind', 'send', 'multicastMembership'],
  tcp: ['connect'],
  tcpServer: ['listen'],
};

/** Has no address, and so no pattern but the empty one. */
const WITHOUT_ADDRESS = 'multicastMembership';

/** ASCII only: base::TrimWhitespaceASCII and base::ToLowerASCII. */
const SPACE_AT_AN_END = /^[\t-\r ]|[\t-\r ]$/;
const SPACE_AT_THE_ENDS = /^[\t-\r ]+|[\t-\r ]+$/g;
const UPPER_CASE = /[A-Z]+/g;

const lowerCase = (/** @type {string} */ text) =>
  text.replace(UPPER_CASE, (found) => found.toLowerCase());

/**
 * @param {unknown} manifest The manifest, or the path of its file (a string or a `file:` URL). Without a
 *   `sockets` member every connection is denied.
 * @returns {Permissions}
 * @throws {Error} For a manifest that Chromium refuses to load. The message names the file, the member,
 *   the value found and the value expected.
 */
function parseManifest(manifest) {
  const isPath = typeof manifest === 'string' || manifest instanceof URL;
  const path = isPath ? shownPath(manifest) : undefined;
  const complaint = path === undefined ? 'manifest' : `manifest ${path}`;
  /** @type {Fail} */
  const fail = (where, detail) => {
    throw new Error(`${[complaint, where].filter(Boolean).join(': ')}: ${detail}`);
  };
  const content = isPath ? readManifest(manifest, fail) : manifest;
  const { connect, listen } = permittedPatterns(content, fail);
  return {
    manifestVersion: manifestVersion(content, fail),
    allowsConnect: (host, port) => matchesOne(connect, host, port),
    allowsListen: (address, port) => matchesOne(listen, address, port),
    allowsNothing: connect.length + listen.length === 0,
  };
}

/**
 * @typedef {(where: string, detail: string) => never} Fail
 */

/**
 * @param {unknown} manifest
 * @param {Fail} fail
 * @returns {number | undefined} undefined if it does not say
 */
function manifestVersion(manifest, fail) {
  const version = member(dictionary(manifest, '', fail), 'manifest_version');
  if (version === undefined || (Number.isInteger(version) && Number(version) >= 2)) {
    return /** @type {number | undefined} */ (version);
  }
  return fail('manifest_version', `expected 2 or 3, found ${shownNumber(version)}`);
}

// ---- The manifest -------------------------------------------------------------------------------

/**
 * @param {string | URL} path
 * @param {Fail} fail
 * @returns {unknown}
 */
function readManifest(path, fail) {
  let text;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return fail('', `expected a file that can be read (${fileProblem(error)})`);
  }
  try {
    return readManifestText(text);
  } catch (error) {
    return fail('', `expected JSON (${syntaxProblem(error)})`);
  }
}

/**
 * @param {string} text
 * @returns {any}
 * @throws {SyntaxError}
 */
function readManifestText(text) {
  return JSON.parse(strictJson(text));
}

/**
 * @param {any} error
 * @returns {string} The message of JSON.parse() without the text that V8 quotes: the file may be a key, given by
 *   mistake.
 */
function syntaxProblem(error) {
  return escaped(error.message.replace(/,? (?:"|\.\.\.).*/s, ''));
}

const STRING_OR_COMMENT = /"(?:[^"\\]|\\.)*"|\/\/[^\n\r]*|\/\*.*?\*\//gs;
const LENIENT_IN_STRING = /\\(?:x([\da-f]{2})|.)|[\n\r]/gis;

/**
 * Rewrites a manifest to strict JSON. Chromium's JSON reader also allows a byte order mark,
 * comments, and line ends, `\v` and `\xHH` in strings.
 *
 * @param {string} text
 * @returns {string}
 */
function strictJson(text) {
  return text.replace(/^\ufeff/, '').replace(STRING_OR_COMMENT, (token) => {
    if (!token.startsWith('"')) return ' ';
    return token.replace(LENIENT_IN_STRING, (found, code) => {
      if (code !== undefined) return `\\u00${code}`;
      if (found === '\\v') return '\\u000b';
      if (found === '\n') return '\\n';
      return found === '\r' ? '\\r' : found;
    });
  });
}

/**
 * @param {unknown} manifest
 * @param {Fail} fail
 * @returns {{ connect: Pattern[], listen: Pattern[] }}
 */
function permittedPatterns(manifest, fail) {
  const sockets = member(dictionary(manifest, '', fail), 'sockets');
  /** @type {{ connect: Pattern[], listen: Pattern[] }} */
  const result = { connect: [], listen: [] };
  if (sockets === undefined) return result;
  const kinds = dictionary(sockets, 'sockets', fail);
  for (const [kind, operations] of Object.entries(OPERATIONS)) {
    const operand = member(kinds, kind);
    if (operand === undefined) continue;
    const members = dictionary(operand, `sockets.${kind}`, fail);
    for (const operation of operations) {
      const value = member(members, operation);
      if (value === undefined) continue;
      const parse = operation === WITHOUT_ADDRESS ? parseNoAddress : parsePattern;
      const patterns = parsePatterns(value, parse, `sockets.${kind}.${operation}`, fail);
      if (operation === 'connect' || operation === 'listen') result[operation] = patterns;
    }
  }
  return result;
}

/**
 * @param {unknown} value
 * @param {string} where
 * @param {Fail} fail
 * @returns {Record<string, unknown>}
 */
function dictionary(value, where, fail) {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return /** @type {Record<string, unknown>} */ (value);
  }
  return fail(where, `expected an object${where ? '' : ' or a path'}, found ${kindOf(value)}`);
}

/**
 * Properties of Object.prototype do not belong to a manifest.
 *
 * @param {Record<string, unknown>} object
 * @param {string} name
 * @returns {unknown}
 */
function member(object, name) {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

// ---- Patterns -----------------------------------------------------------------------------------

/**
 * @typedef {(pattern: string, where: string, fail: Fail) => Pattern} Parse
 *
 * @param {unknown} value
 * @param {Parse} parse
 * @param {string} where
 * @param {Fail} fail
 * @returns {Pattern[]}
 */
function parsePatterns(value, parse, where, fail) {
  if (typeof value === 'string') return [parse(value, where, fail)];
  if (!Array.isArray(value)) {
    return fail(where, `expected a string or an array of strings, found ${kindOf(value)}`);
  }
  return value.map((item, index) => {
    const here = `${where}[${index}]`;
    if (typeof item !== 'string') {
      return fail(here, `expected a string, found ${kindOf(item)}`);
    }
    return parse(item, here, fail);
  });
}

/** @type {Pattern} */
const ANYTHING = { host: '', withSubdomains: true, port: 0 };

/**
 * @param {string} pattern
 * @param {string} expected
 * @param {string} where
 * @param {Fail} fail
 */
function refuse(pattern, expected, where, fail) {
  const shown = escaped(JSON.stringify(pattern));
  return fail(where, `Invalid host:port pattern ${shown}, expected ${expected}`);
}

/** @type {Parse} */
function parseNoAddress(pattern, where, fail) {
  if (pattern === '') return ANYTHING;
  return refuse(pattern, 'an empty string, as this operation has no address', where, fail);
}

/** @type {Parse} */
function parsePattern(pattern, where, fail) {
  const [host, port = '', ...more] = pattern.split(':');
  if (more.length > 0) {
    const expected = "one colon at most; of IPv6 addresses only '*' can stand for all";
    return refuse(pattern, expected, where, fail);
  }
  if (SPACE_AT_AN_END.test(host)) {
    return refuse(pattern, 'no space around the host', where, fail);
  }
  const portNumber = parsePort(port);
  if (portNumber === undefined) {
    return refuse(pattern, "a port from 1 to 65535 or '*' behind the colon", where, fail);
  }

  if (host === '') return { ...ANYTHING, port: portNumber };
  const labels = host.split('.').map((label) => label.replace(SPACE_AT_THE_ENDS, ''));
  const withSubdomains = labels[0] === '*' || labels[0] === '';
  const named = withSubdomains ? labels.slice(1) : labels;
  return { host: lowerCase(named.join('.')), withSubdomains, port: portNumber };
}

/**
 * @param {string} text
 * @returns {number | undefined} undefined if the text is no port
 */
function parsePort(text) {
  if (text === '' || text === '*') return 0;
  const port = /^\+?\d+$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? port : undefined;
}

/**
 * @param {Pattern[]} patterns
 * @param {string} host As the application has written it.
 * @param {number} port
 */
function matchesOne(patterns, host, port) {
  const requested = lowerCase(host);
  return patterns.some((pattern) => matches(pattern, requested, port));
}

/**
 * @param {Pattern} pattern
 * @param {string} requested The host, in lower case.
 * @param {number} requestedPort
 * @returns {boolean}
 */
function matches({ host, withSubdomains, port }, requested, requestedPort) {
  // As connect() narrows it.
  if (port !== 0 && port !== (requestedPort & 0xffff)) return false;
  if (requested === host) return true;
  if (!withSubdomains) return false;
  if (host === '') return true;
  // At least one character stands before the dot.
  return (
    requested.endsWith(`.${host}`) && requested.length > host.length + 1 && !isAddress(requested)
  );
}

/**
 * Whether a host is an IP address in one of the spellings of URLs, of which a pattern cannot match
 * a part.
 *
 * @param {string} host In lower case.
 * @returns {boolean}
 */
function isAddress(host) {
  if (host.startsWith('[') && host.endsWith(']')) return isIPv6(host.slice(1, -1));
  const parts = host.replace(/\.$/, '').split('.').map(addressPart);
  const last = parts.pop();
  return (
    last !== undefined &&
    parts.length < 4 &&
    last < 256 ** (4 - parts.length) &&
    parts.every((part) => part !== undefined && part < 256)
  );
}

/**
 * @param {string} text
 * @returns {number | undefined} undefined if the text is no decimal, octal or hexadecimal number
 */
function addressPart(text) {
  if (/^0x[\da-f]*$/.test(text)) return Number(`${text.slice(0, 2)}0${text.slice(2)}`);
  if (/^0[0-7]*$/.test(text)) return Number(`0o${text}`);
  return /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}

module.exports = { parseManifest, readManifestText };
