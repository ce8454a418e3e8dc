'use strict';

const netErrors = require('../api/net-errors.js');

/** @type {Map<number, string>} */
const names = new Map(Object.entries(netErrors).map(([name, code]) => [code, name]));

/** Failures that have no net error code, by their words. */
const WORDED = /** @type {Record<string, string>} */ ({
  'Socket not found': 'ERR_SOCKET_NOT_FOUND',
  'Does not have permission': 'ERR_PERMISSION_DENIED',
  'Exceeded write quota.': 'ERR_WRITE_QUOTA_EXCEEDED',
});

/** The expectation that a refused certificate does not meet; `for HOST` is inserted behind the first words. */
const EXPECTED = /** @type {Record<string, [string, string?]>} */ ({
  ERR_BAD_SSL_CLIENT_AUTH_CERT: ['a client certificate that the server accepts'],
  ERR_CERT_AUTHORITY_INVALID: ['a certificate', 'from a trusted authority'],
  ERR_CERT_DATE_INVALID: ['a certificate', 'that is valid today'],
  ERR_CERT_INVALID: ['a certificate', 'that is well-formed and meant for servers'],
  ERR_CERT_REVOKED: ['a certificate', 'that its authority has not revoked'],
  ERR_CERT_UNABLE_TO_CHECK_REVOCATION: ['a certificate', 'whose revocation can be checked'],
  ERR_CERT_WEAK_KEY: ['a certificate', 'with longer keys'],
  ERR_SSL_CLIENT_AUTH_CERT_NEEDED: ['the option clientCertificate of configure()'],
  ERR_SSL_KEY_USAGE_INCOMPATIBLE: ['a certificate', 'whose key may be used for TLS'],
  ERR_SSL_SERVER_CERT_BAD_FORMAT: ['a certificate', 'whose key can be used for TLS'],
});

/**
 * @param {string} code
 * @param {string | undefined} host
 * @returns {string} For the end of a message.
 */
function expectation(code, host) {
  const isOfCertificate = Object.hasOwn(EXPECTED, code) || code.startsWith('ERR_CERT_');
  if (host === undefined || !isOfCertificate) return '';
  const [what, ...needs] = EXPECTED[code] ?? ['a certificate'];
  return ` (expected ${[what, 'for', host, ...needs].join(' ')})`;
}

/**
 * @typedef {object} Circumstances
 * @property {string} [message] Default: the name of the code.
 * @property {number} [socketId]
 * @property {string} [host] As passed to `connect()`.
 * @property {number} [port]
 * @property {object} [trace] The stack of the caller, by {@link traceOf}.
 */

/** A failure of the API, as promises and streams tell it. */
class SocketError extends Error {
  /**
   * @param {string} method The method that failed; `receive` for an error that onReceiveError reports.
   * @param {number | undefined} resultCode
   * @param {Circumstances} [circumstances]
   */
  constructor(method, resultCode, { message, socketId, host, port, trace } = {}) {
    const code = names.get(resultCode ?? 0) ?? WORDED[message ?? ''] ?? 'ERR_FAILED';
    super(`${method}: ${message ?? `net::${code}`}${expectation(code, host)}`);
    /** The name of the net error; `code` is Node's on streams, where Node has one. */
    this.netError = code;
    this.code = code;
    this.resultCode = resultCode;
    this.method = method;
    if (socketId !== undefined) this.socketId = socketId;
    if (host !== undefined) this.host = host;
    if (port !== undefined) this.port = port;
    if (trace) this.#standAt(trace);
  }

  /** @param {{ stack?: unknown }} trace */
  #standAt({ stack }) {
    const frames = typeof stack === 'string' ? /\n\s+at .*/s.exec(stack) : null;
    if (frames) this.stack = `${this.name}: ${this.message}${frames[0]}`;
  }
}

SocketError.prototype.name = 'SocketError';

/**
 * The stack of the caller, for an error that may come later. V8 formats it when it is read.
 *
 * @param {Function} callee Its frame and those above it are left out.
 * @returns {object}
 */
function traceOf(callee) {
  const trace = {};
  Error.captureStackTrace(trace, callee);
  return trace;
}

module.exports = { SocketError, traceOf };
