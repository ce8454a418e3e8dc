'use strict';

/** Bytes that both sides know: of each direction of each connection there is one endless stream. */

const { createCipheriv, createHash } = require('node:crypto');

const BLOCK = 16;

/**
 * @param {string} name of the stream
 * @param {number} from
 * @param {number} length
 */
function bytesOf(name, from, length) {
  const key = createHash('sha256').update(name).digest().subarray(0, BLOCK);
  const counter = Buffer.alloc(BLOCK);
  counter.writeBigUInt64BE(BigInt(Math.floor(from / BLOCK)), BLOCK / 2);
  const skipped = from % BLOCK;
  const cipher = createCipheriv('aes-128-ctr', key, counter);
  return cipher.update(Buffer.alloc(skipped + length)).subarray(skipped);
}

/**
 * The digest of the first `length` bytes of a stream.
 *
 * @param {string} name
 * @param {number} length
 */
function digestOf(name, length) {
  const hash = createHash('sha256');
  const piece = 1 << 20;
  for (let from = 0; from < length; from += piece) {
    hash.update(bytesOf(name, from, Math.min(piece, length - from)));
  }
  return hash.digest('hex');
}

/** The received bytes, and their digest. */
class Intake {
  length = 0;
  #hash = createHash('sha256');

  /** @param {Uint8Array} data */
  take(data) {
    this.#hash.update(data);
    this.length += data.byteLength;
  }

  summary() {
    return { length: this.length, sha256: this.#hash.copy().digest('hex') };
  }
}

/** The names of the two streams, as seen from the application. */
const UP = 'to the peer';
const DOWN = 'to the application';

module.exports = { DOWN, Intake, UP, bytesOf, digestOf };
