/**
 * Makes random programs with server sockets (`chrome.sockets.tcpServer`). They are programs as
 * generate.mjs describes them, with these additions:
 *
 * - `servers`: for each server socket, `accepts`: the slots of the sockets that it accepts, in order
 * - a peer with `calls` is a client: the action `dial` connects it to the server socket with that
 *   number
 * - a call with `api: 'tcpServer'` is a call of that namespace; `$server` is the identifier of a
 *   server socket and `$serverPort` the port that it listens on
 */

import {
  BEHAVIOURS,
  Generator,
  NAMES,
  NO_SOCKET,
  PROMISING,
  randomOf,
  Slot,
  WRITE_SIZES,
} from './generate.mjs';

/** The behaviour of clients: none of them refuses, and more of them end at once. */
const CALLERS = { ...BEHAVIOURS, refuses: 0, 'closes at once': 3, 'resets at once': 3 };

const ADDRESSES = {
  '127.0.0.1': 60,
  '0.0.0.0': 8,
  127.1: 2,
  '127.0.0.2': 3,
  '::1': 3,
  '::': 3,
  '::ffff:127.0.0.1': 2,
  '': 1,
  '*': 1,
  localhost: 2,
  '[::1]': 1,
  '256.0.0.1': 1,
  '192.0.2.1': 2,
  'ff02::1': 1,
  nonsense: 1,
};

/** The host at which a client reaches a server that listens on an address. */
const REACHED_AT = {
  '127.0.0.1': '127.0.0.1',
  '0.0.0.0': '127.0.0.1',
  127.1: '127.0.0.1',
  '127.0.0.2': '127.0.0.2',
  '::1': '::1',
  '::': '::1',
  '::ffff:127.0.0.1': '127.0.0.1',
};

const BACKLOGS = [null, 1, 2, 5, 100, 100_000, 2147483647, -1, -2147483648, 0];

/** Clients that the kernel keeps waiting for a paused server with the smallest backlog. */
const MAX_QUEUED = 1;

/** Sends between two sockets of the program; more may wait for a receiver that is paused. */
const MAX_BYTES_BETWEEN = 5000;

const MAX_SERVERS = 3;

/** Calls that change whether a server accepts. */
const CHANGES = ['listen', 'setPaused', 'disconnect', 'close'];

/** Calls that end a connection. */
const ENDS = ['disconnect', 'close', 'secure'];

/** The presumed state of a server socket of a program. */
class Server {
  listening = false;
  paused = false;
  closed = false;
  /** A listen is in progress in this turn: Chromium would lose its callback at a disconnect. */
  starting = false;
  host = '127.0.0.1';
  /** Connections that no accept has taken. */
  waiting = 0;
  /** An accept is in flight, and takes one connection of a paused server. */
  accepting = false;
  accepted = 0;
  /** The slots of accepted sockets. */
  accepts = [];
}

const isServerCall = ({ api }) => api === 'tcpServer';

const meetsServer = ({ action, method, args }) =>
  action === 'dial' || (method === 'connect' && args[2]?.$serverPort !== undefined);

class ServerGenerator extends Generator {
  servers = [];
  /** The peers that are servers; the others are clients. */
  ordinary = 0;

  program() {
    const { random } = this;
    this.mode = random.chance(0.6) ? 'settled' : 'burst';
    this.little = random.chance(0.3);
    this.ordinary = random.integer(2);
    for (let index = 0; index < this.ordinary; index += 1) this.peers.push(this.peer());
    const count = random.chance(0.7) ? 1 : 2;
    for (let index = 0; index < count; index += 1) {
      this.peers.push(this.caller(index));
      if (random.chance(0.3)) this.peers.push(this.caller(index));
    }
    for (let index = 0; index < count; index += 1) this.serverPrelude(index);
    const steps = 4 + random.integer(this.mode === 'settled' ? 11 : 7);
    for (let index = 0; index < steps; index += 1) this.step();
    return {
      mode: this.mode,
      hangs: this.hangs,
      servers: this.servers.map(({ accepts }) => ({ accepts })),
      peers: this.peers,
      steps: this.steps,
    };
  }

  caller(server) {
    return { ...this.peer(), behaviour: this.random.weighted(CALLERS), calls: server };
  }

  /** Most programs begin with a server that listens and has accepted a connection. */
  serverPrelude(index) {
    const { random } = this;
    const push = (operation) => this.settle([operation]);
    push(this.createServer());
    if (random.chance(0.1)) push(this.pauseServer(index, true));
    if (random.chance(0.95)) push(this.listen(index, random.chance(0.8)));
    this.endTurn();
    const meetings = random.integer(3);
    for (let count = 0; count < meetings; count += 1) {
      const slot = this.slotFor(index, this.servers[index].accepted);
      this.meet(index).forEach(push);
      this.endTurn();
      if (this.slots[slot].connected && random.chance(0.6)) push(this.setPaused(slot, false));
    }
  }

  settle(operations) {
    this.steps.push({ operations, wait: 'settle' });
  }

  /** A connection to a server, of a client or of a socket of the program. */
  meet(index) {
    if (this.random.chance(0.7)) return [this.dial(index)];
    const create = this.create();
    const slot = this.slots.length - 1;
    return [create, this.connectToServer(slot, index)];
  }

  // ---- Steps ------------------------------------------------------------------------------------

  /**
   * In a turn with a call that ends a connection between two sockets of the program, or that
   * changes whether a server accepts, the state that the other end finds is random.
   */
  push(operations) {
    const changes = operations.filter((operation) => this.changesOthers(operation));
    const others = operations.filter((operation) => !changes.includes(operation));
    const ends = new Set(changes.map(({ args }) => args[0]?.$socket));
    const meets = others.some(
      (one) => meetsServer(one) || (this.isBetween(one) && !ends.has(one.args[0].$socket)),
    );
    if (changes.length === 0 || (!meets && ends.size === 1)) {
      super.push(operations);
      return;
    }
    for (const change of changes) {
      this.settle([change]);
      this.endTurn();
    }
    super.push(others);
  }

  /** Whether a call concerns a socket whose other end is or was one of the program's. */
  isBetween({ op, api, args }) {
    const slot = op === 'call' && api === undefined ? args[0]?.$socket : undefined;
    return slot !== undefined && this.slots[slot].between === true;
  }

  changesOthers(operation) {
    if (isServerCall(operation)) return CHANGES.includes(operation.method);
    return ENDS.includes(operation.method) && this.isBetween(operation);
  }

  endTurn() {
    super.endTurn();
    for (const server of this.servers) server.starting = false;
  }

  operation(depth, isLast = true) {
    if (!this.random.chance(depth === 0 ? 0.4 : 0.25) && this.slots.length > 0) {
      return super.operation(depth, isLast);
    }
    const index = this.pickServer();
    const kind = this.random.weighted(this.serverWeights(this.servers[index], depth));
    return this.makeOfServer(kind, index, depth, isLast);
  }

  pickServer() {
    const open = this.servers.flatMap(({ closed }, index) => (closed ? [] : [index]));
    if (open.length > 0 && this.random.chance(0.93)) return this.random.pick(open);
    return this.random.integer(this.servers.length);
  }

  serverWeights({ listening, paused, closed, starting, waiting }, depth) {
    const top = depth === 0;
    const risky = starting || !top;
    const full = waiting >= MAX_QUEUED;
    return {
      listen: closed || starting ? 1 : listening ? 0.7 : 14,
      setPaused: paused ? 3 : 2,
      update: 5,
      disconnect: risky ? 0 : listening ? 3 : 1,
      close: risky ? 0 : closed ? 1 : 2,
      getInfo: 4,
      getSockets: 2,
      createServer: top && this.servers.length < MAX_SERVERS ? 1 : 0,
      odd: 5,
      unknown: 1,
      dial: top && !full ? (listening ? 22 : 2) : 0,
      onAccept: top && this.mode === 'settled' && listening ? 5 : 0,
    };
  }

  makeOfServer(kind, index, depth, isLast) {
    const { random } = this;
    switch (kind) {
      case 'createServer':
        return this.createServer();
      case 'listen':
        return this.goOn(this.listen(index), depth, isLast);
      case 'setPaused':
        return this.goOn(this.pauseServer(index, random.chance(0.5)), depth, isLast);
      case 'odd':
        return this.oddOfServer(index);
      case 'unknown':
        return this.unknownServer();
      case 'dial':
        return this.dial(index);
      case 'onAccept':
        return this.onAccept(index);
      default:
        return this.goOn(this.simpleOfServer(kind, index), depth, isLast);
    }
  }

  // ---- Sockets ----------------------------------------------------------------------------------

  weights(slot, depth) {
    const weights = super.weights(slot, depth);
    const ofPeer = slot.peer < 0 ? { peerWrite: 0, peerEnd: 0, peerReset: 0 } : undefined;
    const noPeer = slot.peer < 0 ? { peerPause: 0, peerResume: 0 } : undefined;
    // A second connect of an accepted socket ends Chromium, and secure() destroys the socket.
    const accepted = slot.accepted ? { connect: 0, secure: 1 } : undefined;
    return { ...weights, ...ofPeer, ...noPeer, ...accepted, setPaused: slot.accepted ? 18 : 13 };
  }

  create() {
    const create = super.create();
    const slot = this.slots.at(-1);
    slot.peer = this.ordinary > 0 ? this.random.integer(this.ordinary) : -1;
    return create;
  }

  anyPeer(index) {
    return this.ordinary > 0 ? this.random.integer(this.ordinary) : this.slots[index].peer;
  }

  connect(index, peer) {
    if (peer < 0 || this.ordinary === 0 || this.random.chance(0.5)) {
      return this.connectToServer(index, this.pickServer());
    }
    return super.connect(index, peer);
  }

  connectToServer(index, server) {
    const slot = this.slots[index];
    slot.connecting = true;
    slot.between = true;
    slot.peer = -1;
    if (!slot.closed && !slot.connected && this.arrive(server, -1)) slot.connected = true;
    return this.call('connect', [
      { $socket: index },
      this.servers[server].host,
      { $serverPort: server },
    ]);
  }

  simple(method, index) {
    const call = super.simple(method, index);
    if (method === 'send' && this.slots[index].peer < 0) {
      const [, data] = call.args;
      data.bytes = Math.min(data.bytes, MAX_BYTES_BETWEEN);
    }
    return call;
  }

  oddSlot() {
    return 10_000 + this.random.integer(1000);
  }

  // ---- Connections ------------------------------------------------------------------------------

  /** The slot of the n-th socket that a server accepts. */
  slotFor(server, number) {
    const { accepts } = this.servers[server];
    while (accepts.length <= number) {
      const slot = new Slot();
      slot.accepted = true;
      slot.between = true;
      slot.paused = true;
      slot.peer = -1;
      accepts.push(this.slots.length);
      this.slots.push(slot);
    }
    return accepts[number];
  }

  /** A client comes to a server. Returns whether it is connected. */
  arrive(index, peer) {
    const server = this.servers[index];
    if (!server.listening) return false;
    if (server.paused && !server.accepting) {
      server.waiting += 1;
      return true;
    }
    if (server.paused) server.accepting = false;
    const slot = this.slots[this.slotFor(index, server.accepted)];
    server.accepted += 1;
    slot.connected = true;
    slot.peer = peer;
    return true;
  }

  dial(index) {
    const { random } = this;
    const callers = this.peers.flatMap(({ calls }, peer) => (calls === index ? [peer] : []));
    const all = this.peers.flatMap(({ calls }, peer) => (calls === undefined ? [] : [peer]));
    const peer = random.pick(callers.length > 0 ? callers : all);
    // The peer may be another server's.
    const server = this.peers[peer].calls;
    this.arrive(server, peer);
    const args = [{ $serverPort: server }, this.servers[server].host];
    return { op: 'peer', peer, action: 'dial', args };
  }

  // ---- Calls ------------------------------------------------------------------------------------

  serverCall(method, args) {
    const form =
      PROMISING.includes(method) && this.random.chance(0.25) ? { form: 'promise' } : undefined;
    return { op: 'call', api: 'tcpServer', method, args, ...form };
  }

  serverProperties() {
    const { random } = this;
    const properties = {};
    if (random.chance(0.4)) properties.persistent = random.chance(0.5);
    if (random.chance(0.5)) properties.name = random.pick(NAMES);
    return properties;
  }

  createServer() {
    this.servers.push(new Server());
    const args = this.random.chance(0.4) ? [] : [this.serverProperties()];
    return { ...this.serverCall('create', args), slot: this.servers.length - 1 };
  }

  pauseServer(index, paused) {
    this.servers[index].paused = paused;
    return this.serverCall('setPaused', [{ $server: index }, paused]);
  }

  listen(index, plain = false) {
    const { random } = this;
    const server = this.servers[index];
    const address = plain ? '127.0.0.1' : random.weighted(ADDRESSES);
    const port = plain ? 0 : this.listenPort();
    const args = [{ $server: index }, address, port];
    if (random.chance(0.25)) args.push(random.pick(BACKLOGS));
    server.starting = true;
    const works = address in REACHED_AT && port === 0 && args[3] !== 0;
    if (works && !server.closed) {
      server.listening = true;
      server.accepting = !server.paused;
      server.host = REACHED_AT[address];
      server.waiting = 0;
    }
    return this.serverCall('listen', args);
  }

  listenPort() {
    const { random } = this;
    if (random.chance(0.75)) return 0;
    const wrong = random.pick([65536, -65536, 131072]);
    const ofServer = { $serverPort: random.integer(this.servers.length) };
    const ofPeer = this.ordinary > 0 ? { $port: 0, turns: random.integer(2) } : wrong;
    return random.pick([wrong, ofServer, ofServer, ofServer, ofPeer, ofPeer]);
  }

  simpleOfServer(method, index) {
    const server = this.servers[index];
    const id = { $server: index };
    switch (method) {
      case 'update':
        return this.serverCall(method, [id, this.serverProperties()]);
      case 'disconnect':
      case 'close':
        server.listening = false;
        server.accepting = false;
        server.waiting = 0;
        server.closed ||= method === 'close';
        return this.serverCall(method, [id]);
      case 'getSockets':
        return this.serverCall(method, []);
      default:
        return this.serverCall(method, [id]);
    }
  }

  /** A valid call in which one argument is odd, missing or too many. */
  oddOfServer(index) {
    const { random } = this;
    const id = { $server: index };
    const shapes = {
      create: [{}],
      update: [id, {}],
      setPaused: [id, false],
      // A mistaken address must not be one that others reach.
      listen: [NO_SOCKET, '127.0.0.1', 0, 5],
      disconnect: [NO_SOCKET],
      close: [NO_SOCKET],
      getInfo: [id],
      getSockets: [],
    };
    const method = random.pick(Object.keys(shapes));
    const args = this.withOddValue(shapes[method]);
    const created = method === 'create' ? { slot: this.oddSlot() } : undefined;
    return { op: 'call', api: 'tcpServer', method, args, ...created };
  }

  unknownServer() {
    const { random } = this;
    const id = random.pick([NO_SOCKET, 0, -1, -2147483648]);
    const calls = {
      update: [id, {}],
      setPaused: [id, true],
      listen: [id, '127.0.0.1', 0],
      disconnect: [id],
      close: [id],
      getInfo: [id],
    };
    const method = random.pick(Object.keys(calls));
    return this.serverCall(method, calls[method]);
  }

  // ---- Events -----------------------------------------------------------------------------------

  event() {
    return this.random.pick(['onReceive', 'onReceiveError', 'onAccept', 'onAcceptError']);
  }

  /** The actions of a listener with the next accepted socket. */
  onAccept(index) {
    const { random } = this;
    const nth = 1 + random.integer(2);
    const slot = this.slotFor(index, this.servers[index].accepted + nth - 1);
    const greet = {
      bytes: Math.min(MAX_BYTES_BETWEEN, this.size(WRITE_SIZES)),
      first: random.integer(251),
    };
    const actions = {
      resume: () => this.call('setPaused', [{ $socket: slot }, false]),
      greet: () => this.call('send', [{ $socket: slot }, greet]),
      look: () => this.call('getInfo', [{ $socket: slot }]),
      hangUp: () => this.call('close', [{ $socket: slot }]),
      options: () => this.call('setNoDelay', [{ $socket: slot }, true]),
    };
    const count = 1 + random.integer(2);
    const kinds = Array.from({ length: count }, () =>
      random.weighted({ resume: 6, greet: 4, look: 2, hangUp: 1, options: 1 }),
    );
    const then = [...new Set(kinds)].map((kind) => actions[kind]());
    if (random.chance(0.2)) then.push(this.operation(1));
    return { op: 'on', event: 'onAccept', server: index, nth, then };
  }
}

/** @returns {object} the program with this number of this seed's sequence of programs with servers */
export const generateServer = (seed, index) => new ServerGenerator(randomOf(seed, index)).program();
