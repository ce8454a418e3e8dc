'use strict';

/**
 * The most that one page may make the main process hold. A page that exceeds a limit by its own code is
 * ended; the module's half of a page stays below them (page/remote-native.js).
 */

/** Calls of a page in one message. */
const MAX_CALLS = 1024;

/** Small sends that one call of a page carries. */
const MAX_GATHERED = 1024;

/** Calls of a page without an answer, and answers and events that it has not taken in. */
const MAX_UNANSWERED = 512 * 1024;

/** Bytes of such calls that the main process keeps, not counting the call that exceeds the limit. */
const MAX_KEPT_BYTES = 256 * 1024 * 1024;

/** Characters of a socket's name. Chromium has no limit. */
const MAX_NAME = 4096;

/**
 * Characters of a host. The ASCII form of a name has 253; percent-encoded and in another script it has
 * at most twelve times as many.
 */
const MAX_HOST = 4096;

/** Sockets of an application, unless `maxSockets` sets another limit. */
const MAX_SOCKETS = 1024;

module.exports = {
  MAX_CALLS,
  MAX_GATHERED,
  MAX_UNANSWERED,
  MAX_KEPT_BYTES,
  MAX_NAME,
  MAX_HOST,
  MAX_SOCKETS,
};
