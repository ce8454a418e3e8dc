/**
 * `chrome.sockets.tcp` for Node.js and Electron.
 *
 * The descriptions follow the reference of the API. Result codes, and behaviour on which the
 * reference is silent, follow Chromium's sources, which are named where they apply.
 *
 * A method reports a failure in one of two ways. With a callback, `chrome.runtime.lastError` is set
 * while the callback runs (see `chrome-sockets-tcp/runtime` and `chrome-sockets-tcp/register`).
 * Without one, where the method allows that, the promise is rejected with an `Error` of the same
 * message; with a manifest of version 2 there is no promise (see `chrome-sockets-tcp/configure`). A
 * failure that no code looks at is reported on the console: `Unchecked runtime.lastError: …`. Invalid
 * arguments throw a `TypeError` synchronously and have no other effect. Callbacks and events never run
 * inside a call of the API.
 */
declare namespace tcp {
  /**
   * The properties of a socket that an application chooses. A member that is left out, `null` or
   * `undefined` keeps its value.
   */
  interface SocketProperties {
    /**
     * Whether the socket stays open, paused, when its environment (a thread, a window) ends; see
     * docs/lifetimes.md.
     *
     * @default false
     */
    persistent?: boolean | null;

    /** A string that the application associates with the socket. The empty string removes it. */
    name?: string | null;

    /**
     * The size of the buffer used to receive data, in bytes: the most that one
     * {@link onReceive} event carries. 0 and negative numbers mean the default.
     *
     * @default 4096
     */
    bufferSize?: number | null;
  }

  /** The result of {@link create}. */
  interface CreateInfo {
    /**
     * The id of the new socket: greater than 0, unique within the process, and not used again for the
     * next two billion sockets. No server socket of `chrome-sockets-tcp/server` has the same id.
     */
    socketId: number;
  }

  /** The state of a socket, as it was when {@link getInfo} or {@link getSockets} was called. */
  interface SocketInfo {
    /** The socket's id. */
    socketId: number;

    /** Whether the socket stays open when its environment ends. */
    persistent: boolean;

    /** The string associated with the socket; absent when there is none or it is empty. */
    name?: string;

    /** The size of the receive buffer in bytes; absent unless a size above 0 has been set. */
    bufferSize?: number;

    /** Whether a connected socket blocks its peer from sending more data; see {@link setPaused}. */
    paused: boolean;

    /** Whether the socket is connected to a remote peer. */
    connected: boolean;

    /** The local IPv4 or IPv6 address; absent unless connected by {@link connect}. */
    localAddress?: string;

    /** The local port; absent unless connected by {@link connect}. */
    localPort?: number;

    /** The peer's IPv4 or IPv6 address, never a name; absent unless connected. */
    peerAddress?: string;

    /** The peer's port; absent unless connected. */
    peerPort?: number;
  }

  /** The result of {@link send}. */
  interface SendInfo {
    /** 0, or a negative net error code. */
    resultCode: number;

    /** The number of bytes sent, which is all of them; absent when `resultCode` is negative. */
    bytesSent?: number;
  }

  /** The argument of the listeners of {@link onReceive}. */
  interface ReceiveInfo {
    /** The socket that received the data. */
    socketId: number;

    /** The data: at least one byte and at most `bufferSize` bytes. */
    data: ArrayBuffer;
  }

  /** The argument of the listeners of {@link onReceiveError}. */
  interface ReceiveErrorInfo {
    /** The socket that stopped receiving. */
    socketId: number;

    /**
     * A negative net error code: -100 (`net::ERR_CONNECTION_CLOSED`) for every way in which a
     * connection ends, -15 (`net::ERR_SOCKET_NOT_CONNECTED`) in rare races.
     */
    resultCode: number;
  }

  /**
   * The TLS versions that a handshake may agree on: `'tls1.2'` or `'tls1.3'`. `'tls1'` and
   * `'tls1.1'` are accepted, but the handshake never goes below TLS 1.2. Any other string is
   * ignored.
   */
  interface TLSVersionConstraints {
    /** The lowest version. @default 'tls1.2' */
    min?: 'tls1' | 'tls1.1' | 'tls1.2' | 'tls1.3' | (string & {}) | null;

    /** The highest version. @default 'tls1.3' */
    max?: 'tls1' | 'tls1.1' | 'tls1.2' | 'tls1.3' | (string & {}) | null;
  }

  /** Constraints and parameters for the TLS connection that {@link secure} starts. */
  interface SecureOptions {
    /** The acceptable versions of TLS. */
    tlsVersion?: TLSVersionConstraints | null;
  }

  /** An event of the API. Its functions work on event objects only. */
  interface Event<L extends (...args: any[]) => unknown> {
    /**
     * Adds a listener. Listeners run in the order in which they were added. Adding a listener
     * again, or a value that is not a function, has no effect. A listener runs in the asynchronous
     * context (`AsyncLocalStorage`) in which it was added.
     *
     * @throws {TypeError} `This event does not support filters`, when there is a second argument.
     */
    addListener(listener: L): void;

    /** Removes a listener. It still gets the event that is being dispatched at that moment. */
    removeListener(listener: L): void;

    /**
     * Whether a function is among the listeners.
     *
     * @throws {TypeError} When there is no argument, or it is not a function.
     */
    hasListener(listener: L): boolean;

    /** Whether there are any listeners. */
    hasListeners(): boolean;

    /**
     * Calls the listeners synchronously with the given arguments (extensions/renderer/bindings/
     * event_emitter.cc).
     *
     * @returns The return values of the listeners without `undefined`; `undefined` if none is left.
     */
    dispatch(...args: Parameters<L>): { results: unknown[] } | undefined;
  }

  /**
   * Raised when data has been received for a socket. Data that arrives while the event has no
   * listener is lost: add listeners before connecting.
   */
  const onReceive: Event<(info: ReceiveInfo) => unknown>;

  /**
   * Raised when a network error occurred while waiting for data. The socket is then paused and
   * raises no more {@link onReceive}; data received before has been delivered.
   *
   * Also raised with -100 after {@link disconnect} or {@link close} of a connected socket that is
   * not paused (tcp_socket_event_dispatcher.cc).
   */
  const onReceiveError: Event<(info: ReceiveErrorInfo) => unknown>;

  /**
   * Which addresses a name is resolved to (sockets_tcp.webidl): both families, IPv4 only, or IPv6
   * only.
   */
  const DnsQueryType: { ANY: 'any'; IPV4: 'ipv4'; IPV6: 'ipv6' };
  type DnsQueryType = 'any' | 'ipv4' | 'ipv6';

  /**
   * Creates a TCP socket.
   *
   * @param properties The socket's properties.
   * @param callback Called when the socket has been created; without arguments beyond `maxSockets` of
   *   `configure()`, `Too many sockets`, and in a page of Electron for a name of more than 4,096
   *   characters, `Name too long`.
   */
  function create(
    properties: SocketProperties | null | undefined,
    callback: (createInfo: CreateInfo) => unknown,
  ): void;
  function create(callback: (createInfo: CreateInfo) => unknown): void;
  function create(properties?: SocketProperties | null, callback?: null): Promise<CreateInfo>;

  /**
   * Updates a socket's properties. A new `bufferSize` takes effect with the next read.
   *
   * @param socketId The socket's id.
   * @param properties The properties to update.
   * @param callback Called without arguments when the properties are updated. Fails with
   *   `Socket not found`, and in a page of Electron with `Name too long`, as {@link create} does.
   */
  function update(socketId: number, properties: SocketProperties, callback: () => unknown): void;
  function update(
    socketId: number,
    properties: SocketProperties,
    callback?: null,
  ): Promise<undefined>;
  function update(
    socketId: number,
    properties: SocketProperties,
    callback: (() => unknown) | null | undefined,
  ): void | Promise<undefined>;

  /**
   * Stops or restarts the delivery of data. Typically used to throttle the peer: unread data stays
   * in the operating system's buffers, and TCP flow control stops the peer. A read that is in
   * flight when the socket is paused still delivers one {@link onReceive}.
   *
   * A socket that is to be secured must be paused; see {@link secure}. A socket that has had a
   * receive error is paused, and has to be unpaused to receive after reconnecting.
   *
   * @param socketId The socket's id.
   * @param paused New sockets are not paused.
   * @param callback Called without arguments. Fails with `Socket not found`.
   */
  function setPaused(socketId: number, paused: boolean, callback: () => unknown): void;
  function setPaused(socketId: number, paused: boolean, callback?: null): Promise<undefined>;
  function setPaused(
    socketId: number,
    paused: boolean,
    callback: (() => unknown) | null | undefined,
  ): void | Promise<undefined>;

  /**
   * Enables or disables keep-alive for a connection. Chromium's client sockets begin with it
   * enabled at 45 seconds (net/socket/tcp_socket_posix.cc).
   *
   * @param socketId The socket's id.
   * @param enable Whether to enable keep-alive.
   * @param delay The seconds between the last data packet received and the first keep-alive probe.
   *   0, the default, leaves the delay as it is.
   * @param callback Called with the result: 0; or -2 (`net::ERR_FAILED`) for an unknown or
   *   unconnected socket and for a delay that the operating system refuses.
   */
  function setKeepAlive(
    socketId: number,
    enable: boolean,
    delay: number | null | undefined,
    callback: (result: number) => unknown,
  ): void;
  function setKeepAlive(
    socketId: number,
    enable: boolean,
    callback: (result: number) => unknown,
  ): void;

  /**
   * Sets or clears `TCP_NODELAY` for a connection. Setting it disables Nagle's algorithm. It is set
   * on every new connection (net/socket/tcp_client_socket.cc).
   *
   * @param socketId The socket's id.
   * @param noDelay Whether to disable Nagle's algorithm.
   * @param callback Called with the result: 0; or -2 (`net::ERR_FAILED`) for an unknown or
   *   unconnected socket.
   */
  function setNoDelay(
    socketId: number,
    noDelay: boolean,
    callback: (result: number) => unknown,
  ): void;

  /**
   * Connects a socket to a remote machine. Unless the socket is paused, {@link onReceive} is raised
   * from then on when the peer sends something. The addresses of a name are tried in order;
   * the next attempt starts after 250 ms without an answer.
   *
   * @param socketId The socket's id.
   * @param peerAddress The remote machine: a DNS name, an IPv4 or an IPv6 address (without
   *   brackets). A later {@link secure} verifies this name.
   * @param peerPort The remote machine's port. Narrowed to 16 bits without a check.
   * @param dnsQueryType Which addresses to resolve the name to. Default `'any'`.
   * @param callback Called with the result: 0 or a negative net error code, among them -102
   *   (`net::ERR_CONNECTION_REFUSED`), -104 (`net::ERR_CONNECTION_FAILED`), -105
   *   (`net::ERR_NAME_NOT_RESOLVED`), -109 (`net::ERR_ADDRESS_UNREACHABLE`), -118
   *   (`net::ERR_CONNECTION_TIMED_OUT`), -23 (`net::ERR_SOCKET_IS_CONNECTED`), and -3
   *   (`net::ERR_ABORTED`) when {@link disconnect} or {@link close} ended the attempt. Called without
   *   arguments, `Socket not found`, for an unknown socket. While the name is still being resolved,
   *   {@link disconnect} does not end the attempt; after {@link close} the resolver's error or
   *   `Socket not found` follows, as in Chromium.
   */
  function connect(
    socketId: number,
    peerAddress: string,
    peerPort: number,
    dnsQueryType: DnsQueryType | null | undefined,
    callback: (result: number) => unknown,
  ): void;
  function connect(
    socketId: number,
    peerAddress: string,
    peerPort: number,
    callback: (result: number) => unknown,
  ): void;

  /**
   * Disconnects a socket, which may be connected again afterwards. Succeeds on an unconnected
   * socket too.
   *
   * @param socketId The socket's id.
   * @param callback Called without arguments. Fails with `Socket not found`.
   */
  function disconnect(socketId: number, callback: () => unknown): void;
  function disconnect(socketId: number, callback?: null): Promise<undefined>;
  function disconnect(
    socketId: number,
    callback: (() => unknown) | null | undefined,
  ): void | Promise<undefined>;

  /**
   * Starts a TLS client connection over a connected socket. The certificate is verified against the
   * `peerAddress` of the last {@link connect} call.
   *
   * The socket must have no read and no send in flight: pause it before connecting (or before the
   * message whose answer is the go-ahead for TLS) and unpause it when the callback has come. A
   * failure closes the socket, and its id becomes unknown, except for -4, and for -3 after
   * {@link disconnect}.
   *
   * @param socketId The id of a connected socket.
   * @param options Constraints for the TLS connection.
   * @param callback Called with the result: 0; -4 (`net::ERR_INVALID_ARGUMENT`) for an unknown, an
   *   unconnected or an already secured socket; -2 (`net::ERR_FAILED`) when a read, a send or another
   *   `secure()` is in flight, and for a socket that a server has accepted; -3 (`net::ERR_ABORTED`)
   *   when {@link disconnect}, {@link close} or another `secure()` ended the handshake; -15 when the peer has
   *   gone; a negative net error code of the handshake, such as -107 (`net::ERR_SSL_PROTOCOL_ERROR`),
   *   -110, -113, or -200 to -219 for the certificate.
   */
  function secure(
    socketId: number,
    options: SecureOptions | null | undefined,
    callback: (result: number) => unknown,
  ): void;
  function secure(socketId: number, callback: (result: number) => unknown): void;

  /**
   * Sends data. The bytes are copied during the call; callbacks come in the order of the calls.
   *
   * @param socketId The socket's id.
   * @param data The data to send: a whole ArrayBuffer or the window of a view. May be empty.
   * @param callback Called when all bytes have been accepted for sending, or with a `resultCode` of
   *   -15 (`net::ERR_SOCKET_NOT_CONNECTED`), -2 (`net::ERR_FAILED`) when the connection broke, or
   *   -3 (`net::ERR_ABORTED`) when {@link disconnect} or {@link close} came first. Called without
   *   arguments for an unknown socket, `Socket not found`, and when more than 200 MiB are waiting
   *   to be sent, `Exceeded write quota.`.
   */
  function send(
    socketId: number,
    data: ArrayBuffer | ArrayBufferView,
    callback: (sendInfo: SendInfo) => unknown,
  ): void;

  /**
   * Closes a socket. Its id becomes invalid at the call. The callback fires at once, as in
   * Chromium, even if the peer has not received everything yet: the operating system continues to
   * deliver the bytes that {@link send} reported as sent, then the end of the connection. The local
   * port is released once the peer has closed the connection as well, or at the limits that
   * docs/lifetimes.md describes under "Closing".
   *
   * @param socketId The socket's id.
   * @param callback Called without arguments. Fails with `Socket not found`.
   */
  function close(socketId: number, callback: () => unknown): void;
  function close(socketId: number, callback?: null): Promise<undefined>;
  function close(
    socketId: number,
    callback: (() => unknown) | null | undefined,
  ): void | Promise<undefined>;

  /**
   * Retrieves the state of a socket.
   *
   * @param socketId The socket's id.
   * @param callback Called with the state; for an unknown socket without arguments,
   *   `Socket not found`.
   */
  function getInfo(socketId: number, callback: (socketInfo: SocketInfo) => unknown): void;
  function getInfo(socketId: number, callback?: null): Promise<SocketInfo>;

  /**
   * Retrieves the sockets that are open, by ascending id: those of this environment, and the
   * persistent ones of environments that have ended.
   *
   * @param callback Called with their states. Never fails.
   */
  function getSockets(callback: (socketInfos: SocketInfo[]) => unknown): void;
  function getSockets(callback?: null): Promise<SocketInfo[]>;
}

export = tcp;
