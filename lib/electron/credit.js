'use strict';

/**
 * How much of what its sockets receive may be on its way to a page. Each `onReceive` costs its bytes
 * and a constant, so that many small ones count, too; the page says how many it has taken in. A
 * socket is held, and with it in the end its peer, while a page that listens is behind.
 */

/** What an event costs beside its bytes. */
const EVENT_COST = 512;

/** On the way to one page from one socket, at most, but for the piece that fills it. */
const SOCKET_WINDOW = 64 * 1024;

/** On the way to one page from all sockets, at most, but for one piece of each socket. */
const PAGE_WINDOW = 1024 * 1024;

/**
 * What a page takes in before it says so. Less than the windows, so that what it has not said yet
 * holds no socket.
 */
const RECEIPT = 16 * 1024;

/**
 * @param {number} length
 * @returns {number} What an `onReceive` of so many bytes costs.
 */
function costOf(length) {
  return length + EVENT_COST;
}

module.exports = { SOCKET_WINDOW, PAGE_WINDOW, RECEIPT, costOf };
