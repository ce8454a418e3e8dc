'use strict';

/**
 * Flow control towards a page. Everything that is sent to a page costs credit, which the page gives
 * back as it takes it in. Both ends compute the costs with this module.
 *
 * - Data: each `onReceive` costs its bytes and a constant, so that many small ones count, too. A socket
 *   is held, and in the end its peer, while a page that listens has no credit left.
 * - Answers: no further call of a page is performed while the page has taken in too few answers.
 */

/** Cost of an event in addition to its bytes. */
const EVENT_COST = 512;

/** Cost of an answer, and of each socket that an answer describes, in addition to its name. */
const ANSWER_COST = 64;
const INFO_COST = 512;

/** Bytes in flight to one page from one socket, not counting the chunk that exceeds the limit. */
const SOCKET_WINDOW = 64 * 1024;

/** Bytes in flight to one page from all sockets, not counting one chunk of each socket. */
const PAGE_WINDOW = 1024 * 1024;

/** Bytes of answers in flight to one page, not counting the answer that exceeds the limit. */
const ANSWER_WINDOW = 1024 * 1024;

/**
 * The cost after which a page acknowledges. It is less than the windows, so that unacknowledged data
 * never block a socket.
 */
const RECEIPT = 16 * 1024;

/**
 * @param {number} length
 * @returns {number} The cost of an `onReceive` with that many bytes.
 */
function costOf(length) {
  return length + EVENT_COST;
}

/**
 * @param {any} value The value of a call that has succeeded.
 * @returns {number}
 */
function costOfAnswer(value) {
  if (typeof value !== 'object' || value === null) return ANSWER_COST;
  let cost = ANSWER_COST;
  for (const { name } of Array.isArray(value) ? value : [value]) {
    cost += INFO_COST + 2 * (name?.length ?? 0);
  }
  return cost;
}

module.exports = { SOCKET_WINDOW, PAGE_WINDOW, ANSWER_WINDOW, RECEIPT, costOf, costOfAnswer };
