/**
 * The numbers of this environment (the main thread, a worker, a window with Node in it), for tests and
 * dashboards. Each call gives a new object; nothing is counted that costs more than an addition, so
 * there is nothing to switch on. A call takes time in proportion to the number of sockets.
 *
 * Pages of Electron are not in it: `serve()` of `chrome-sockets-tcp/electron` returns what tells theirs.
 */
export declare function stats(): Stats;

/**
 * Members said to be "now" go up and down; the others count from when the environment has loaded the
 * module. Small sends of one tick are handed over when it ends, and count from then on.
 */
export interface Stats {
  /** Sockets that there are now: created or taken over, and not closed. */
  readonly sockets: number;
  /** Those of them that are connected now, as `getInfo()` tells. */
  readonly connected: number;
  /** Those of them that are encrypted now. */
  readonly secured: number;

  /** Calls of `connect()` on sockets that there are. */
  readonly connectsStarted: number;
  /** Those that have failed or were ended by `disconnect()` or `close()`. */
  readonly connectsFailed: number;
  /** TLS handshakes that `secure()` has begun. */
  readonly handshakesStarted: number;
  /** Those that have failed or were ended by `disconnect()` or `close()`. */
  readonly handshakesFailed: number;

  /** Bytes delivered by `onReceive`, decrypted. */
  readonly bytesReceived: number;
  /** Bytes that were read from the operating system and wait to be delivered, now. */
  readonly bytesHeld: number;
  /** Bytes of the sends that have succeeded. */
  readonly bytesSent: number;
  /** Bytes of the sends that have not ended, now: what counts for the write quota. */
  readonly bytesPending: number;
  /** Sends that have not ended, now. */
  readonly sendsPending: number;

  /** Callbacks and events, however many listeners there are. */
  readonly eventsDelivered: number;
}
