'use strict';

const netErrors = require('../net-errors.js');

/** @type {Map<number, string>} */
const names = new Map(Object.entries(netErrors).map(([name, code]) => [code, name]));

/** Failures that have no net error code, by their words. */
const WORDED = /** @type {Record<string, string>} */ ({
  'Socket not found': 'ERR_SOCKET_NOT_FOUND',
  'Does not have permission': 'ERR_PERMISSION_DENIED',
  'Exceeded write quota.': 'ERR_WRITE_QUOTA_EXCEEDED',
});

/** A failure of the API, as promises and streams tell it. */
class SocketError extends Error {
  /**
   * @param {string} method The method that failed; `receive` for an error that onReceiveError reports.
   * @param {number | undefined} resultCode
   * @param {string} [message] Default: the name of the code.
   */
  constructor(method, resultCode, message) {
    const name = names.get(resultCode ?? 0);
    const code = name ?? WORDED[message ?? ''] ?? 'ERR_FAILED';
    super(`${method}: ${message ?? `net::${code}`}`);
    /** The name of the net error; `code` is Node's on streams, where Node has one. */
    this.netError = code;
    this.code = code;
    this.resultCode = resultCode;
    this.method = method;
  }
}

SocketError.prototype.name = 'SocketError';

module.exports = { SocketError };
