'use strict';

/** Plays one sequence of the application and its peers, and compares it with the model. */

const { Model, Puzzled, Violation } = require('./model.js');
const { patternAt } = require('./peers.js');

/**
 * @typedef {InstanceType<typeof import('./peers.js').Peers>} Peers
 * @typedef {InstanceType<typeof import('./peers.js').Dial>} Dial
 * @typedef {InstanceType<typeof import('./model.js').ModelSocket>} ModelSocket
 * @typedef {import('./steps.js').Step} Step
 *
 * @typedef {object} Tally
 * @property {number} sequences
 * @property {number} givenUp of these sequences, because the model knew too little
 * @property {number} calls
 * @property {number} sockets
 * @property {number} connections
 * @property {number} received bytes
 * @property {number} states the most that a socket was in
 * @property {Map<string, number>} said what calls and events have said, and how often
 */

/** The data of a send beyond the quota, which is never read. */
const OVER_QUOTA = new Uint8Array(200 * 1024 * 1024 + 1);

const PROMISE_METHODS = new Set([
  'create',
  'update',
  'setPaused',
  'disconnect',
  'close',
  'getInfo',
  'getSockets',
]);

/** The last id of any socket. */
let lastId = 0;

/** @returns {Tally} */
function newTally() {
  return {
    sequences: 0,
    givenUp: 0,
    calls: 0,
    sockets: 0,
    connections: 0,
    received: 0,
    states: 0,
    said: new Map(),
  };
}

class Play {
  #tcp;
  #runtime;
  #peers;
  #tally;
  #model = new Model(lastId);
  /** @type {(() => string)[]} */
  #trace = [];
  /** @type {unknown} */
  #trouble;
  /** @type {Step[][]} */
  #inside = [];
  #pending = 0;
  /** Counts the events. */
  #progress = 0;
  #sends = 0;
  #timeout;

  /**
   * @param {{ tcp: any, runtime: any, peers: Peers }} world
   * @param {Tally} tally
   * @param {number} timeout the time limit for a due result, in milliseconds
   */
  constructor({ tcp, runtime, peers }, tally, timeout) {
    this.#timeout = timeout;
    this.#tcp = tcp;
    this.#runtime = runtime;
    this.#peers = peers;
    this.#tally = tally;
  }

  /**
   * @param {Step[]} steps
   * @returns {Promise<void>} Rejects if the module has not done as the model says.
   */
  async run(steps) {
    const { onReceive, onReceiveError } = this.#tcp;
    this.#peers.begin();
    this.#peers.onProgress = (what) => this.#note(() => `  peer ${what}`);
    this.#peers.onTrouble = (error) => (this.#trouble ??= error);
    onReceive.addListener(this.#onReceive);
    onReceiveError.addListener(this.#onReceiveError);
    try {
      for (const step of steps) {
        this.#check();
        await this.#step(step);
      }
      await this.#finish();
    } catch (error) {
      const explained = this.#explain(error);
      await this.#abandon();
      if (!(error instanceof Puzzled)) throw explained;
      this.#tally.givenUp += 1;
    } finally {
      onReceive.removeListener(this.#onReceive);
      onReceiveError.removeListener(this.#onReceiveError);
      lastId = Math.max(lastId, this.#model.lastId);
      const tally = this.#tally;
      tally.sequences += 1;
      tally.sockets += this.#model.sockets.length - 1;
      tally.connections += this.#peers.dials.filter(({ accepted }) => accepted).length;
      tally.states = Math.max(tally.states, this.#model.widest);
    }
  }

  // ---- Steps -----------------------------------------------------------------------------------

  /** @param {Step} step */
  async #step(step) {
    if (step.do === 'wait') await this.#wait(step);
    else if (step.do === 'inside') this.#inside.push(step.steps);
    else this.#act(step);
  }

  /**
   * A step that takes no time.
   *
   * @param {Step} step
   */
  #act(step) {
    if (step.do === 'call') {
      const socket = step.method === 'create' ? undefined : this.#choose(step.socket);
      if (socket || /create|getSockets/.test(step.method)) this.#call(step, socket);
    } else if (step.do === 'peer') {
      const socket = this.#choose(step.socket);
      const dials = new Set(socket?.states.map(({ dial }) => dial));
      for (const dial of dials) dial?.channel.act(step.what, step.size);
      this.#model.look();
    }
  }

  /** @param {Extract<Step, { do: 'wait' }>} step */
  async #wait({ turns, until }) {
    if (until === 'microtask') {
      await null;
      return;
    }
    const progress = this.#progress;
    for (let count = 0; count < turns; count++) {
      await this.#turn(count);
      if (until === 'something' && this.#progress > progress) return;
    }
    if (until === 'rest') await this.#rest();
  }

  /** @param {number} count of turns before */
  async #turn(count) {
    if (count < 20) await new Promise((resolve) => setImmediate(resolve));
    else await new Promise((resolve) => setTimeout(resolve, 1));
    this.#model.turn();
  }

  /** Waits until no result is due. */
  async #rest() {
    let progress = this.#progress;
    let since = Date.now();
    for (let count = 0; ; count++) {
      this.#check();
      const { owed } = this.#model;
      if (owed === undefined) return;
      await this.#turn(count);
      if (progress !== this.#progress) {
        progress = this.#progress;
        since = Date.now();
      } else if (Date.now() - since > this.#timeout) {
        throw new Violation(`no event in time, although ${owed}`);
      }
    }
  }

  /** @param {number} number */
  #choose(number) {
    if (number >= 98) return this.#model.nobody;
    const known = this.#model.sockets.filter(({ id }) => id !== undefined).slice(1);
    const alive = number < 90 ? known.filter(({ mayExist }) => mayExist) : known;
    return alive[number % alive.length];
  }

  // ---- Calls -----------------------------------------------------------------------------------

  /**
   * @param {Extract<Step, { do: 'call' }>} step
   * @param {ModelSocket | undefined} socket
   */
  #call({ method, with: wanted, promised }, socket) {
    const { args, dial, modelled = args } = this.#arguments(method, wanted);
    const id = socket && method !== 'getSockets' ? [socket.id] : [];
    const call = this.#model.call(method, socket, modelled, { dial });
    const name = `#${call.number} ${method}`;
    this.#note(
      () => `${name}(${brief([...id, ...args])})${call.socket ? ` of ${call.socket}` : ''}`,
    );
    this.#tally.calls += 1;
    this.#pending += 1;
    const answer = (
      /** @type {unknown[]} */ given,
      /** @type {string | undefined} */ lastError,
    ) => {
      this.#pending -= 1;
      this.#count(`${method} ${lastError ?? 'succeeds'}`);
      this.#observe(
        () => `${name} says ${brief(given)}${lastError ? `, ${lastError}` : ''}`,
        () => this.#model.answered(call, given, lastError),
      );
    };
    if (promised && PROMISE_METHODS.has(method)) {
      this.#tcp[method](...id, ...args).then(
        (/** @type {unknown} */ value) => answer(value === undefined ? [] : [value], undefined),
        (/** @type {Error} */ error) => answer([], error.message),
      );
    } else {
      this.#tcp[method](...id, ...args, (/** @type {unknown[]} */ ...given) =>
        answer(given, this.#runtime.lastError?.message),
      );
    }
    if (method === 'secure') this.#prepareSecured(socket, call);
  }

  /**
   * The peers that are going to be spoken to in TLS know it.
   *
   * @param {ModelSocket | undefined} socket
   * @param {object} call
   */
  #prepareSecured(socket, call) {
    for (const { phase, request, dial } of socket?.states ?? []) {
      if (phase === 'securing' && request === call) dial?.willBeSecured();
    }
  }

  /**
   * @param {string} method
   * @param {any} wanted
   * @returns {{ args: any[], modelled?: any[], dial?: Dial }}
   */
  #arguments(method, wanted) {
    switch (method) {
      case 'connect': {
        const dial = this.#peers.dial(wanted);
        const args = [dial.host, dial.port];
        if (wanted.family) args.push(wanted.family);
        return { args, dial };
      }
      case 'send': {
        if (wanted.size > OVER_QUOTA.length - 1) return { args: [OVER_QUOTA] };
        this.#sends += 1;
        const data = patternAt(7 * this.#sends + lastId, wanted.size);
        const whole = new Uint8Array(data).buffer;
        return { args: [wanted.view ? new Uint8Array(whole) : whole], modelled: [data] };
      }
      default:
        return { args: wanted ?? [] };
    }
  }

  // ---- Observations ----------------------------------------------------------------------------

  #onReceive = (/** @type {any} */ info) => {
    this.#count('onReceive');
    this.#tally.received += info.data.byteLength;
    this.#observe(
      () => `onReceive of ${info.socketId}: ${info.data.byteLength} bytes`,
      () => this.#event('onReceive', () => this.#model.received(info)),
    );
  };

  #onReceiveError = (/** @type {any} */ info) => {
    this.#count(`onReceiveError ${info.resultCode}`);
    this.#observe(
      () => `onReceiveError of ${info.socketId}: ${info.resultCode}`,
      () => this.#event('onReceiveError', () => this.#model.receiveFailed(info)),
    );
  };

  /**
   * @param {string} name
   * @param {() => void} check
   */
  #event(name, check) {
    if ('lastError' in this.#runtime) throw new Violation(`lastError is set in ${name}`);
    check();
  }

  /**
   * @param {() => string} line
   * @param {() => void} check
   */
  #observe(line, check) {
    this.#note(line);
    if (this.#trouble) return;
    try {
      check();
      // Some calls are made inside of callbacks and listeners.
      for (const step of this.#inside.shift() ?? []) this.#act(step);
    } catch (error) {
      this.#trouble = error;
    }
  }

  /** @param {string} what */
  #count(what) {
    const { said } = this.#tally;
    said.set(what, (said.get(what) ?? 0) + 1);
  }

  /** @param {() => string} line */
  #note(line) {
    this.#progress += 1;
    this.#trace.push(line);
  }

  #check() {
    if (this.#trouble) throw this.#trouble;
  }

  // ---- The end ---------------------------------------------------------------------------------

  /** Closes everything, and looks whether everything was said and everything has arrived. */
  async #finish() {
    await this.#rest();
    for (const dial of this.#peers.dials) dial.letGo();
    await this.#rest();
    this.#inside = [];
    const all = this.#model.sockets.filter(({ mayExist, id }) => mayExist && id !== undefined);
    const call = (/** @type {string} */ method, /** @type {any} */ socket) =>
      this.#call({ do: 'call', method, socket: 0 }, socket);
    call('getSockets', undefined);
    for (const socket of all) call('getInfo', socket);
    for (const socket of all) call('close', socket);
    await this.#rest();
    call('getSockets', undefined);
    await this.#rest();
    if (this.#pending > 0) throw new Violation(`${this.#pending} calls have not ended`);
    await this.#parted();
    this.#check();
    for (const dial of this.#peers.dials) {
      if (dial.trouble) throw new Violation(`${dial}: ${dial.trouble}`);
    }
  }

  /** Waits until the peers know that the application has ended its connections. */
  async #parted() {
    const until = Date.now() + this.#timeout;
    for (let count = 0; ; count++) {
      this.#check();
      const open = this.#peers.dials.find(({ accepted, closed }) => accepted && !closed);
      if (!open && count > 2) return;
      for (const dial of this.#peers.dials) dial.letGo();
      if (Date.now() > until) throw new Violation(`the connection to ${open} is still open`);
      await this.#turn(count);
    }
  }

  /** Releases everything before the next sequence. */
  async #abandon() {
    this.#trouble ??= true;
    const infos = await this.#tcp.getSockets();
    const closed = infos.map((/** @type {any} */ { socketId }) => this.#tcp.close(socketId));
    for (const dial of this.#peers.dials) dial.vanish(false);
    await Promise.allSettled(closed);
    for (let count = 0; count < 10; count++) await this.#turn(count);
  }

  /** @param {any} error */
  #explain(error) {
    const lines = this.#trace.slice(-120).map((line) => line());
    error.message = `${error.message}\nWhat was done and said, at last:\n${lines.join('\n')}`;
    return error;
  }
}

/** @param {unknown[]} values */
function brief(values) {
  return values
    .map((value) => {
      const { byteLength } = /** @type {any} */ (value ?? {});
      const text = byteLength === undefined ? JSON.stringify(value) : `${byteLength} bytes`;
      return text?.length > 300 ? `${text.slice(0, 300)}…` : text;
    })
    .join(', ');
}

module.exports = { Play, newTally };
