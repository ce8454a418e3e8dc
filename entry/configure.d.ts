/**
 * Sets options for this instance of the module. The main thread and each worker have an instance of
 * their own. The options apply from the next call of the API on; open connections are not affected.
 *
 * Options that are left out or `undefined` stay unchanged; `null` resets an option.
 *
 * @throws If an option is unknown or its value is invalid. The configuration then stays unchanged. The
 *   message
 *   names the option, the file if there is one, the value found and the value expected. It never quotes a
 *   value that could be a key or a passphrase.
 */
export declare function configure(configuration: Configuration): void;

/** PEM text, as a string or in a Buffer, or the path of a file with it. */
export type Pem = string | Uint8Array | URL;

export interface Configuration {
  /**
   * The manifest of the Chrome App: an object, or the path of the file. From then on `connect()`
   * is allowed only what its `sockets.tcp.connect` patterns match, as in Chromium; a connect that is
   * denied calls back without arguments, and `lastError.message` is `Does not have permission`.
   * Its `manifest_version` applies unless {@link manifestVersion} is set.
   *
   * Default: none, everything is allowed.
   */
  manifest?: object | string | URL | null;

  /**
   * The version of the manifest, for an app without one or instead of its `manifest_version`. With 2,
   * the version of Chrome Apps, no method returns a promise: a call without a callback returns
   * `undefined`, and its failure is only reported on the console, as `Unchecked runtime.lastError: …`.
   * With 3, such a call returns a promise.
   *
   * Default: `null`, the `manifest_version` of the manifest, or 3 without one.
   */
  manifestVersion?: 2 | 3 | null;

  /**
   * Certificates of authorities that `secure()` trusts besides those of the operating system and of
   * the environment variables. One PEM may hold many.
   *
   * Default: none.
   */
  ca?: Pem | readonly Pem[] | null;

  /**
   * The certificate for servers that request one. It is not sent if the server does not accept its
   * kind of key.
   *
   * Default: none; the handshake continues without a certificate if the server does not require
   * one.
   */
  clientCertificate?: ClientCertificate | null;

  /**
   * A file to which the secrets of TLS connections are appended, in the format of Wireshark and
   * `SSLKEYLOGFILE`: a path, or `true` for the path in that environment variable, which has no
   * effect otherwise. The secrets decrypt the connections. The file is therefore created with mode
   * 0600, an existing file gets that mode, and `configure()` throws if the path is a symbolic link,
   * has several hard links, belongs to another user or is no regular file.
   *
   * Default: `false`.
   */
  keyLog?: string | boolean | null;

  /**
   * How long a `connect()` may take in milliseconds, the look-up of the name included, and how long
   * the handshake of a `secure()` may take. Then it fails with -118, `net::ERR_CONNECTION_TIMED_OUT`; a
   * failed `secure()` closes the socket, as always.
   *
   * Default: `null`. A `connect()` then takes as long as the operating system allows, about two minutes
   * on Linux, and a handshake as long as the server keeps the connection.
   */
  connectTimeout?: number | null;

  /**
   * The most sockets that this instance may have, connected or not. At the limit, `create()` calls
   * back without arguments, and `lastError.message` is `Too many sockets`. Existing sockets stay,
   * and so do persistent ones that are adopted from an environment that has ended.
   *
   * Default: `null`, no limit, as in Chromium. If the operating system has no descriptors left,
   * `connect()` fails with -12, `net::ERR_INSUFFICIENT_RESOURCES`.
   */
  maxSockets?: number | null;
}

export interface ClientCertificate {
  /** The certificate, followed by intermediate ones where the server needs them. */
  cert: Pem | readonly Pem[];
  /** Its private key: RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, or Ed25519. */
  key: Pem;
  /** The passphrase of an encrypted key. */
  passphrase?: string | Uint8Array;
}
