/**
 * `chrome.sockets.tcpServer`: sockets that listen and accept connections.
 *
 * Each connection becomes a socket of `chrome-sockets-tcp`, which is paused: add a listener of
 * `onReceive`, then call `setPaused(clientSocketId, false)`. Failures are reported as by
 * `chrome-sockets-tcp`.
 */
import type tcp = require('../index');

declare namespace tcpServer {
  /** A member that is left out, `null` or `undefined` keeps its value. */
  interface SocketProperties {
    /**
     * Whether the socket keeps listening, paused, when its environment ends; see docs/lifetimes.md.
     *
     * @default false
     */
    persistent?: boolean | null;

    /** A string that the application associates with the socket. The empty string removes it. */
    name?: string | null;
  }

  /** The result of {@link create}. */
  interface CreateInfo {
    /** The id of the new socket. No socket of `chrome-sockets-tcp` has the same id. */
    socketId: number;
  }

  /** The state of a socket, as it was when {@link getInfo} or {@link getSockets} was called. */
  interface SocketInfo {
    /** The socket's id. */
    socketId: number;

    /** Whether the socket keeps listening when its environment ends. */
    persistent: boolean;

    /** The string associated with the socket; absent when there is none or it is empty. */
    name?: string;

    /** Whether connections wait in the queue of the operating system; see {@link setPaused}. */
    paused: boolean;

    /** The local IPv4 or IPv6 address; absent unless the socket listens. */
    localAddress?: string;

    /** The local port; absent unless the socket listens. */
    localPort?: number;
  }

  /** The argument of {@link onAccept}. */
  interface AcceptInfo {
    /** The id of the server socket. */
    socketId: number;

    /** The id of the connection's socket, for the methods of `chrome-sockets-tcp`. */
    clientSocketId: number;
  }

  /** The argument of {@link onAcceptError}. */
  interface AcceptErrorInfo {
    /** The id of the server socket. */
    socketId: number;

    /** A negative net error code. */
    resultCode: number;
  }

  /** Creates a server socket. */
  function create(properties?: SocketProperties | null, callback?: null): Promise<CreateInfo>;
  function create(callback: (createInfo: CreateInfo) => unknown): void;
  function create(
    properties: SocketProperties | null | undefined,
    callback: (createInfo: CreateInfo) => unknown,
  ): void;

  /** Changes properties. */
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
   * Pauses or resumes accepting. Connections to a paused socket wait in the queue of the operating
   * system, and the system refuses (Windows) or
   * retries (Linux) those that find it full. As in Chromium, one connection is accepted
   * after a pause if the socket was waiting for it.
   */
  function setPaused(socketId: number, paused: boolean, callback: () => unknown): void;
  function setPaused(socketId: number, paused: boolean, callback?: null): Promise<undefined>;
  function setPaused(
    socketId: number,
    paused: boolean,
    callback: (() => unknown) | null | undefined,
  ): void | Promise<undefined>;

  /**
   * Listens on an address of this machine.
   *
   * @param address An IPv4 or IPv6 address, such as `127.0.0.1`, or `0.0.0.0` for all. Names,
   *   including `localhost`, fail with -4.
   * @param port 0 chooses a free port, which {@link getInfo} returns. Only the lower 16 bits count.
   * @param backlog The length of the queue. Default: the system's longest. 0 fails with -4.
   * @param callback Gets 0, or the code of the failure: -4 for an invalid address, -147 for a port in
   *   use, -108 for an address that this machine does not have, -10 for a port that is reserved. No
   *   argument if the socket does not exist or the manifest does not allow it.
   */
  function listen(
    socketId: number,
    address: string,
    port: number,
    callback: (result: number) => unknown,
  ): void;
  function listen(
    socketId: number,
    address: string,
    port: number,
    backlog: number | null | undefined,
    callback: (result: number) => unknown,
  ): void;

  /** Stops listening and keeps the socket. Connections that wait are reset, accepted ones stay. */
  function disconnect(socketId: number, callback: () => unknown): void;
  function disconnect(socketId: number, callback?: null): Promise<undefined>;
  function disconnect(
    socketId: number,
    callback: (() => unknown) | null | undefined,
  ): void | Promise<undefined>;

  /** Stops listening and removes the socket. */
  function close(socketId: number, callback: () => unknown): void;
  function close(socketId: number, callback?: null): Promise<undefined>;
  function close(
    socketId: number,
    callback: (() => unknown) | null | undefined,
  ): void | Promise<undefined>;

  /** Describes a socket. */
  function getInfo(socketId: number, callback?: null): Promise<SocketInfo>;
  function getInfo(socketId: number, callback: (socketInfo: SocketInfo) => unknown): void;

  /** Describes all server sockets of this environment, and the persistent ones without an owner. */
  function getSockets(callback?: null): Promise<SocketInfo[]>;
  function getSockets(callback: (socketInfos: SocketInfo[]) => unknown): void;

  /** A connection was accepted. Its socket is paused. */
  const onAccept: tcp.Event<(info: AcceptInfo) => unknown>;

  /**
   * Accepting failed, for example with -12 because the process has no descriptors left. The socket is
   * paused until `setPaused(socketId, false)`.
   */
  const onAcceptError: tcp.Event<(info: AcceptErrorInfo) => unknown>;
}

export = tcpServer;
