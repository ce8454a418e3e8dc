/** The events of the API in the transcript, and counted for scenarios to wait for. Runs unchanged on both sides. */

export class Events {
  #sockets = new Map();
  #servers = new Map();
  #entries;
  #writer;
  #tcp;
  #tcpServer;

  /**
   * @param {import('./entries.mjs').Entries} entries
   * @param {import('./writer.mjs').Writer} writer
   * @param {{ tcp: any, tcpServer?: any }} api
   */
  constructor(entries, writer, { tcp, tcpServer }) {
    this.#entries = entries;
    this.#writer = writer;
    this.#tcp = tcp;
    this.#tcpServer = tcpServer;
  }

  stateOf(id) {
    if (!this.#sockets.has(id)) this.#sockets.set(id, { received: 0, events: 0, errors: 0 });
    return this.#sockets.get(id);
  }

  serverOf(id) {
    if (!this.#servers.has(id)) this.#servers.set(id, { accepted: [], errors: 0 });
    return this.#servers.get(id);
  }

  /** Whether the id belongs to a socket of the namespace. */
  knows(id, space) {
    return (space === 'tcp' ? this.#sockets : this.#servers).has(id);
  }

  /** Numbers a socket that a method has created, in the order of creation. */
  learn(socketId, space = 'tcp') {
    this.#writer.learnSocket(socketId, space);
    if (space === 'tcp') this.stateOf(socketId);
    else this.serverOf(socketId);
  }

  start() {
    this.#tcp.onReceive.addListener(this.#onReceive);
    this.#tcp.onReceiveError.addListener(this.#onReceiveError);
    this.#tcpServer?.onAccept.addListener(this.#onAccept);
    this.#tcpServer?.onAcceptError.addListener(this.#onAcceptError);
  }

  stop() {
    this.#tcp.onReceive.removeListener(this.#onReceive);
    this.#tcp.onReceiveError.removeListener(this.#onReceiveError);
    this.#tcpServer?.onAccept.removeListener(this.#onAccept);
    this.#tcpServer?.onAcceptError.removeListener(this.#onAcceptError);
  }

  #onReceive = (info) => {
    const state = this.stateOf(info.socketId);
    const bytes = new Uint8Array(info.data);
    state.received += bytes.length;
    state.events += 1;
    this.#entries.received(info.socketId, bytes);
  };

  #onReceiveError = (info) => {
    this.stateOf(info.socketId).errors += 1;
    this.#entries.log(`onReceiveError ${this.#writer.socket(info.socketId)} ${info.resultCode}`);
  };

  #onAccept = (info) => {
    const { socketId, clientSocketId, ...others } = info;
    this.learn(clientSocketId);
    this.serverOf(socketId).accepted.push(clientSocketId);
    const more = Object.keys(others).length > 0 ? ` ${this.#writer.show(others)}` : '';
    const client = this.#writer.socket(clientSocketId);
    const server = this.#writer.socket(socketId, 'tcpServer');
    this.#entries.log(`onAccept ${server}: ${client}${more}`);
  };

  #onAcceptError = (info) => {
    this.serverOf(info.socketId).errors += 1;
    const server = this.#writer.socket(info.socketId, 'tcpServer');
    this.#entries.log(`onAcceptError ${server} ${info.resultCode}`);
  };
}
