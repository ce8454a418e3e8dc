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

/** What a certificate would have needed, in addition to the right name. */
const CERTIFICATE_NEEDS = /** @type {Record<number, string>} */ ({
  [netErrors.ERR_CERT_COMMON_NAME_INVALID]: '',
  [netErrors.ERR_CERT_DATE_INVALID]: ' that is valid today',
  [netErrors.ERR_CERT_AUTHORITY_INVALID]: ' from a trusted authority',
});

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
    const needs = host === undefined ? undefined : CERTIFICATE_NEEDS[resultCode ?? 0];
    const expected = needs === undefined ? '' : ` (expected a certificate for ${host}${needs})`;
    super(`${method}: ${message ?? `net::${code}`}${expected}`);
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
