/**
 * Interprets one program against `chrome.sockets.tcp` and `chrome.sockets.tcpServer`, and writes
 * its transcript. This file runs unchanged in Chromium's service worker and in Node, so it uses
 * only features that both have.
 *
 * A transcript is a list of entries `[slot, text]`. The slot is the number of the socket in the
 * program (that of a server socket follows SERVER), or -1 where an entry belongs to no socket. An
 * onReceive shows what its socket has received since it was made, so that neighbours can be merged.
 */

import { bytesOf, digest, hex, NO_SOCKET, SPECIAL, Writer } from './values.mjs';

/** After this many milliseconds the interpreter stops waiting for a call that always answers. */
const TIMEOUT_MS = 8000;

/** In a program in which calls may stay without an answer, it waits this many milliseconds. */
const UNANSWERED_MS = 300;

/** A step ends when this many milliseconds have passed without a change; see `settle`. */
const QUIET_MS = { balanced: 12, known: 25, unbalanced: 80 };

/** Server socket k of a program has the slot SERVER + k. */
const SERVER = 1000;

/** The n-th socket that server k accepts has the slot UNEXPECTED + 100 k + n if the program names none. */
const UNEXPECTED = 2000;

const now = () => performance.now();
const delay = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Gives each operation that has an identifier its place in the program, in reading order. */
function number(program) {
  const numbers = new Map();
  const visit = (operations) => {
    for (const operation of operations) {
      numbers.set(operation, numbers.size + 1);
      if (operation.then) visit(operation.then);
    }
  };
  for (const { operations } of program.steps) visit(operations);
  return numbers;
}

/** One namespace, with the sockets that a program has in it. */
class Space {
  /** Identifier of a socket → slot. */
  slots = new Map();
  /** Number in the program → identifier. */
  ids = [];

  constructor(api, label, first, ports) {
    this.api = api;
    this.label = label;
    this.first = first;
    this.writer = new Writer(this.slots, ports);
  }

  learn(number, id) {
    this.ids[number] = id;
    this.slots.set(id, this.first + number);
    return this.first + number;
  }

  /** The program's own of some infos, in the order of its slots. */
  own(infos) {
    const slotOf = ({ socketId }) => this.slots.get(socketId);
    return infos
      .filter((info) => slotOf(info) !== undefined)
      .sort((one, other) => slotOf(one) - slotOf(other));
  }

  /** The program's sockets; also a round trip through the implementation. */
  sockets() {
    return new Promise((resolve) => this.api.getSockets((infos) => resolve(this.own(infos))));
  }
}

/** One run of one program. */
class Run {
  #program;
  #ports;
  #tcp;
  /** `undefined` in a program without server sockets. */
  #server;
  #runtime;
  #ask;
  #numbers;
  #entries = [];
  /** How many sockets each server socket has accepted. */
  #accepted = [];
  /** Calls without an answer: number of the operation → method. */
  #pending = new Map();
  /** Requests to the peers without a wait for the reply. */
  #asking = 0;
  /** Ports of servers that are being asked for. */
  #learning = 0;
  /** Counts everything that happens. */
  #version = 0;
  #lastChange = now();
  #wake = () => {};
  /** The total data that each socket has received. */
  #streams = new Map();
  #received = 0;
  #sent = 0;
  #hooks = [];
  /** The last shown state of each socket and each connection. */
  #shown = new Map();
  /** The last difference between both ends that has settled. */
  #knownBalance = '';
  /** How long a step waits for answers: long only until one has not come. */
  #timeout;
  #over = false;
  #listeners;

  constructor(program, { ports }, { tcp, tcpServer, runtime, ask }) {
    this.#program = program;
    const known = { peers: ports, servers: program.servers ? [] : undefined };
    this.#ports = known;
    this.#tcp = new Space(tcp, '', 0, known);
    if (program.servers) this.#server = new Space(tcpServer, 'tcpServer.', SERVER, known);
    this.#runtime = runtime;
    this.#ask = ask;
    this.#numbers = number(program);
    this.#timeout = program.hangs ? UNANSWERED_MS : TIMEOUT_MS;
    this.#listeners = {
      onReceive: (info) => this.#onReceive(info),
      onReceiveError: (info) => this.#onReceiveError(info),
      ...(program.servers && {
        onAccept: (info) => this.#onAccept(info),
        onAcceptError: (info) => this.#onAcceptError(info),
      }),
    };
  }

  // ---- The transcript ---------------------------------------------------------------------------

  #changed() {
    this.#version += 1;
    this.#lastChange = now();
    this.#wake();
  }

  #write(slot, text) {
    if (this.#over) return;
    this.#entries.push([slot, text]);
    this.#changed();
  }

  #onReceive({ socketId, data }) {
    const slot = this.#tcp.slots.get(socketId);
    if (slot === undefined || this.#over) return;
    const bytes = new Uint8Array(data);
    this.#received += bytes.length;
    const stream = this.#streams.get(slot) ?? { total: 0, hash: undefined };
    this.#streams.set(slot, stream);
    stream.total += bytes.length;
    stream.hash = digest(bytes, stream.hash);
    this.#write(slot, `onReceive up to ${stream.total} ${hex(stream.hash)}`);
    this.#runHooks('onReceive', slot);
  }

  #onReceiveError({ socketId, resultCode }) {
    const slot = this.#tcp.slots.get(socketId);
    if (slot === undefined) return;
    this.#write(slot, `onReceiveError ${resultCode}`);
    this.#runHooks('onReceiveError', slot);
  }

  /** Runs even while the program listens to no accept: it has to know the sockets. */
  #learnAccepted = ({ socketId, clientSocketId }) => {
    const slot = this.#server.slots.get(socketId);
    if (slot === undefined || this.#over) return;
    const server = slot - SERVER;
    const count = this.#accepted[server] ?? 0;
    this.#accepted[server] = count + 1;
    const expected = this.#program.servers[server]?.accepts[count];
    this.#tcp.learn(expected ?? UNEXPECTED + 100 * server + count, clientSocketId);
    this.#changed();
  };

  #onAccept({ socketId, clientSocketId }) {
    const slot = this.#server.slots.get(socketId);
    if (slot === undefined) return;
    this.#write(slot, `onAccept #${this.#tcp.slots.get(clientSocketId)}`);
    this.#runHooks('onAccept', slot);
  }

  #onAcceptError({ socketId, resultCode }) {
    const slot = this.#server.slots.get(socketId);
    if (slot === undefined) return;
    this.#write(slot, `onAcceptError ${resultCode}`);
    this.#runHooks('onAcceptError', slot);
  }

  get transcript() {
    return this.#entries;
  }

  // ---- Operations -------------------------------------------------------------------------------

  #value(encoded) {
    if (Array.isArray(encoded)) return encoded.map((item) => this.#value(item));
    if (typeof encoded !== 'object' || encoded === null) return encoded;
    if (encoded.$socket !== undefined) return this.#tcp.ids[encoded.$socket] ?? NO_SOCKET;
    if (encoded.$server !== undefined) return this.#server.ids[encoded.$server] ?? NO_SOCKET;
    if (encoded.$serverPort !== undefined) return this.#ports.servers[encoded.$serverPort] ?? 0;
    if (encoded.$port !== undefined) {
      return this.#ports.peers[encoded.$port] + (encoded.turns ?? 0) * 65536;
    }
    if (encoded.$special !== undefined) return SPECIAL[encoded.$special]();
    if (encoded.bytes !== undefined) return bytesOf(encoded);
    return Object.fromEntries(
      Object.entries(encoded).map(([key, value]) => [key, this.#value(value)]),
    );
  }

  #spaceOf({ api }) {
    return api === 'tcpServer' ? this.#server : this.#tcp;
  }

  #slotOf({ args }) {
    const { $socket, $server } = args[0] ?? {};
    if ($socket !== undefined && this.#tcp.ids[$socket] !== undefined) return $socket;
    return $server !== undefined && this.#server.ids[$server] !== undefined ? SERVER + $server : -1;
  }

  #learn(operation, info) {
    if (operation.method !== 'create' || info?.socketId === undefined) return -1;
    return this.#spaceOf(operation).learn(operation.slot, info.socketId);
  }

  /**
   * The result of getSockets depends on the other running programs, so only the program's own
   * sockets are shown.
   */
  #result(operation, value) {
    if (operation.method !== 'getSockets' || !Array.isArray(value)) return value;
    return this.#spaceOf(operation).own(value);
  }

  /** The port of a server that has begun to listen, before the program goes on. */
  #learnPort({ method, args }, code) {
    if (method !== 'listen' || code !== 0) return;
    const { $server } = args[0];
    this.#learning += 1;
    this.#server.api.getInfo(this.#server.ids[$server], (info) => {
      void this.#runtime.lastError;
      this.#learning -= 1;
      if (info?.localPort > 0) this.#ports.servers[$server] = info.localPort;
      this.#changed();
    });
  }

  #count({ method }, value) {
    if (method === 'send' && value?.resultCode === 0) this.#sent += value.bytesSent;
  }

  #answered(operation, slot, how, values, after = '') {
    const { writer } = this.#spaceOf(operation);
    this.#pending.delete(operation);
    const own = this.#learn(operation, values[0]);
    const shown = values.map((value) => writer.show(this.#result(operation, value)));
    this.#count(operation, values[0]);
    this.#learnPort(operation, values[0]);
    this.#write(
      own >= 0 ? own : slot,
      `${this.#label(operation)}: ${how}(${shown.join(', ')})${after}`,
    );
    this.#perform(operation.then ?? []);
  }

  #label(operation) {
    const { label } = this.#spaceOf(operation);
    return `${this.#numbers.get(operation)} ${label}${operation.method}`;
  }

  #call(operation) {
    const { method, args, form = 'callback' } = operation;
    const { api, writer } = this.#spaceOf(operation);
    const label = this.#label(operation);
    const slot = this.#slotOf(operation);
    const values = args.map((value) => this.#value(value));
    this.#write(slot, label);
    if (form === 'callback') {
      values.push((...results) => {
        const error = this.#runtime.lastError;
        const after = error === undefined ? '' : ` lastError ${JSON.stringify(error.message)}`;
        this.#answered(operation, slot, '', results, after);
      });
    }
    let returned;
    try {
      this.#pending.set(operation, this.#numbers.get(operation));
      returned = api[method](...values);
    } catch (error) {
      this.#pending.delete(operation);
      this.#write(slot, `${label}: threw ${writer.show(error)}`);
      return;
    }
    if (form === 'callback') {
      if (returned !== undefined) this.#write(slot, `${label}: returned a value`);
      return;
    }
    if (!(returned instanceof Promise)) {
      this.#pending.delete(operation);
      this.#write(slot, `${label}: returned ${writer.show(returned)}`);
      return;
    }
    returned.then(
      (value) => this.#answered(operation, slot, 'fulfilled ', [value]),
      (error) => this.#answered(operation, slot, 'rejected ', [error]),
    );
  }

  #hook(operation) {
    this.#hooks.push({ operation, seen: 0, left: operation.times ?? 1 });
  }

  #runHooks(event, slot) {
    for (const hook of [...this.#hooks]) {
      const { operation } = hook;
      const own = operation.server === undefined ? operation.slot : SERVER + operation.server;
      if (operation.event !== event || own !== slot) continue;
      hook.seen += 1;
      if (hook.seen < operation.nth || hook.left === 0) continue;
      hook.left -= 1;
      this.#perform(operation.then);
    }
  }

  #askPeer({ peer, action, args = [] }) {
    this.#asking += 1;
    const values = args.map((value) => this.#value(value));
    return this.#ask('act', [peer, action, values])
      .catch(() => {})
      .finally(() => {
        this.#asking -= 1;
        this.#changed();
      });
  }

  #eventOf(name) {
    return (name.startsWith('onAccept') ? this.#server : this.#tcp).api[name];
  }

  /**
   * `addListener` and the other functions of events, with the program's arguments, on the real
   * event object.
   */
  #eventMethod(operation) {
    const { event, method, args } = operation;
    const label = `${this.#numbers.get(operation)} ${event}.${method}`;
    try {
      const values = args.map((value) => this.#value(value));
      const result = this.#eventOf(event)[method](...values);
      this.#write(-1, `${label}: returned ${this.#tcp.writer.show(result)}`);
    } catch (error) {
      this.#write(-1, `${label}: threw ${this.#tcp.writer.show(error)}`);
    }
  }

  #mute({ event, muted }) {
    const method = muted ? 'removeListener' : 'addListener';
    this.#eventOf(event)[method](this.#listeners[event]);
  }

  /** Performs operations at once, in the running turn. */
  #perform(operations) {
    for (const operation of operations) {
      switch (operation.op) {
        case 'call':
          this.#call(operation);
          break;
        case 'on':
          this.#hook(operation);
          break;
        case 'peer':
          void this.#askPeer(operation);
          break;
        case 'event':
          this.#eventMethod(operation);
          break;
        case 'mute':
          this.#mute(operation);
          break;
        case 'throw':
          throw new Error('from the program');
      }
    }
  }

  // ---- Waiting ----------------------------------------------------------------------------------

  /** Waits for a condition, which is looked at whenever something happens; false if it is late. */
  async #until(condition, limit) {
    const deadline = now() + limit;
    while (!condition()) {
      const left = deadline - now();
      if (left <= 0) return false;
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }

  #allAnswered() {
    return this.#pending.size === 0 && this.#learning === 0;
  }

  async #quiet(milliseconds) {
    for (;;) {
      const left = this.#lastChange + milliseconds - now();
      if (left <= 0) return;
      await delay(left);
    }
  }

  /**
   * The differences between the two ends: bytes in transit in both directions, connections that
   * only one end has. Sockets of a program with servers may be connected to each other.
   */
  #balance(state, sockets) {
    const sum = (member) => state.reduce((total, connection) => total + connection[member], 0);
    const open = state.filter(({ closed, ended }) => !closed && !ended).length;
    const connected = sockets.filter((info) => info.connected).length;
    const coming = sum('written') - this.#received;
    const going = this.#sent - sum('received');
    if (this.#server) return [coming + going, open - connected];
    return [coming, going, open - connected];
  }

  /**
   * Waits until no further event happens. That is a condition on both ends: every call that answers
   * has, a round trip through the peers and one through the implementation have brought nothing
   * new, and then a window without any change follows. It is short where both ends agree on all
   * bytes and connections, and longer where they do not, such as with a paused socket.
   */
  async settle() {
    const answered = () => this.#asking === 0 && this.#allAnswered();
    const deadline = now() + TIMEOUT_MS;
    for (;;) {
      if (!(await this.#until(answered, this.#timeout))) this.#timeout = UNANSWERED_MS;
      const { version, state, sockets, tripTime } = await this.#look();
      const balance = this.#balance(state, sockets);
      const text = [...balance, this.#pending.size].join();
      const least = this.#window(balance, text);
      await this.#quiet(Math.max(least, (least / QUIET_MS.balanced) * tripTime));
      const again = await this.#look();
      const same = JSON.stringify(again.state) === JSON.stringify(state);
      if (same && again.version === version) {
        this.#knownBalance = text;
        return again;
      }
      if (now() > deadline) {
        this.#write(-1, 'never quiet');
        return again;
      }
    }
  }

  #window(balance, text) {
    if (balance.every((part) => part === 0) && this.#pending.size === 0) return QUIET_MS.balanced;
    return text === this.#knownBalance ? QUIET_MS.known : QUIET_MS.unbalanced;
  }

  async #look() {
    const start = now();
    const state = await this.#ask('state', []);
    const sockets = await this.#tcp.sockets();
    const servers = await this.#server?.sockets();
    return { version: this.#version, state, sockets, servers, tripTime: now() - start };
  }

  // ---- The program ------------------------------------------------------------------------------

  #showNew(key, slot, text) {
    if (this.#shown.get(key) === text) return;
    this.#shown.set(key, text);
    this.#write(slot, text);
  }

  /** Writes the changes of the sockets of a namespace. */
  #describeSockets({ slots, writer }, infos) {
    const live = new Set();
    for (const info of infos) {
      const slot = slots.get(info.socketId);
      live.add(slot);
      this.#showNew(`socket ${slot}`, slot, `info ${writer.show(info)}`);
    }
    for (const slot of slots.values()) {
      if (!live.has(slot)) this.#showNew(`socket ${slot}`, slot, 'gone');
    }
  }

  /** Writes the changes of the sockets and of the peers. */
  #describe({ state, sockets, servers }) {
    this.#describeSockets(this.#tcp, sockets);
    if (this.#server) this.#describeSockets(this.#server, servers);
    for (const { peer, connection, received, digest: sum, ended } of state) {
      const text = `peer ${peer}.${connection}: ${received} bytes ${sum}${ended ? ` ${ended}` : ''}`;
      this.#showNew(`peer ${peer}.${connection}`, -1, text);
    }
    const numbers = [...this.#pending.values()].sort((one, other) => one - other);
    const pending = numbers.length > 0 ? `unanswered: ${numbers.join(', ')}` : 'all answered';
    this.#showNew('pending', -1, pending);
  }

  async #step({ operations, wait = 'settle' }) {
    const burst = this.#program.mode === 'burst';
    // In a burst, the actions of the peers precede the calls of the turn.
    if (burst) {
      const peers = operations.filter(({ op }) => op === 'peer');
      await Promise.all(peers.map((operation) => this.#askPeer(operation)));
      this.#perform(operations.filter(({ op }) => op !== 'peer'));
    } else {
      this.#perform(operations);
    }
    if (wait === 'turn') {
      await delay(0);
    } else if (wait === 'answers') {
      await this.#until(
        () => this.#allAnswered(),
        this.#program.hangs ? UNANSWERED_MS : TIMEOUT_MS,
      );
    } else {
      const settled = await this.settle();
      if (!burst) this.#describe(settled);
    }
  }

  #closeAll({ api }, sockets) {
    return Promise.all(
      sockets.map(
        ({ socketId }) =>
          new Promise((resolve) => {
            api.close(socketId, () => {
              void this.#runtime.lastError;
              resolve();
            });
          }),
      ),
    );
  }

  /**
   * Closes the remaining sockets and reports the state of the peers. A call without an answer would
   * never get one if its socket were closed first, which ends Chromium's worker: the peers go first
   * then.
   */
  async #finish() {
    this.#hooks = [];
    let { sockets, servers } = await this.settle();
    if (this.#pending.size > 0) {
      this.#write(-1, 'the peers end everything');
      await this.#ask('abort', []);
      await this.#until(
        () => this.#pending.size === 0,
        this.#program.hangs ? TIMEOUT_MS : this.#timeout,
      );
      ({ sockets, servers } = await this.settle());
    }
    // Servers go first: they may still accept.
    if (this.#server) {
      await this.#closeAll(this.#server, servers);
      ({ sockets } = await this.settle());
    }
    await this.#closeAll(this.#tcp, sockets);
    await this.settle();
    const state = await this.#ask('report', []);
    this.#describe({
      state,
      sockets: await this.#tcp.sockets(),
      servers: await this.#server?.sockets(),
    });
  }

  async run() {
    this.#server?.api.onAccept.addListener(this.#learnAccepted);
    for (const event of Object.keys(this.#listeners)) this.#mute({ event, muted: false });
    try {
      for (const [index, step] of this.#program.steps.entries()) {
        this.#write(-1, `step ${index + 1}`);
        await this.#step(step);
      }
      this.#write(-1, 'end');
      await this.#finish();
    } catch (error) {
      this.#write(-1, `FAILED: ${error.stack ?? error}`);
    }
    this.#over = true;
    for (const event of Object.keys(this.#listeners)) this.#mute({ event, muted: true });
    this.#server?.api.onAccept.removeListener(this.#learnAccepted);
    return this.transcript;
  }
}

/**
 * @param {object} program see `generate.mjs`
 * @param {{ ports: number[] }} environment the port of each of the program's peers
 * @param {{ tcp: any, tcpServer: any, runtime: any, ask: (name: string, args: unknown[]) => Promise<any> }} side
 * @returns {Promise<[number, string][]>} the transcript
 */
export function interpret(program, environment, side) {
  return new Run(program, environment, side).run();
}
