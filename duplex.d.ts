/**
 * Sockets of `chrome.sockets.tcp` as Node streams, for everything that takes a stream: HTTP agents,
 * WebSocket, MQTT and SSH clients.
 */

import type { Duplex, DuplexOptions as NodeDuplexOptions } from 'node:stream';
import type tcp = require('./index');

export interface DuplexOptions extends Pick<
  NodeDuplexOptions,
  'readableHighWaterMark' | 'writableHighWaterMark' | 'highWaterMark' | 'signal'
> {
  /**
   * The API has no half-close. So `end()` closes the connection in both directions once everything is
   * written. The consumer still gets the bytes that were received before, then `end`. With `true`,
   * the peer is not told, reading goes on until the peer closes, and `destroy()` ends the connection.
   *
   * @default false
   */
  allowHalfOpen?: boolean;
}

/**
 * A stream over a socket. A consumer that is behind pauses the socket; writes wait until the system
 * has taken the bytes. When the peer closes, reading ends; `destroy()` closes the socket. Errors are
 * `SocketError`s as those of `chrome-sockets-tcp/promises`.
 *
 * Emits `connect` and, if it was secured by {@link connect}, `secureConnect`.
 */
export interface SocketDuplex extends Duplex {
  /** The id of the socket; undefined until it is connected. */
  readonly socketId: number | undefined;
  readonly connecting: boolean;
  readonly encrypted: boolean;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;

  /** As those of a `net.Socket`: what fails is ignored. */
  setNoDelay(noDelay?: boolean): this;
  /** @param initialDelay In milliseconds, of which whole seconds count. */
  setKeepAlive(enable?: boolean, initialDelay?: number): this;
  /** Emits `timeout` when nothing was read or written for so many milliseconds; 0 for never. */
  setTimeout(milliseconds: number, callback?: () => void): this;

  /** Do nothing: a connection keeps the process alive. */
  ref(): this;
  unref(): this;
}

/**
 * Wraps a connected socket. It belongs to the stream from then on: the stream pauses, unpauses and
 * closes it. The stream begins with the bytes that an iterator of `received()` has left, if there was
 * one. Bytes that a socket received before without an iterator and without being paused are gone.
 * Fails with an error of the stream while an iterator or another stream reads the socket.
 */
export declare function duplex(socketId: number, options?: DuplexOptions): SocketDuplex;

export interface ConnectOptions extends DuplexOptions {
  /** @default 'localhost' */
  host?: string | undefined;
  port: number | string;
  dnsQueryType?: tcp.DnsQueryType | undefined;
  /** TLS, `true` for the defaults. The certificate is verified against `host`. */
  secure?: boolean | tcp.SecureOptions | undefined;
}

/**
 * Makes a socket, connects it and secures it if asked to. The stream can be written to at once;
 * failures are errors of the stream.
 */
export declare function connect(options: ConnectOptions, onConnect?: () => void): SocketDuplex;
