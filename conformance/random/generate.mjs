/**
 * Makes random programs from a seed. A program is plain JSON:
 *
 * - `mode`: `settled` (each step ends when no further event happens) or `burst` (several calls a turn)
 * - `peers`: how each peer behaves: `behaviour`, `tls`, `reading`, `greeting`
 * - `steps`: `operations`, and what to `wait` for afterwards
 * - `hangs`: whether a call may stay without an answer until the peers go
 *
 * Operations: `call` (`method`, `args`, `form`, `then`: what its callback does), `on` (what a
 * listener does at the n-th event), `peer`, `event` (a method of the event object), `mute` and `throw`.
 */

/** mulberry32: a small generator whose sequence is the same everywhere. */
function createRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (below) => Math.floor(next() * below);
  return {
    integer,
    chance: (probability) => next() < probability,
    pick: (list) => list[integer(list.length)],
    /** Picks a key of an object whose values are weights. */
    weighted(weights) {
      const entries = Object.entries(weights).filter(([, weight]) => weight > 0);
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [key, weight] of entries) {
        left -= weight;
        if (left < 0) return key;
      }
      return entries.at(-1)[0];
    },
  };
}

export const BEHAVIOURS = {
  echo: 40,
  silent: 30,
  'closes on data': 7,
  'resets on data': 7,
  'closes when connected': 4,
  'resets when connected': 4,
  // In Chromium it is a matter of chance whether these are connected at all.
  'closes at once': 0.5,
  'resets at once': 0.5,
  refuses: 6,
};

const TLS = {
  good: 40,
  'tls1.2': 12,
  'tls1.3': 8,
  expired: 5,
  'wrong host': 5,
  'unknown authority': 5,
  'asks for a certificate': 3,
  garbage: 6,
  close: 6,
  reset: 6,
  silent: 3,
};

const READING = { always: 80, slowly: 10, never: 10 };

const BUFFER_SIZES = [-1, 0, 1, 64, 1000, 4096, 5000, 65536, 1_000_000];
export const NAMES = ['', 'a', 'name', 'ünïcödé', 'x'.repeat(300)];
const DELAYS = [0, 1, 10, 100, -1, 32767, 32768, 2147483647];
const SEND_SIZES = {
  0: 5,
  1: 15,
  10: 20,
  1000: 20,
  4096: 8,
  5000: 8,
  20000: 8,
  70000: 3,
  307200: 2,
};
export const WRITE_SIZES = {
  1: 15,
  10: 20,
  1000: 20,
  4096: 8,
  4097: 5,
  9000: 10,
  20000: 6,
  60000: 4,
  300000: 2,
};

/** Sends beyond this in one turn may still be waiting when a close of the same turn arrives. */
const SMALL = 16_000;

const HOSTS = {
  '127.0.0.1': 55,
  localhost: 30,
  127.1: 3,
  LOCALHOST: 3,
  'foo.localhost': 3,
  '::1': 2,
  '': 1,
  '[::1]': 1,
  'a..b': 1,
  '256.1.1.1': 1,
};

/** Values of the wrong type, of the wrong kind or at an edge. */
const ODD_VALUES = [
  null,
  true,
  0,
  -1,
  1.5,
  2147483648,
  '1',
  'text',
  [],
  {},
  { unknown: 1 },
  { name: 5 },
  { bufferSize: '1' },
  { bufferSize: 1.5 },
  { persistent: 1 },
  { name: null, bufferSize: { $special: 'undefined' } },
  { tlsVersion: 'tls1.2' },
  { tlsVersion: { min: 1.2 } },
  { bytes: 3 },
  { bytes: 3, as: 'view' },
  { $special: 'undefined' },
  { $special: 'nan' },
  { $special: 'infinity' },
  { $special: '-0' },
  { $special: 'bigint' },
  { $special: 'symbol' },
  { $special: 'function' },
  { $special: 'date' },
  { $special: 'boxed' },
  { $special: 'sharedBuffer' },
  { $special: 'throwingName' },
];

/** A method that gives promises without a callback. */
export const PROMISING = [
  'create',
  'update',
  'setPaused',
  'disconnect',
  'close',
  'getInfo',
  'getSockets',
];

const TLS_OPTIONS = [
  { $special: 'undefined' },
  null,
  {},
  { tlsVersion: {} },
  { tlsVersion: { min: 'tls1.2' } },
  { tlsVersion: { min: 'tls1.3' } },
  { tlsVersion: { max: 'tls1.2' } },
  { tlsVersion: { min: 'tls1.2', max: 'tls1.3' } },
  { tlsVersion: { min: 'tls1.3', max: 'tls1.2' } },
  { tlsVersion: { min: 'tls1', max: 'tls1.1' } },
  { tlsVersion: { min: 'bogus', max: '' } },
];

/** Actions of peers that take a step of their own in burst mode. */
const APART = ['end', 'reset', 'pause', 'resume'];

/** Calls that are answered in their order, in which a turn cannot overtake another. */
const IMMEDIATE = ['update', 'setPaused', 'getInfo', 'getSockets'];

const isImmediate = ({ method, then }) => IMMEDIATE.includes(method) && then === undefined;

/** The presumed state of a socket of a program, used only to choose the next step. */
export class Slot {
  created = false;
  connected = false;
  paused = false;
  secured = false;
  closed = false;
  /** A call may stay without an answer: closing now would lose its callback in Chromium. */
  stuck = false;
  connecting = false;
  /** Bytes sent in the turn. */
  sent = 0;
  peer = 0;
}

export class Generator {
  random;
  mode;
  peers = [];
  slots = [];
  steps = [];
  hangs = false;
  /** Data in this program is little: a buffer of a few bytes makes an event of every few bytes. */
  little = false;

  constructor(random) {
    this.random = random;
  }

  program() {
    const random = this.random;
    this.mode = random.chance(0.6) ? 'settled' : 'burst';
    this.little = random.chance(0.3);
    const count = Number(random.weighted({ 1: 45, 2: 30, 3: 15, 4: 10 }));
    for (let index = 0; index < count; index += 1) this.peers.push(this.peer());
    for (let index = 0; index < count; index += 1) this.prelude();
    const steps = 3 + random.integer(this.mode === 'settled' ? 10 : 6);
    for (let index = 0; index < steps; index += 1) this.step();
    return { mode: this.mode, hangs: this.hangs, peers: this.peers, steps: this.steps };
  }

  peer() {
    const random = this.random;
    const behaviour = random.weighted(BEHAVIOURS);
    const tls = random.weighted(TLS);
    const reading = random.weighted(READING);
    const greeting = random.chance(0.2) ? this.size(WRITE_SIZES) : 0;
    if (tls === 'silent' || reading === 'never') this.hangs = true;
    return { behaviour, tls, reading, greeting };
  }

  size(weights) {
    const size = Number(this.random.weighted(weights));
    return this.little ? Math.min(size, 1000) : size;
  }

  // ---- Steps ------------------------------------------------------------------------------------

  /** Most programs begin with sockets that are connected. */
  prelude() {
    const random = this.random;
    const index = this.slots.length;
    const push = (operation) => this.steps.push({ operations: [operation], wait: 'settle' });
    push(this.create());
    if (random.chance(0.1)) return;
    if (random.chance(0.4)) push(this.setPaused(index, true));
    push(this.connect(index, index));
    this.endTurn();
    if (this.slots[index].paused && random.chance(0.35)) {
      push(this.secure(index));
      this.endTurn();
    }
  }

  step() {
    if (this.mode === 'settled') {
      this.steps.push({ operations: [this.operation(0)], wait: 'settle' });
      this.endTurn();
    } else {
      this.burst();
    }
  }

  /**
   * Several calls in a turn. A peer may write just before, but it ends its connection in a step of its
   * own: which of the calls are still in time would be a matter of chance.
   */
  burst() {
    const random = this.random;
    const count = 1 + random.integer(5);
    const operations = [];
    for (let index = 0; index < count; index += 1) {
      const operation = this.operation(0);
      if (APART.includes(operation.action)) {
        this.steps.push({ operations: [operation], wait: 'settle' });
      } else {
        operations.push(operation);
      }
    }
    // The actions of a callback would race with slower answers.
    const goesOn = operations.some(({ then }) => then !== undefined);
    const kept = goesOn
      ? operations.filter(({ method }) => IMMEDIATE.includes(method))
      : operations;
    this.push(kept);
  }

  push(operations) {
    if (operations.length === 0) return;
    const waits = { settle: 60, answers: 25, turn: operations.every(isImmediate) ? 15 : 0 };
    const wait = this.random.weighted(waits);
    if (wait !== 'turn') this.endTurn();
    this.steps.push({ operations, wait });
  }

  endTurn() {
    for (const slot of this.slots) {
      slot.sent = 0;
      slot.connecting = false;
    }
  }

  pickSlot() {
    const random = this.random;
    const open = this.slots.flatMap(({ closed }, index) => (closed ? [] : [index]));
    if (open.length > 0 && random.chance(0.93)) return random.pick(open);
    return random.integer(this.slots.length);
  }

  /**
   * @param {number} depth the depth of nested callbacks
   * @param {boolean} isLast of the callback's actions
   */
  operation(depth, isLast = true) {
    const index = this.pickSlot();
    const slot = this.slots[index];
    const kind = this.random.weighted(this.weights(slot, depth));
    return this.make(kind, index, depth, isLast);
  }

  weights(slot, depth) {
    const { connected, paused, secured, closed, stuck, sent, connecting } = slot;
    const risky = stuck || sent > SMALL || (depth > 0 && (connecting || this.sendsMuch()));
    const top = depth === 0;
    return {
      send: connected ? 22 : 3,
      setPaused: 13,
      update: 8,
      getInfo: 5,
      getSockets: 3,
      setKeepAlive: connected ? 4 : 1,
      setNoDelay: connected ? 4 : 1,
      connect: connected || connecting ? 2 : 10,
      disconnect: risky ? 0 : 6,
      close: risky ? 0 : closed ? 1 : 5,
      secure:
        risky || (!top && this.mode === 'burst') ? 0 : connected && paused && !secured ? 12 : 1,
      create: top && this.slots.length < 6 ? 3 : 0,
      odd: 6,
      unknown: 1,
      peerWrite: top ? 14 : 2,
      peerEnd: top ? 4 : 1,
      peerReset: top ? 4 : 1,
      peerPause: top ? 2 : 0,
      peerResume: top ? 2 : 0,
      on: top && this.mode === 'settled' ? 6 : 0,
      mute: top ? 1 : 0,
      event: 1,
      throw: top ? 0 : 2,
    };
  }

  sendsMuch() {
    return this.slots.some(({ sent }) => sent > SMALL);
  }

  make(kind, index, depth, isLast) {
    const random = this.random;
    const peer = this.slots[index].peer;
    switch (kind) {
      case 'create':
        return this.create();
      case 'connect':
        return this.goOn(this.connect(index, this.anyPeer(index)), depth, isLast);
      case 'setPaused':
        return this.goOn(this.setPaused(index, random.chance(0.5)), depth, isLast);
      case 'secure':
        return this.goOn(this.secure(index), depth, isLast);
      case 'odd':
        return this.odd(index);
      case 'unknown':
        return this.unknown();
      case 'peerWrite': {
        const length = this.size(WRITE_SIZES);
        return { op: 'peer', peer, action: 'write', args: [length, random.integer(251)] };
      }
      case 'peerEnd':
      case 'peerReset':
      case 'peerResume':
        return { op: 'peer', peer, action: kind.slice(4).toLowerCase() };
      case 'peerPause':
        this.hangs = true;
        return { op: 'peer', peer, action: 'pause' };
      case 'on':
        return this.on(index);
      case 'mute':
        return { op: 'mute', event: this.event(), muted: random.chance(0.5) };
      case 'event':
        return this.eventMethod();
      case 'throw':
        return { op: 'throw' };
      default:
        return this.goOn(this.simple(kind, index), depth, isLast);
    }
  }

  // ---- Calls ------------------------------------------------------------------------------------

  call(method, args) {
    const form =
      PROMISING.includes(method) && this.random.chance(0.25) ? { form: 'promise' } : undefined;
    return { op: 'call', method, args, ...form };
  }

  /** Sometimes the callback goes on. Of its calls only the last may go on: chains would race. */
  goOn(operation, depth, isLast = true) {
    const random = this.random;
    if (depth >= 2 || !isLast || !random.chance(depth === 0 ? 0.18 : 0.1)) return operation;
    // Callbacks of different kinds come in an order of chance.
    if (this.mode === 'burst' && !isImmediate(operation)) return operation;
    return { ...operation, then: this.several(depth + 1) };
  }

  /** The actions of a callback or a listener. */
  several(depth) {
    const count = 1 + this.random.integer(3);
    return Array.from({ length: count }, (_, index) => this.operation(depth, index === count - 1));
  }

  properties() {
    const random = this.random;
    const properties = {};
    if (random.chance(0.3)) properties.persistent = random.chance(0.5);
    if (random.chance(0.4)) properties.name = random.pick(NAMES);
    if (random.chance(0.5)) {
      const sizes = BUFFER_SIZES.filter((size) => this.little || size <= 0 || size > 64);
      properties.bufferSize = random.pick(sizes);
    }
    return properties;
  }

  create() {
    const random = this.random;
    const slot = new Slot();
    slot.created = true;
    slot.peer = this.slots.length % this.peers.length;
    this.slots.push(slot);
    const args = random.chance(0.3) ? [] : [this.properties()];
    return { ...this.call('create', args), slot: this.slots.length - 1 };
  }

  anyPeer(index) {
    return this.random.chance(0.8)
      ? this.slots[index].peer
      : this.random.integer(this.peers.length);
  }

  connect(index, peer) {
    const random = this.random;
    const slot = this.slots[index];
    const host = random.weighted(HOSTS);
    const port = random.chance(0.96)
      ? { $port: peer }
      : random.pick([0, 65536, { $port: peer, turns: 1 }]);
    const args = [{ $socket: index }, host, port];
    if (random.chance(0.1)) args.push(random.pick(['any', 'ipv4', 'ipv6', null]));
    slot.connecting = true;
    slot.peer = peer;
    const { behaviour } = this.peers[peer];
    if (behaviour !== 'refuses' && !slot.closed) slot.connected = true;
    return this.call('connect', args);
  }

  setPaused(index, paused) {
    this.slots[index].paused = paused;
    return this.call('setPaused', [{ $socket: index }, paused]);
  }

  secure(index) {
    const random = this.random;
    const slot = this.slots[index];
    slot.stuck = true;
    if (slot.paused && slot.connected) slot.secured = true;
    const args = [{ $socket: index }];
    if (random.chance(0.5)) args.push(random.pick(TLS_OPTIONS));
    return this.call('secure', args);
  }

  simple(method, index) {
    const random = this.random;
    const slot = this.slots[index];
    const id = { $socket: index };
    switch (method) {
      case 'send': {
        const bytes = this.size(SEND_SIZES);
        slot.sent += bytes;
        if (bytes > SMALL && this.peers[slot.peer]?.reading === 'never') slot.stuck = true;
        const as = random.weighted({ buffer: 80, view: 12, dataView: 8 });
        return this.call(method, [id, { bytes, first: random.integer(251), as }]);
      }
      case 'update':
        return this.call(method, [id, this.properties()]);
      case 'setKeepAlive':
        return this.call(method, [
          id,
          random.chance(0.7),
          ...(random.chance(0.6) ? [random.pick(DELAYS)] : []),
        ]);
      case 'setNoDelay':
        return this.call(method, [id, random.chance(0.5)]);
      case 'disconnect':
        slot.connected = false;
        return this.call(method, [id]);
      case 'close':
        slot.closed = true;
        slot.connected = false;
        return this.call(method, [id]);
      case 'getSockets':
        return this.call(method, []);
      default:
        return this.call(method, [id]);
    }
  }

  /** A valid call in which one argument is odd, missing or too many. */
  odd(index) {
    const random = this.random;
    const id = { $socket: index };
    const shapes = {
      create: [{}],
      update: [id, {}],
      setPaused: [id, false],
      setKeepAlive: [id, true, 0],
      setNoDelay: [id, true],
      // A mistaken port or host must not lead outside.
      connect: [NO_SOCKET, '127.0.0.1', 1, 'ipv4'],
      disconnect: [NO_SOCKET],
      secure: [NO_SOCKET, {}],
      send: [id, { bytes: 1 }],
      close: [NO_SOCKET],
      getInfo: [id],
      getSockets: [],
    };
    const method = random.pick(Object.keys(shapes));
    const args = this.withOddValue(shapes[method]);
    const created = method === 'create' ? { slot: this.oddSlot() } : undefined;
    return { op: 'call', method, args, ...created };
  }

  /** Arguments of which one is odd, missing or too many. */
  withOddValue(valid) {
    const random = this.random;
    const args = [...valid];
    const place = random.integer(args.length + 1);
    if (random.chance(0.15)) args.splice(place, 1);
    else if (random.chance(0.2)) args.splice(place, 0, random.pick(ODD_VALUES));
    else args[Math.min(place, Math.max(0, args.length - 1))] = random.pick(ODD_VALUES);
    return args;
  }

  /** A socket that an odd call may make takes a slot of its own, which nothing else uses. */
  oddSlot() {
    return 10 + this.random.integer(1000);
  }

  unknown() {
    const random = this.random;
    const id = random.pick([NO_SOCKET, 0, -1, -2147483648]);
    const calls = {
      update: [id, {}],
      setPaused: [id, true],
      setKeepAlive: [id, true],
      setNoDelay: [id, true],
      connect: [id, '127.0.0.1', 1],
      disconnect: [id],
      secure: [id],
      send: [id, { bytes: 5 }],
      close: [id],
      getInfo: [id],
    };
    const method = random.pick(Object.keys(calls));
    return this.call(method, calls[method]);
  }

  // ---- Events -----------------------------------------------------------------------------------

  event() {
    return this.random.pick(['onReceive', 'onReceiveError']);
  }

  on(index) {
    const random = this.random;
    const then = this.several(1);
    const event = random.chance(0.75) ? 'onReceive' : 'onReceiveError';
    return { op: 'on', event, slot: index, nth: 1 + random.integer(2), then };
  }

  eventMethod() {
    const random = this.random;
    const method = random.weighted({
      addListener: 3,
      removeListener: 2,
      hasListener: 3,
      dispatch: 1,
    });
    // A function would stay, for the programs that run beside this one.
    const values = ODD_VALUES.filter((value) => value?.$special !== 'function');
    if (method === 'dispatch') return { op: 'event', event: this.event(), method, args: [{}] };
    const args = random.chance(0.2) ? [] : [random.pick(values)];
    return { op: 'event', event: this.event(), method, args };
  }
}

export const NO_SOCKET = 987_654_321;

/** The random numbers of one program of a seed's sequence. */
export const randomOf = (seed, index) =>
  createRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));

/** @returns {object} the program with this number of this seed's sequence */
export const generate = (seed, index) => new Generator(randomOf(seed, index)).program();
