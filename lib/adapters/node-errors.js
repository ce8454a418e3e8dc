'use strict';

/** Node's codes for the failures of streams, by which clients decide whether to try again. */

const { getSystemErrorMap } = require('node:util');
const { SocketError } = require('./socket-error.js');

/** @type {Record<number, string>} */
const CODES = {
  [-7]: 'ETIMEDOUT',
  [-10]: 'EACCES',
  [-12]: 'EMFILE',
  [-100]: 'ECONNRESET',
  [-101]: 'ECONNRESET',
  [-102]: 'ECONNREFUSED',
  [-103]: 'ECONNABORTED',
  [-105]: 'ENOTFOUND',
  [-106]: 'ENETDOWN',
  [-108]: 'EADDRNOTAVAIL',
  [-109]: 'EHOSTUNREACH',
  [-118]: 'ETIMEDOUT',
  [-137]: 'EAI_AGAIN',
  [-138]: 'EACCES',
  [-147]: 'EADDRINUSE',
};

/** The codes of a send, for which Chromium reports these however the connection ended. */
const SEND_CODES = /** @type {Record<number, string>} */ ({ [-2]: 'EPIPE', [-15]: 'EPIPE' });

/** Node's names for the operations that fail. */
const SYSCALLS = /** @type {Record<string, string>} */ ({
  connect: 'connect',
  receive: 'read',
  secure: 'read',
  send: 'write',
});

const NOT_FOUND = ['ENOTFOUND', 'EAI_AGAIN'];

/** @type {Map<string, number>} */
const numbers = new Map();
for (const [number, [name]] of getSystemErrorMap()) numbers.set(name, number);
// Node's errors of look-ups have this name and that number.
numbers.set('ENOTFOUND', /** @type {number} */ (numbers.get('EAI_NONAME')));

/**
 * Gives an error the properties of a `net.Socket`'s error, if Node has such an error.
 *
 * @template T
 * @param {T} error
 * @param {{ host?: string, port?: number }} [peer] Of a connect.
 * @returns {T}
 */
function withNodeCode(error, { host, port } = {}) {
  if (!(error instanceof SocketError) || error.resultCode === undefined) return error;
  const { method, resultCode } = error;
  const code = (method === 'send' && SEND_CODES[resultCode]) || CODES[resultCode];
  if (code === undefined) return error;
  const failed = { code, errno: numbers.get(code), syscall: SYSCALLS[method] };
  if (NOT_FOUND.includes(code)) {
    Object.assign(error, failed, { syscall: 'getaddrinfo', hostname: host });
  } else if (method === 'connect') {
    Object.assign(error, failed, { address: host, port });
  } else {
    Object.assign(error, failed);
  }
  return error;
}

module.exports = { withNodeCode };
