/**
 * The twelve methods of `chrome.sockets.tcp` as promises. A promise is fulfilled with the argument
 * of the callback. It is rejected with a {@link SocketError} where `lastError` would be set, and
 * with a `TypeError` for invalid arguments. A rejection that no code handles is an unhandled rejection
 * of Node, which ends the process by default. See `chrome-sockets-tcp` for the methods.
 */

import type tcp = require('../index');
import type netErrors = require('./net-errors');

/** A failed call, or the error that ended a connection. */
export declare class SocketError extends Error {
  name: 'SocketError';

  /**
   * The name of {@link resultCode}. A failure that has none is `ERR_SOCKET_NOT_FOUND`,
   * `ERR_PERMISSION_DENIED` (the manifest), `ERR_WRITE_QUOTA_EXCEEDED` or, for the others,
   * `ERR_FAILED`.
   */
  code:
    | netErrors.NetErrorName
    | 'ERR_SOCKET_NOT_FOUND'
    | 'ERR_PERMISSION_DENIED'
    | 'ERR_WRITE_QUOTA_EXCEEDED';

  /** The same name; on streams, `code` is Node's where Node knows the failure. */
  netError: SocketError['code'];

  /** A negative net error code; undefined where Chromium gives none. */
  resultCode: netErrors.NetError | undefined;

  /**
   * The method that failed, such as `connect`; `receive` for an error that `onReceiveError`
   * reports.
   */
  method: string;

  /** Undefined where a call has no socket: `create`, `getSockets`. */
  socketId?: number;

  /** The peer, as passed to `connect()` of this module or of `duplex`. */
  host?: string;
  port?: number;
}

/** The options of methods that wait for a peer. */
export interface Abortable {
  /** Ends the waiting: the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Makes a socket that is paused, unlike the callback form: bytes that arrive before the first
 * {@link received} stay with the system, under TCP flow control, and {@link secure} needs no
 * `setPaused()` before it. For listeners of `onReceive`, call `setPaused(socketId, false)`.
 */
export declare function create(properties?: tcp.SocketProperties | null): Promise<tcp.CreateInfo>;
export declare function update(socketId: number, properties: tcp.SocketProperties): Promise<void>;
export declare function setPaused(socketId: number, paused: boolean): Promise<void>;
export declare function setKeepAlive(
  socketId: number,
  enable: boolean,
  delay?: number | null,
): Promise<0>;
export declare function setNoDelay(socketId: number, noDelay: boolean): Promise<0>;

/** When the signal is aborted, or has been already, the socket is closed. */
export declare function connect(
  socketId: number,
  peerAddress: string,
  peerPort: number,
  dnsQueryType?: tcp.DnsQueryType | null,
  options?: Abortable,
): Promise<0>;
export declare function connect(
  socketId: number,
  peerAddress: string,
  peerPort: number,
  options: Abortable,
): Promise<0>;
export declare function disconnect(socketId: number): Promise<void>;

/**
 * When the signal is aborted, the socket is closed. `secure()` of `chrome-sockets-tcp` says after which
 * failures it is closed as well.
 */
export declare function secure(
  socketId: number,
  options?: tcp.SecureOptions | null,
  abortable?: Abortable,
): Promise<0>;

/**
 * A send cannot be aborted, because part of the message might already have been sent. `resultCode`
 * is 0 and `bytesSent` the whole length whenever the promise is fulfilled.
 */
export declare function send(
  socketId: number,
  data: ArrayBuffer | ArrayBufferView,
): Promise<{ bytesSent: number; resultCode: 0 }>;
/** Also fulfilled if the socket no longer exists, because a failed {@link secure} closes it. */
export declare function close(socketId: number): Promise<void>;
export declare function getInfo(socketId: number): Promise<tcp.SocketInfo>;
export declare function getSockets(): Promise<tcp.SocketInfo[]>;

export interface ReceivedOptions extends Abortable {
  /**
   * The number of bytes that may wait for the consumer. Beyond it, the socket is paused until they
   * have been taken, and the peer has to wait.
   *
   * With 0 the socket stays paused, except for one read at a time while the consumer waits. That is
   * slower. Use it for a conversation that ends with {@link secure}, which demands that no read is in
   * flight.
   *
   * @default 65536
   */
  highWaterMark?: number | undefined;
}

/**
 * The received data of a socket, until its connection ends. The loop ends without an error if the
 * connection ended in order: by the peer's FIN, under TLS by `close_notify`, or by a call of the
 * application. It throws a {@link SocketError}, after all bytes, if the connection was reset
 * (`ERR_CONNECTION_RESET`), if TLS was cut off without `close_notify` (`ERR_CONNECTION_CLOSED`) or
 * if the peer violated TLS (`ERR_SSL_PROTOCOL_ERROR`). `onReceiveError` reports -100 for all of
 * these.
 *
 * The socket is read while it is iterated: the first `next()` unpauses it, and the end of the loop
 * pauses it. A read that was in flight then brings its data to the next iterator of the socket, or
 * to the stream that `duplex()` makes of it. If the socket is not paused, the bytes that arrive
 * after this call wait for the first `next()`. There is one iterator at a time.
 *
 * Listeners of `onReceive` get the same data.
 */
export declare function received(
  socketId: number,
  options?: ReceivedOptions,
): AsyncGenerator<ArrayBuffer, void, undefined>;

export interface ListenOptions extends Abortable {
  /** An IPv4 or IPv6 address of this machine. @default '127.0.0.1' */
  address?: string | undefined;
  /** 0 chooses a free port. @default 0 */
  port?: number | undefined;
  /** The length of the operating system's queue. Default: its longest. */
  backlog?: number | undefined;
}

/**
 * A listening socket of `chrome-sockets-tcp/server`, and the connections that it accepts. Each step of
 * a loop gets the id of a new socket, which is paused: iterate it with {@link received} or make it a
 * stream with `duplex()`.
 *
 * The server accepts while a loop waits for a connection; the others wait in the queue of the operating
 * system. The end of a loop closes the server, but no connection that the loop has got.
 */
export interface Server extends AsyncIterableIterator<number> {
  readonly socketId: number;
  readonly address: string;
  readonly port: number;
  /**
   * The next connection. Rejected with a {@link SocketError} of the method `accept` if accepting
   * failed, for example with `ERR_INSUFFICIENT_RESOURCES`; the next call tries again.
   */
  next(): Promise<IteratorResult<number, undefined>>;
  return(): Promise<IteratorResult<number, undefined>>;
  /** Stops listening; loops end. */
  close(): Promise<void>;
}

/** When the signal is aborted, the server is closed, and its loop throws the signal's reason. */
export declare function listen(options?: ListenOptions): Promise<Server>;
