'use strict';

/**
 * Flow control towards a page. Each `onReceive` costs its bytes and a constant, so that many small
 * events count, too. The page reports the events that it has processed. While a listening page is
 * behind, the socket is held, and TCP flow control stops its peer.
 */

/** The cost of an event in addition to its bytes. */
const EVENT_COST = 512;

/** On the way to one page from one socket, at most, but for the piece that fills it. */
const SOCKET_WINDOW = 64 * 1024;

/** On the way to one page from all sockets, at most, but for one piece of each socket. */
const PAGE_WINDOW = 1024 * 1024;

/**
 * A page reports after this much cost. It is less than the windows, so that unreported events alone
 * never hold a socket.
 */
const RECEIPT = 16 * 1024;

/**
 * @param {number} length
 * @returns {number} The cost of an `onReceive` with this many bytes.
 */
function costOf(length) {
  return length + EVENT_COST;
}

module.exports = { SOCKET_WINDOW, PAGE_WINDOW, RECEIPT, costOf };
