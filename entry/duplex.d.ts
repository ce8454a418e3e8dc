/**
 * Sockets of `chrome.sockets.tcp` as Node streams, for everything that takes a stream: HTTP agents,
 * WebSocket, MQTT and SSH clients.
 */

import type net = require('node:net');
import type tls = require('node:tls');
import type { X509Certificate } from 'node:crypto';
import type { Duplex, DuplexOptions as NodeDuplexOptions } from 'node:stream';
import type tcp = require('../index');
import type { SocketError } from './promises';

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
 * An error of a stream. If Node's `net` reports the same failure, `code` is Node's (`ECONNREFUSED`,
 * `ECONNRESET`, `EPIPE`, `ETIMEDOUT`, `ENOTFOUND`) and `errno`, `syscall`, `address`, `port` and
 * `hostname` are set as by `net`; `address` is the host as it was given. Otherwise `code` is the name
 * of the net error, which is in `netError` in both cases.
 */
export interface StreamError
  extends Omit<SocketError, 'code'>, Omit<NodeJS.ErrnoException, 'name'> {
  code: string;
  address?: string | undefined;
  port?: number | undefined;
  hostname?: string | undefined;
}

/** The members of a `net.Socket` that a {@link SocketDuplex} has; docs/streams.md says how they differ. */
type SocketMembers =
  | 'address'
  | 'bytesRead'
  | 'bytesWritten'
  | 'connecting'
  | 'destroySoon'
  | 'localAddress'
  | 'localFamily'
  | 'localPort'
  | 'pending'
  | 'readyState'
  | 'ref'
  | 'remoteAddress'
  | 'remoteFamily'
  | 'remotePort'
  | 'setKeepAlive'
  | 'setNoDelay'
  | 'setTimeout'
  | 'timeout'
  | 'unref';

/**
 * A stream over a socket. A consumer that is behind pauses the socket; writes wait until the system
 * has taken the bytes. When the peer closes, reading ends; a connection that did not end in order is
 * an error of the stream, as for `received()` of `chrome-sockets-tcp/promises`. `destroy()` closes the
 * socket. Errors are {@link StreamError}s.
 *
 * Emits `connect` and, if it was secured by {@link connect}, `secureConnect`.
 */
export interface SocketDuplex extends Duplex, Pick<net.Socket, SocketMembers> {
  /** The id of the socket; undefined until it is connected. */
  readonly socketId: number | undefined;
  /** Whether {@link connect} has secured the stream. Of TLS before, it knows nothing. */
  readonly encrypted: boolean;
  /**
   * For clients that connect the stream that they are given, as `pg` does: a stream of {@link connect}
   * connects by itself.
   *
   * @throws If the stream connects to another host or port.
   */
  connect(port: number | string, host?: string): this;
  /** As of a `tls.TLSSocket`. Undefined if {@link connect} was not asked to secure the stream. */
  readonly alpnProtocol: string | false | null | undefined;
  readonly authorized: boolean | undefined;
  readonly authorizationError: null | undefined;
  readonly servername: string | false | null | undefined;
  /** Without `issuerCertificate`; empty if {@link connect} has not secured the stream. */
  getPeerCertificate(): tls.PeerCertificate | Record<string, never> | null;
  getPeerX509Certificate(): X509Certificate | undefined;
  getProtocol(): string | null;
  getCipher(): tls.CipherNameAndProtocol | Record<string, never> | undefined;
}

/**
 * Wraps a connected socket. It belongs to the stream from then on: the stream pauses, unpauses and
 * closes it. The stream begins with the bytes that an iterator of `received()` has left, if there was
 * one. Bytes that a socket received before without an iterator and without being paused are gone.
 * Fails with an error of the stream while an iterator or another stream reads the socket, and with
 * `ERR_SOCKET_NOT_CONNECTED` if the socket is not connected.
 */
export declare function duplex(socketId: number, options?: DuplexOptions): SocketDuplex;

export interface ConnectOptions extends DuplexOptions {
  /** @default 'localhost' */
  host?: string | undefined;
  port: number | string;
  dnsQueryType?: tcp.DnsQueryType | undefined;
  /** TLS, `true` for the defaults. The certificate is verified against `host`. */
  secure?: boolean | tcp.SecureOptions | undefined;
  /**
   * The application protocols (ALPN) that the TLS handshake offers, in the order of preference:
   * `['h2']` for HTTP/2. `alpnProtocol` then tells the server's choice. Needs `secure`.
   *
   * @default [] None, as for `secure()` in Chromium.
   */
  ALPNProtocols?: readonly string[] | undefined;
}

/**
 * Makes a socket, connects it and secures it if asked to. The stream can be written to at once;
 * failures are errors of the stream.
 */
export declare function connect(options: ConnectOptions, onConnect?: () => void): SocketDuplex;
