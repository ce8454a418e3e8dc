'use strict';

/**
 * An executable model of `chrome.sockets.tcp`: the expected answer of each call, and the permitted
 * events.
 *
 * Network events become visible only through later answers of the module, so a socket of the model
 * is in every state that the answers so far allow. A call takes each of them to its successors;
 * before each call and each answer, network events may have changed each state
 * ({@link Model#progress}). An answer keeps only the states that it matches. If none remains, the answer is
 * wrong.
 *
 * A state has decided more than it has delivered: `due` holds the undelivered results, in order.
 * The ends of sends that succeed are no part of it until something else depends on them: `sends`
 * are those that have not ended, which may end one after the other at any time.
 *
 * A peer is known completely ({@link import('./peers.js')}): it lives in the same thread.
 */

/** @typedef {InstanceType<typeof import('./peers.js').Dial>} Dial */
/** @typedef {InstanceType<typeof import('./peers.js').Channel>} Channel */

/**
 * @typedef {object} Call
 * @property {number} number
 * @property {string} method
 * @property {any[]} args without id and callback
 * @property {ModelSocket} [socket]
 * @property {number} time
 * @property {boolean} [ended]
 * @property {Map<ModelSocket, true>} [listed] by `getSockets`
 */

/**
 * @typedef {object} Due A decided result that the module has not delivered yet.
 * @property {string} key
 * @property {number} earliest when it may have been decided
 * @property {number} latest
 * @property {Call} [call] it is the end of this call
 * @property {string} [answer] as text
 * @property {object | null} [info] in place of `answer`: the state of the socket
 * @property {number} [error] it is an onReceiveError
 * @property {Ending} [ending] these sends have ended
 * @property {boolean} [opens] it lets data come
 */

/**
 * @typedef {object} Ending Sends of which some have succeeded and the later ones have failed.
 * @property {Send[]} sends that are still to be told
 * @property {number} first the code of the first that fails
 * @property {number} others that of those behind it
 * @property {boolean} mayAllSucceed
 * @property {boolean} mayFail
 * @property {boolean} hasFailed
 *
 * @typedef {object} Send
 * @property {Call} call
 * @property {Channel} channel
 * @property {number} end the place in the stream of the connection where it ends
 */

const NAMES = {
  [-2]: 'FAILED',
  [-9]: 'UNEXPECTED',
  [-3]: 'ABORTED',
  [-15]: 'SOCKET_NOT_CONNECTED',
  [-23]: 'SOCKET_IS_CONNECTED',
  [-100]: 'CONNECTION_CLOSED',
  [-101]: 'CONNECTION_RESET',
  [-102]: 'CONNECTION_REFUSED',
  [-104]: 'CONNECTION_FAILED',
  [-105]: 'NAME_NOT_RESOLVED',
  [-107]: 'SSL_PROTOCOL_ERROR',
  [-113]: 'SSL_VERSION_OR_CIPHER_MISMATCH',
  [-200]: 'CERT_COMMON_NAME_INVALID',
  [-202]: 'CERT_AUTHORITY_INVALID',
};

/** The number of bytes from which on it is certain that they are not a TLS record. */
const RECORD_HEADER = 5;

/** A sequence is abandoned beyond this number of possible states. */
const MAX_STATES = 3000;

const NOT_FOUND = 'Socket not found';

/** Pending sends of all sockets may hold this much. */
const QUOTA = 200 * 1024 * 1024;

/** More than this is never received at once. */
const LARGEST_PIECE = 65_536;

/** The amount of unread plaintext up to which `secure()` is certain to discard it. */
const MAX_DISCARDED = 48 * 1024;

/** Methods whose callback gets no argument on success. */
const METHODS_WITHOUT_RESULT = new Set(['update', 'setPaused', 'disconnect', 'close']);

/** The module has done something that the model does not allow. */
class Violation extends Error {}

/** So little is known of a socket that it is not worth while to go on with the sequence. */
class Puzzled extends Error {}

/** How a call ends: text, so that the order of members counts, too. */
const text = (/** @type {unknown[]} */ args, /** @type {string | undefined} */ lastError) =>
  JSON.stringify([args, lastError ?? null]);

/** @param {Call} call */
function success({ method, args }) {
  if (METHODS_WITHOUT_RESULT.has(method)) return text([], undefined);
  if (method === 'send') {
    return text([{ bytesSent: args[0].length, resultCode: 0 }], undefined);
  }
  return text([0], undefined);
}

/**
 * @param {Call} call
 * @param {number | undefined} code
 * @param {string} [words]
 */
function failure({ method }, code, words = `net::ERR_${NAMES[/** @type {-2} */ (code)]}`) {
  if (code === undefined) return text([], words);
  return text([method === 'send' ? { resultCode: code } : code], words);
}

/** A state in which a socket may be. Never changed, only copied. */
class State {
  exists = true;
  /** @type {'idle' | 'connecting' | 'connected' | 'securing'} */
  phase = 'idle';
  secured = false;
  persistent = false;
  name = '';
  bufferSize = 0;
  paused = false;
  /** The host of the last connect() call. */
  host = '';
  /** @type {{ call: Call, dial: Dial, turn: number }[]} connects whose name is being resolved */
  resolving = [];
  /** @type {Dial | undefined} */
  dial = undefined;
  /** @type {Call | undefined} the connect() or secure() under way */
  request = undefined;
  /** The flag and the host at the time of secure(). */
  pausedBefore = false;
  hostBefore = '';
  /** How much the peer had said when secure() was called, and whether some of that may be left. */
  saidBefore = 0;
  unread = false;
  /** secure() has found the end of the connection, which it reports later. */
  endedBefore = false;
  /** @type {Channel | undefined} the peer's side of the connection: in the clear or encrypted */
  channel = undefined;
  /** Bytes received of this channel. */
  received = 0;
  /** Bytes of the sends accepted for this channel. */
  accepted = 0;
  /** The most bytes that the read in flight may deliver; 0 without one. */
  reading = 0;
  /** A send has failed; the socket stays connected until the peer's data has been received. */
  broken = false;
  /** @type {Send[]} that have not ended, or have and nothing depends on it */
  sends = [];
  /**
   * Answers to options of its TCP socket, which come after those to the other calls of their turn.
   *
   * @type {{ call: Call, answer: string, turn: number }[]}
   */
  options = [];
  /** @type {Due[]} */
  due = [];

  /** @param {Partial<State>} changes */
  with(changes) {
    return Object.assign(Object.create(State.prototype), this, changes);
  }

  get capacity() {
    return this.bufferSize > 0 ? this.bufferSize : 4096;
  }

  get key() {
    const { resolving, sends, options, due, dial, request, channel } = this;
    return [
      this.exists,
      this.phase,
      this.secured,
      this.persistent,
      this.name,
      this.bufferSize,
      this.paused,
      this.host,
      resolving.map(({ call }) => call.number).join(),
      dial?.number,
      request?.number,
      this.pausedBefore,
      this.hostBefore,
      this.saidBefore,
      this.unread,
      this.endedBefore,
      channel?.number,
      this.received,
      this.accepted,
      this.reading,
      this.broken,
      sends.map(({ call }) => call.number).join(),
      options.map(({ call, answer }) => `${call.number} ${answer}`).join(),
      due.map(({ key }) => key).join(),
    ].join('|');
  }

  /** @returns {string} For people. */
  describe() {
    const { phase, sends, options, due, resolving } = this;
    const parts = [this.exists ? phase : 'gone'];
    if (this.secured) parts.push('secured');
    if (this.broken) parts.push('broken');
    if (this.paused) parts.push('paused');
    if (this.reading) parts.push(`reads up to ${this.reading}`);
    if (this.dial) parts.push(`to ${this.dial}, received ${this.received}`);
    if (this.channel) parts.push(`of ${this.channel}`);
    if (sends.length > 0) parts.push(`sends ${sends.map(({ call }) => `#${call.number}`)}`);
    if (resolving.length > 0) parts.push(`resolves ${resolving.map((r) => `#${r.call.number}`)}`);
    if (options.length > 0) parts.push(`sets ${options.map((o) => `#${o.call.number}`)}`);
    if (due.length > 0) parts.push(`due ${due.map(({ key }) => key).join(', then ')}`);
    return parts.join('; ');
  }
}

const GONE = new State().with({ exists: false });

class ModelSocket {
  /** @type {number | undefined} known when create() has called back */
  id = undefined;
  /** @type {State[]} */
  states = [];
  /** Until when, and up to which look, the network's doings are accounted for. */
  seen = 0;
  looked = 0;

  /** @param {number} number */
  constructor(number) {
    this.number = number;
  }

  get mayExist() {
    return this.states.some(({ exists }) => exists);
  }

  toString() {
    return `socket ${this.number}`;
  }
}

class Model {
  /** Counts calls, callbacks and events. */
  #time = 0;
  /** Counts the occasions on which names may have been resolved: never inside of a call. */
  #turn = 0;
  /** Counts the occasions on which the module may have looked at the network. */
  #looked = 0;
  /**
   * Results are delivered in the order in which they are decided: none from before this may follow.
   */
  #told = 0;
  #calls = 0;
  #lastId;
  /** @type {ModelSocket[]} */
  sockets = [];
  /** @type {Map<number, ModelSocket>} */
  #byId = new Map();
  /** The most states that a socket was in. */
  widest = 0;

  /** @param {number} lastId the last that was given before */
  constructor(lastId = 0) {
    this.#lastId = lastId;
    /** The state of an id that no socket ever had. */
    this.nobody = new ModelSocket(0);
    this.nobody.id = 2 ** 31 - 1;
    this.nobody.states = [GONE];
    this.sockets.push(this.nobody);
  }

  get lastId() {
    return this.#lastId;
  }

  // ---- Actions of the application ---------------------------------------------------------------

  /** The event loop has turned. */
  turn() {
    this.#turn += 1;
    this.look();
  }

  /** The next call may find that the network has changed: a send that was gathered is written by it. */
  look() {
    this.#looked += 1;
  }

  /**
   * @param {string} method
   * @param {ModelSocket | undefined} socket
   * @param {any[]} args without id and callback
   * @param {{ dial?: Dial }} [more]
   * @returns {Call}
   */
  call(method, socket, args, { dial } = {}) {
    const call = /** @type {Call} */ ({ number: ++this.#calls, method, args, socket });
    if (method === 'create') {
      call.socket = new ModelSocket(this.sockets.length);
      this.sockets.push(call.socket);
      call.socket.states = [new State()];
    }
    this.#time += 1;
    // secure() looks for plaintext to discard and may find the end.
    if (method === 'secure') this.#looked += 1;
    const concerned = method === 'getSockets' ? this.sockets : [/** @type {any} */ (call.socket)];
    for (const each of concerned) this.progress(each);
    this.#time += 1;
    call.time = this.#time;
    if (method === 'getSockets') call.listed = new Map();
    for (const each of concerned) {
      call.listed?.set(each, true);
      this.#become(
        each,
        each.states.flatMap((/** @type {State} */ state) => this.#successors(state, call, dial)),
      );
      each.seen = this.#time;
    }
    return call;
  }

  /**
   * @param {State} state
   * @param {Call} call
   * @param {Dial | undefined} dial
   * @returns {State[]}
   */
  #successors(state, call, dial) {
    const { method, args } = call;
    const end = (/** @type {State} */ from, /** @type {string} */ answer) =>
      this.#end(from, call, answer);
    const succeed = (/** @type {Partial<State>} */ changes = {}) => [
      end(state.with(changes), success(call)),
    ];
    const fail = (/** @type {number | undefined} */ code, /** @type {string} */ words) => [
      end(state, failure(call, code, words)),
    ];

    if (method === 'getSockets') return [this.#tellInfo(state, call)];
    if (method === 'send' && args[0].length > QUOTA) {
      return fail(undefined, 'Exceeded write quota.');
    }
    if (!state.exists) {
      const code = /^set[KN]/.test(method) ? -2 : method === 'secure' ? -4 : undefined;
      return fail(code, NOT_FOUND);
    }

    switch (method) {
      case 'create':
      case 'update': {
        const { persistent, name, bufferSize } = args[0] ?? {};
        const changes = {
          persistent: persistent ?? state.persistent,
          name: name ?? state.name,
          bufferSize: bufferSize ?? state.bufferSize,
        };
        if (method === 'update') return succeed(changes);
        // The id is checked when the result is delivered.
        return [end(state.with(changes), 'an id')];
      }
      case 'getInfo':
        return [this.#tellInfo(state, call)];
      case 'setPaused':
        return this.#setPaused(state, call);
      case 'setKeepAlive':
      case 'setNoDelay':
        return optionCodes(state, method, args).map((code) => {
          const answer = code === 0 ? success(call) : failure(call, code);
          if (!hasTcpSocket(state)) return end(state, answer);
          const options = [...state.options, { call, answer, turn: this.#turn }];
          return state.with({ options });
        });
      case 'connect':
        return this.#connect(state, call, /** @type {Dial} */ (dial));
      case 'disconnect':
      case 'close': {
        const ended = end(
          this.#cut(state).with({ exists: method === 'disconnect' }),
          success(call),
        );
        return [state.reading ? this.#reportClosed(ended) : ended];
      }
      case 'secure':
        return this.#secure(state, call);
      case 'send':
        return this.#send(state, call);
      default:
        throw new Error(`no method: ${method}`);
    }
  }

  /**
   * @param {State} state
   * @param {Call} call
   */
  #setPaused(state, call) {
    const [paused] = call.args;
    const opens = state.paused && !paused && state.reading === 0;
    const next = this.#end(state.with({ paused }), call, success(call), { opens });
    if (!state.paused || paused) return [next];
    // The connection is with the handshake: the read that begins now finds none.
    if (next.phase === 'securing') return [this.#error(next.with({ paused: true }), -15)];
    const read = this.#read(next);
    // The read that begins here may meet the end at once.
    return read.reading && read.channel?.isAtEnd(read.received)
      ? [read, this.#ended(read)]
      : [read];
  }

  /**
   * @param {State} state
   * @param {Call} call
   * @param {Dial} dial
   */
  #connect(state, call, dial) {
    const next = state.with({ host: dial.canonicalHost });
    if (dial.kind === 'denied') {
      return [this.#end(next, call, failure(call, undefined, 'Does not have permission'))];
    }
    const resolving = [...state.resolving, { call, dial, turn: this.#turn }];
    return [next.with({ resolving })];
  }

  /**
   * @param {State} state
   * @param {Call} call
   */
  #send(state, call) {
    const { channel, phase, broken } = state;
    if (phase !== 'connected' || broken || !channel) {
      return [this.#end(state, call, failure(call, -15))];
    }
    const accepted = state.accepted + call.args[0].length;
    const next = state.with({
      accepted,
      sends: [...state.sends, { call, channel, end: accepted }],
    });
    return channel.gone ? [next, ...this.#writeFailed(next)] : [next];
  }

  /**
   * @param {State} state
   * @param {Call} call
   */
  #secure(state, call) {
    const refuse = (/** @type {string} */ words) => [
      this.#end(state, call, failure(call, -4, words)),
    ];
    if (state.secured) return refuse('Socket must be a connected client TCP socket.');
    const { channel, phase } = state;
    if (phase === 'idle' || phase === 'connecting' || !channel) {
      return refuse('Socket not connected');
    }
    if (phase === 'securing' || state.reading) return [this.#destroy(state, call, -2)];
    // Pending sends delay this. Results of earlier option calls precede theirs.
    const pending = { first: -3, others: -3, mayAllSucceed: false };
    const set = this.#setOptions(state);
    const inTheWay = state.sends.length > 0 ? [this.#endSends(set, pending)] : [];
    const refused = inTheWay.map((each) => this.#destroy(each, call, -2));
    const ready = this.#endSends(state, { mayFail: false });
    const unread = channel.said - state.received;
    const ended = channel.ended || channel.gone;
    const certain = (channel.finished || channel.gone) && unread < MAX_DISCARDED;
    const securing = ready.with({
      phase: 'securing',
      request: call,
      pausedBefore: state.paused,
      hostBefore: state.host,
      saidBefore: channel.said,
      unread: unread >= MAX_DISCARDED || channel.buffered > 0,
      endedBefore: false,
    });
    const failing = ended ? [securing.with({ endedBefore: true })] : [];
    if (certain) return [...refused, ...failing];
    return [...refused, ...failing, securing];
  }

  /**
   * @param {State} state
   * @param {Call} call
   * @param {number} code
   */
  #destroy(state, call, code) {
    const ended = this.#end(this.#cut(state).with({ exists: false }), call, failure(call, code));
    return state.reading ? this.#reportClosed(ended) : ended;
  }

  // ---- Actions of the network -------------------------------------------------------------------

  /**
   * Adds the states into which the network may have moved the socket.
   *
   * @param {ModelSocket} socket
   */
  progress(socket) {
    if (socket.looked === this.#looked) {
      socket.seen = this.#time;
      return;
    }
    socket.looked = this.#looked;
    this.#earliest = socket.seen;
    const found = new Map(socket.states.map((state) => [state.key, state]));
    const left = [...found.values()];
    for (let state = left.pop(); state; state = left.pop()) {
      for (const next of this.#moves(state)) {
        const added = merge(found, next);
        if (added) left.push(added);
      }
      if (found.size > MAX_STATES) throw new Puzzled();
    }
    this.#earliest = undefined;
    socket.states = [...found.values()];
    socket.seen = this.#time;
    this.widest = Math.max(this.widest, socket.states.length);
  }

  /** @type {number | undefined} The earliest time of the next network event. */
  #earliest = undefined;

  /**
   * @param {State} state
   * @returns {State[]}
   */
  #moves(state) {
    const moves = [];
    // Names are resolved some time after the call; addresses in the order of the calls.
    let addresses = 0;
    for (const entry of state.resolving) {
      const { turn, dial } = entry;
      const inOrder = dial.looksUp || addresses++ === 0;
      if (turn < this.#turn && inOrder) moves.push(this.#resolved(state, entry));
    }
    if (state.options.some(({ turn }) => turn < this.#turn)) moves.push(this.#setOptions(state));
    const { phase, channel, dial, request } = state;
    if (phase === 'connecting' && dial && request) {
      const failures = dial.kind === 'refused' ? [-102] : dial.plain.wasReset ? [-15, -101] : [];
      for (const code of failures) {
        const idle = state.with({ phase: 'idle', dial: undefined, request: undefined });
        moves.push(this.#end(idle, request, failure(request, code)));
      }
      if (dial.kind === 'peer') moves.push(this.#connected(state, dial, request));
    }
    if (phase === 'connected' && channel) {
      if (state.reading && channel.isAtEnd(state.received)) moves.push(this.#ended(state));
      if (state.sends.length > 0 && channel.gone) moves.push(...this.#writeFailed(state));
    }
    if (phase === 'securing' && dial && request) {
      for (const code of securingCodes(state, dial, request)) {
        moves.push(code === 0 ? this.#secured(state, dial, request) : this.#refused(state, code));
      }
    }
    return moves;
  }

  /**
   * @param {State} state
   * @param {{ call: Call, dial: Dial }} entry
   */
  #resolved(state, entry) {
    const { call, dial } = entry;
    const next = state.with({ resolving: state.resolving.filter((other) => other !== entry) });
    const fail = (
      /** @type {number | undefined} */ code,
      /** @type {string | undefined} */ words = undefined,
    ) => this.#end(next, call, failure(call, code, words));
    if (dial.kind === 'unresolvable') return fail(-105);
    if (!state.exists) return fail(undefined, NOT_FOUND);
    if (state.secured || state.phase === 'connecting') return fail(-104);
    if (state.phase !== 'idle') return fail(-23);
    return next.with({ phase: 'connecting', dial, request: call });
  }

  /**
   * @param {State} state
   * @param {Dial} dial
   * @param {Call} request
   */
  #connected(state, dial, request) {
    const connected = state.with({
      phase: 'connected',
      request: undefined,
      channel: dial.plain,
      received: 0,
      accepted: 0,
    });
    return this.#read(this.#end(connected, request, success(request), { opens: true }));
  }

  /**
   * @param {State} state
   * @param {Dial} dial
   * @param {Call} request
   */
  #secured(state, dial, request) {
    const secured = state.with({
      phase: 'connected',
      secured: true,
      request: undefined,
      paused: state.pausedBefore,
      channel: dial.encrypted,
      received: 0,
      accepted: 0,
    });
    return this.#end(secured, request, success(request), { opens: true });
  }

  /**
   * @param {State} state
   * @param {number} code
   */
  #refused(state, code) {
    const request = /** @type {Call} */ (state.request);
    state.channel?.noteCut(-1);
    return this.#end(disconnected(state).with({ exists: false }), request, failure(request, code));
  }

  /**
   * The stream has ended: both directions end.
   *
   * @param {State} state
   */
  #ended(state) {
    return this.#reportClosed(disconnected(this.#setOptions(this.#endSends(state, {}))));
  }

  /**
   * A write has failed. Earlier data of the peer is still received.
   *
   * @param {State} state
   */
  #writeFailed(state) {
    const channel = /** @type {Channel} */ (state.channel);
    const failed = this.#endSends(state, { mayAllSucceed: false });
    const cut = disconnected(this.#setOptions(failed));
    const ended = state.reading ? this.#reportClosed(cut) : cut;
    if (channel.said === state.received) return [ended];
    const broken = failed.with({ broken: true });
    return channel.hasUnread(state.received) ? [broken] : [ended, broken];
  }

  // ---- Parts of both ---------------------------------------------------------------------------

  /**
   * All pending sends end.
   *
   * @param {State} state
   * @param {Partial<Ending>} how
   */
  #endSends(state, how) {
    const { sends } = state;
    if (sends.length === 0) return state;
    const ending = {
      ...{ first: -2, others: -15, mayAllSucceed: true, mayFail: true, hasFailed: false },
      ...how,
      sends,
    };
    return this.#owe(state.with({ sends: [] }), { key: keyOf(ending), ending });
  }

  /**
   * The turn of the event loop in which options were set is over, or the connection is.
   *
   * @param {State} state
   */
  #setOptions(state) {
    return state.options.reduce(
      (next, { call, answer }) => this.#end(next, call, answer),
      state.with({ options: [] }),
    );
  }

  /**
   * The application ends the connection, and all pending calls with -3.
   *
   * @param {State} state
   */
  #cut(state) {
    const { request, channel, received } = state;
    channel?.noteCut(received);
    const set = this.#setOptions(state);
    const begun = request ? this.#end(set, request, failure(request, -3)) : set;
    return disconnected(this.#endSends(begun, { first: -3, others: -3 }));
  }

  /** @param {State} state */
  #read(state) {
    if (state.paused || state.reading || state.phase !== 'connected') return state;
    return state.with({ reading: state.capacity });
  }

  /** @param {State} state */
  #reportClosed(state) {
    const told = this.#error(state, -100);
    return state.exists ? told.with({ paused: true }) : told;
  }

  /**
   * @param {State} state
   * @param {number} error
   */
  #error(state, error) {
    return this.#owe(state, { key: `error ${error}`, error });
  }

  /**
   * @param {State} state
   * @param {Call} call
   * @param {string} answer
   * @param {{ opens?: boolean }} [more]
   */
  #end(state, call, answer, more) {
    return this.#owe(state, {
      key: `#${call.number} ${call.method} ${answer}`,
      call,
      answer,
      ...more,
    });
  }

  /**
   * @param {State} state
   * @param {Call} call
   */
  #tellInfo(state, call) {
    const info = state.exists ? infoOf(state) : null;
    return this.#owe(state, {
      key: `#${call.number} ${call.method} ${JSON.stringify(info)}`,
      call,
      info,
    });
  }

  /**
   * @param {State} state
   * @param {Omit<Due, 'earliest' | 'latest'>} what
   */
  #owe(state, what) {
    const earliest = this.#earliest ?? this.#time;
    return state.with({ due: [...state.due, { ...what, earliest, latest: this.#time }] });
  }

  // ---- Answers of the module --------------------------------------------------------------------

  /** @param {ModelSocket} [socket] */
  #listen(socket) {
    this.#time += 1;
    this.turn();
    if (socket) this.progress(socket);
  }

  /**
   * A call has ended.
   *
   * @param {Call} call
   * @param {unknown[]} args of the callback
   * @param {string | undefined} lastError
   */
  answered(call, args, lastError) {
    if (call.ended) throw new Violation(`#${call.number} ${call.method} has ended a second time`);
    call.ended = true;
    const { method } = call;
    if (method === 'getSockets') {
      this.#listed(call, args, lastError);
      return;
    }
    const socket = /** @type {ModelSocket} */ (call.socket);
    this.#listen(socket);
    const said = text(args, lastError);
    if (method === 'create') this.#created(socket, args, said);
    const answer = method === 'create' ? 'an id' : said;
    const fits = (/** @type {Due} */ due) =>
      due.info ? infoText(due, socket, args) === said : due.answer === answer;
    const sent = method === 'send' && said === success(call);
    /** @type {Set<Channel | undefined>} */
    const channels = new Set();
    this.#leave(socket, `${method} ${said.length < 500 ? said : 'something long'}`, (state) => {
      if (sent) return this.#deliverSent(state, call, channels);
      const { ending } = state.due[0] ?? {};
      if (method === 'send' && ending?.sends[0].call === call) {
        channels.add(ending.sends[0].channel);
        return this.#deliverUnsent(state, ending, (code) => failure(call, code) === said);
      }
      return this.#deliver(state, (due) => due.call === call && fits(due));
    });
    if (method === 'getInfo') noteAddresses(socket, args);
    if (method === 'send') noteSend(call, sent, channels);
  }

  /**
   * @param {ModelSocket} socket
   * @param {unknown[]} args
   * @param {string} said
   */
  #created(socket, args, said) {
    const id = /** @type {any} */ (args[0])?.socketId;
    if (said !== text([{ socketId: id }], undefined) || !Number.isInteger(id)) {
      throw new Violation(`create says ${said}`);
    }
    if (id <= this.#lastId) throw new Violation(`the id ${id} comes after ${this.#lastId}`);
    this.#lastId = id;
    socket.id = id;
    this.#byId.set(id, socket);
  }

  /**
   * @param {Call} call
   * @param {unknown[]} args
   * @param {string | undefined} lastError
   */
  #listed(call, args, lastError) {
    this.#listen();
    const [infos] = args;
    if (args.length !== 1 || lastError !== undefined || !Array.isArray(infos)) {
      throw new Violation(`getSockets says ${text(args, lastError)}`);
    }
    const ids = infos.map(({ socketId }) => socketId);
    if (ids.some((id, index) => index > 0 && id <= ids[index - 1])) {
      throw new Violation(`getSockets lists ${ids}, not in the order in which they were made`);
    }
    const strange = ids.find((id) => {
      const socket = this.#byId.get(id);
      return socket === undefined || !call.listed?.has(socket);
    });
    if (strange !== undefined) {
      throw new Violation(`getSockets lists ${strange}, which is not one of its sockets`);
    }
    for (const socket of call.listed?.keys() ?? []) {
      this.progress(socket);
      const own = infos.find(({ socketId }) => socketId === socket.id);
      const said = text(own ? [own] : [], undefined);
      this.#leave(socket, `getSockets ${said}`, (state) => {
        const fits = (/** @type {Due} */ due) =>
          own ? due.info && infoText(due, socket, [own]) === said : !due.info;
        return this.#deliver(state, (due) => due.call === call && Boolean(fits(due)));
      });
      if (own) noteAddresses(socket, [own]);
    }
  }

  /**
   * @param {unknown} info of onReceive
   */
  received(info) {
    const { socketId, data } = /** @type {{ socketId: number, data: ArrayBuffer }} */ (info);
    const socket = this.#byId.get(socketId);
    if (!socket) throw new Violation(`onReceive for ${socketId}, which is not a socket`);
    const members = Object.keys(/** @type {object} */ (info)).join();
    if (members !== 'data,socketId') throw new Violation(`onReceive has the members ${members}`);
    if (Object.prototype.toString.call(data) !== '[object ArrayBuffer]') {
      throw new Violation('onReceive delivers no ArrayBuffer');
    }
    this.#listen(socket);
    const bytes = new Uint8Array(data);
    this.#leave(socket, `onReceive ${bytes.length} bytes`, (state) => {
      const { channel, phase, reading, received } = state;
      if (phase !== 'connected' || !channel) return undefined;
      if (bytes.length === 0 || bytes.length > Math.min(reading, LARGEST_PIECE)) return undefined;
      // The callback of the call that let them come is first.
      if (state.due.some((due) => due.opens)) return undefined;
      const end = received + bytes.length;
      if (!channel.hasSaid(received, bytes)) return undefined;
      // The callback of a send comes before the reply to it.
      const answered = channel.answeredUpTo(end);
      const isAnswered = (/** @type {Send} */ { call, end }) =>
        call.args[0].length > 0 && end <= answered;
      if (answered > 0 && state.sends.some(isAnswered)) return undefined;
      return { state: this.#read(state.with({ received: end, reading: 0 })), earliest: 0 };
    });
  }

  /**
   * @param {unknown} info of onReceiveError
   */
  receiveFailed(info) {
    const { socketId, resultCode } = /** @type {any} */ (info);
    const socket = this.#byId.get(socketId);
    const said = JSON.stringify(info);
    if (!socket) throw new Violation(`onReceiveError ${said} for an unknown socket`);
    if (said !== JSON.stringify({ resultCode, socketId })) {
      throw new Violation(`onReceiveError delivers ${said}`);
    }
    this.#listen(socket);
    this.#leave(socket, `onReceiveError ${resultCode}`, (state) => {
      return this.#deliver(state, ({ error }) => error === resultCode);
    });
  }

  /**
   * Delivers the next due result, if it is the observed one and may be delivered now.
   *
   * @param {State} state
   * @param {(due: Due) => boolean} fits
   */
  #deliver(state, fits) {
    const [due, ...others] = state.due;
    if (!due || !fits(due) || due.latest < this.#told) return undefined;
    return { state: state.with({ due: others }), earliest: due.earliest };
  }

  /**
   * Delivers the success of a send. It may precede due results that were decided later, but not
   * those that were decided before the call.
   *
   * @param {State} state
   * @param {Call} call
   * @param {Set<Channel | undefined>} channels
   */
  #deliverSent(state, call, channels) {
    if (state.due.length > 0 && state.due[0].latest < call.time) return undefined;
    const told = { earliest: call.time };
    const index = state.due.findIndex(({ ending }) => ending);
    if (index < 0) {
      const [send, ...sends] = state.sends;
      if (send?.call !== call) return undefined;
      channels.add(send.channel);
      return { state: state.with({ sends }), ...told };
    }
    const ending = /** @type {Ending} */ (state.due[index].ending);
    const [send, ...sends] = ending.sends;
    if (send.call !== call || ending.hasFailed) return undefined;
    if (sends.length === 0 && !ending.mayAllSucceed) return undefined;
    channels.add(send.channel);
    return { state: withEnding(state, index, { ...ending, sends }), ...told };
  }

  /**
   * Delivers the failure of the next due send.
   *
   * @param {State} state
   * @param {Ending} ending
   * @param {(code: number) => boolean} fits
   */
  #deliverUnsent(state, ending, fits) {
    const { mayFail, hasFailed, first, others, sends } = ending;
    const [{ latest, earliest }] = state.due;
    if (!mayFail || !fits(hasFailed ? others : first) || latest < this.#told) return undefined;
    const left = { ...ending, sends: sends.slice(1), hasFailed: true };
    return { state: withEnding(state, 0, left), earliest };
  }

  /**
   * Keeps the states that match an observation.
   *
   * @param {ModelSocket} socket
   * @param {string} what
   * @param {(state: State) => { state: State, earliest: number } | undefined} fit
   */
  #leave(socket, what, fit) {
    const fitting = socket.states.map(fit).filter((result) => result !== undefined);
    if (fitting.length === 0) {
      const states = socket.states.slice(0, 12).map((state) => `  ${state.describe()}`);
      const told = `results from before ${this.#told} are delivered`;
      throw new Violation(
        `${socket} says ${what} (${told}), but is in one of ${socket.states.length} states:\n${states.join('\n')}`,
      );
    }
    this.#told = Math.max(this.#told, Math.min(...fitting.map(({ earliest }) => earliest)));
    this.#become(
      socket,
      fitting.map(({ state }) => state),
    );
  }

  /**
   * @param {ModelSocket} socket
   * @param {State[]} states
   */
  #become(socket, states) {
    if (states.length < 2) {
      socket.states = states;
      return;
    }
    /** @type {Map<string, State>} */
    const found = new Map();
    for (const state of states) merge(found, state);
    socket.states = [...found.values()];
  }

  /** @returns {string | undefined} A result that is still due in every state. */
  get owed() {
    this.#time += 1;
    for (const socket of this.sockets) {
      this.progress(socket);
      const owed = socket.states.map(owedIn);
      if (!owed.includes(undefined)) return `${socket}: ${owed[0]}`;
    }
    return undefined;
  }
}

/** @param {Ending} ending */
function keyOf({ sends, first, others, mayAllSucceed, mayFail, hasFailed }) {
  const numbers = sends.map(({ call }) => `#${call.number}`);
  const most = mayAllSucceed ? '' : ', not all of which succeed';
  const codes = mayFail
    ? `${hasFailed ? '' : `succeed, then ${first}, then `}${others}`
    : 'succeed';
  return `sends ${numbers.join()}: ${codes}${most}`;
}

/**
 * @param {State} state
 * @param {number} index
 * @param {Ending} ending
 */
function withEnding(state, index, ending) {
  const due = [...state.due];
  if (ending.sends.length === 0) due.splice(index, 1);
  else due[index] = { ...due[index], key: keyOf(ending), ending };
  return state.with({ due });
}

/**
 * Adds a state to others, merging states that differ only in when a result was decided.
 *
 * @param {Map<string, State>} found
 * @param {State} state
 * @returns {State | undefined} The new state, if any.
 */
function merge(found, state) {
  const { key, due } = state;
  const known = found.get(key);
  const isNew = known?.due.some(
    ({ earliest, latest }, index) => due[index].earliest < earliest || due[index].latest > latest,
  );
  if (known && !isNew) return undefined;
  const merged = known
    ? state.with({ due: due.map((each, at) => widen(each, known.due[at])) })
    : state;
  found.set(key, merged);
  return merged;
}

/**
 * @param {Due} due
 * @param {Due} other
 * @returns {Due}
 */
function widen(due, { earliest, latest }) {
  return {
    ...due,
    earliest: Math.min(due.earliest, earliest),
    latest: Math.max(due.latest, latest),
  };
}

/** @param {State} state */
function disconnected(state) {
  return state.with({
    phase: 'idle',
    dial: undefined,
    request: undefined,
    channel: undefined,
    reading: 0,
    broken: false,
    sends: [],
  });
}

/** @param {State} state */
function hasTcpSocket({ phase, secured }) {
  return !secured && (phase === 'connecting' || phase === 'connected');
}

/**
 * @param {State} state
 * @param {string} method
 * @param {any[]} args
 */
function optionCodes({ phase, channel, dial }, method, args) {
  if (phase === 'idle' || phase === 'securing') return [-2];
  const [enable, delay = 0] = args;
  if (method === 'setKeepAlive' && enable && (delay < 0 || delay > 32_767)) return [-2];
  const uncertain = phase === 'connecting' ? dial?.kind !== 'deaf' : channel?.gone;
  return uncertain ? [0, -2] : [0];
}

/**
 * How a handshake may end now.
 *
 * @param {State} state
 * @param {Dial} dial
 * @param {Call} request
 */
function securingCodes({ hostBefore, saidBefore, unread, endedBefore }, dial, request) {
  if (endedBefore) return [-15];
  const { plain, encrypted } = dial;
  const codes = [];
  const { min, max } = request.args[0]?.tlsVersion ?? {};
  // Is found before anything is asked of the peer.
  const verdict = dial.verdict(hostBefore, min);
  if (verdict === -2 || verdict === -9) return [verdict];
  if (min === 'tls1.3' && max === 'tls1.2') return [-107];
  if (encrypted) codes.push(verdict);
  const more = plain.said - saidBefore;
  if (unread || more >= RECORD_HEADER || (encrypted && more > 0)) codes.push(-107);
  const { gone } = plain;
  const ended = plain.ended || encrypted?.ended;
  if (ended || gone) codes.push(-100);
  if (gone) codes.push(-101);
  return codes;
}

/** @param {State} state */
function infoOf(state) {
  const { dial, phase } = state;
  const connected = phase === 'connected' || phase === 'securing';
  return {
    bufferSize: state.bufferSize > 0 ? state.bufferSize : undefined,
    connected,
    localAddress: connected ? 'local' : undefined,
    localPort: connected ? 0 : undefined,
    name: state.name === '' ? undefined : state.name,
    paused: state.paused,
    peerAddress: connected ? dial?.address : undefined,
    peerPort: connected ? dial?.port : undefined,
    persistent: state.persistent,
    dial: connected ? dial?.number : undefined,
  };
}

/**
 * The expected result of getInfo; the local address is taken from the result, because the system
 * chooses it.
 *
 * @param {Due} due
 * @param {ModelSocket} socket
 * @param {unknown[]} args
 */
function infoText(due, socket, args) {
  const { dial, ...info } = /** @type {any} */ (due.info);
  const said = /** @type {any} */ (args[0]) ?? {};
  if (dial !== undefined) {
    info.localAddress = said.localAddress;
    info.localPort = said.localPort;
    const known = socket.states.find((state) => state.dial?.number === dial)?.dial?.ends;
    if (known && (known.address !== said.localAddress || known.port !== said.localPort)) {
      info.localPort = `not ${known.address}:${known.port}`;
    }
  }
  return text([{ ...info, socketId: socket.id }], undefined);
}

/**
 * @param {ModelSocket} socket
 * @param {any[]} args
 */
function noteAddresses({ states }, [info]) {
  if (!info?.connected) return;
  const dials = new Set(states.map(({ dial }) => dial));
  const [dial] = dials;
  if (!dial || dials.size > 1) return;
  if (dial.address === info.peerAddress && dial.port === info.peerPort) {
    dial.ends ??= { address: info.localAddress, port: info.localPort };
  }
}

/**
 * Passes the send to the channel, which checks that the peer gets the data.
 *
 * @param {Call} call
 * @param {boolean} succeeded
 * @param {Set<Channel | undefined>} channels
 */
function noteSend(call, succeeded, channels) {
  const [data] = call.args;
  if (channels.size === 1) {
    const [channel] = channels;
    channel?.noteSend(data, succeeded);
  } else {
    for (const channel of channels) channel?.noteUncertainty();
  }
}

/**
 * A result that is still due in this state, if any.
 *
 * @param {State} state
 */
function owedIn(state) {
  const { options, due, resolving, phase, dial, channel, reading, sends, received } = state;
  if (due.length > 0) return `${due[0].key} is due`;
  if (options.length > 0) return `#${options[0].call.number} ${options[0].call.method} is due`;
  if (resolving.length > 0) return `#${resolving[0].call.number} connect resolves`;
  if (phase === 'connecting' && dial?.kind !== 'deaf') return 'it connects';
  if (phase === 'securing') {
    const { plain, encrypted } = /** @type {Dial} */ (dial);
    const answers =
      encrypted ||
      state.endedBefore ||
      state.hostBefore === '' ||
      plain.ended ||
      plain.gone ||
      plain.said - state.saidBefore >= RECORD_HEADER;
    return answers ? 'it is being secured' : undefined;
  }
  if (phase !== 'connected' || !channel) return undefined;
  if (reading && (channel.ended || channel.gone)) return 'it will meet the end';
  if (reading && channel.said > received) return `${channel.said - received} bytes to receive`;
  if (sends.length > 0 && (channel.takes || channel.gone)) return 'it sends';
  return undefined;
}

module.exports = { Model, ModelSocket, Puzzled, Violation };
