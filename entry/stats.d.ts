/**
 * The counters of the calling environment (the main thread, a worker, a window with Node
 * integration), for tests and dashboards. Each call returns a new object. Counting is always on,
 * because no counter costs more than an addition. A call takes time proportional to the number of
 * sockets.
 *
 * Electron pages are not included; `serve()` of `chrome-sockets-tcp/electron` returns an object
 * with their counters.
 */
export declare function stats(): Stats;

/**
 * Members described as "current" go up and down. The others count from the time when the
 * environment loaded the module. Small sends of one tick are counted when the tick ends.
 */
export interface Stats {
  /** The current number of sockets: created or adopted, and not closed. */
  readonly sockets: number;
  /** The current number of server sockets. */
  readonly servers: number;
  /** The current number of server sockets that listen. */
  readonly listening: number;
  /** The current number of connected sockets, as `getInfo()` reports. */
  readonly connected: number;
  /** The current number of encrypted sockets. */
  readonly secured: number;
  /**
   * The current number of connections of the whole process that have ended and whose descriptors are
   * still open, because bytes that were sent may not have arrived yet. There are at most 256, each for
   * at most 30 seconds.
   */
  readonly closing: number;

  /** Calls of `connect()` on existing sockets. */
  readonly connectsStarted: number;
  /** Calls of `connect()` that failed or were aborted by `disconnect()` or `close()`. */
  readonly connectsFailed: number;
  /** Connections that server sockets have accepted. */
  readonly accepted: number;
  /** Events `onAcceptError`. */
  readonly acceptsFailed: number;
  /** TLS handshakes started by `secure()`. */
  readonly handshakesStarted: number;
  /** TLS handshakes that failed or were aborted by `disconnect()` or `close()`. */
  readonly handshakesFailed: number;

  /** Bytes delivered by `onReceive`, decrypted. */
  readonly bytesReceived: number;
  /** The current number of bytes that were read from the operating system and wait for delivery. */
  readonly bytesHeld: number;
  /** Bytes of successful sends. */
  readonly bytesSent: number;
  /** The current number of bytes of pending sends, which count towards the write quota. */
  readonly bytesPending: number;
  /** The current number of pending sends. */
  readonly sendsPending: number;

  /** Delivered callbacks and events, independent of the number of listeners. */
  readonly eventsDelivered: number;
}
