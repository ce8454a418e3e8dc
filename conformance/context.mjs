/**
 * What a scenario's `run` gets, and the keeping of its transcript. This file runs unchanged inside
 * Chromium's service worker and in Node, so it may use nothing that only one of them has.
 */

const LATE = 5000;
const AFTERMATH = 40;
const LONGEST_TEXT = 120;

const delay = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** FNV-1a: enough to tell two byte strings apart in a transcript. */
function digest(bytes) {
  let hash = 0x811c9dc5;
  for (const byte of bytes) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, '0');
}

function showBytes(bytes) {
  if (bytes.length > LONGEST_TEXT) {
    return `${bytes.length} bytes, digest ${digest(bytes)}`;
  }
  return `${bytes.length} bytes ${JSON.stringify(String.fromCharCode(...bytes))}`;
}

/** Writes values the way both sides must agree on, with what differs by chance named instead. */
class Writer {
  #sockets = new Map();
  #ports;

  constructor(ports) {
    this.#ports = new Map(Object.entries(ports).map(([name, port]) => [port, name]));
  }

  socket(id) {
    return this.#sockets.get(id) ?? String(id);
  }

  learnSocket(id) {
    if (!this.#sockets.has(id)) {
      this.#sockets.set(id, `#${this.#sockets.size + 1}`);
    }
  }

  #portName(port) {
    const name = this.#ports.get(port);
    return name === undefined ? undefined : name === 'main' ? '<port>' : `<port of ${name}>`;
  }

  #number(value) {
    if (Object.is(value, -0)) return '-0';
    for (const turn of [0, 65536, -65536]) {
      const name = this.#portName(value - turn);
      if (name !== undefined) {
        return turn === 0 ? name : `${name} ${turn < 0 ? '-' : '+'} 65536`;
      }
    }
    return String(value);
  }

  #member(key, value) {
    if (key === 'socketId' && typeof value === 'number') return this.socket(value);
    if (key === 'localPort' && Number.isInteger(value) && value > 1023 && value < 65536) {
      return '<local port>';
    }
    return this.show(value);
  }

  show(value) {
    switch (typeof value) {
      case 'number':
        return this.#number(value);
      case 'string':
        return value.length > 2 * LONGEST_TEXT
          ? `${JSON.stringify(value.slice(0, 20))}… ${value.length} characters`
          : JSON.stringify(value);
      case 'bigint':
        return `${value}n`;
      case 'function':
        return `function ${value.name}`;
      case 'object':
        return value === null ? 'null' : this.#object(value);
      default:
        return String(value);
    }
  }

  #object(value) {
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (value instanceof ArrayBuffer) {
      // A detached buffer has no bytes, and making a view of it throws.
      const bytes = value.byteLength === 0 ? [] : new Uint8Array(value);
      return `ArrayBuffer, ${showBytes(bytes)}`;
    }
    if (ArrayBuffer.isView(value)) {
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      return `${value.constructor.name}, ${showBytes(bytes)}`;
    }
    if (value instanceof Promise) return 'a promise';
    if (Array.isArray(value)) return `[${value.map((item) => this.show(item)).join(', ')}]`;
    const prototype = Object.getPrototypeOf(value);
    const kind =
      prototype === Object.prototype ? '' : `${prototype?.constructor.name ?? 'null prototype'} `;
    const members = Object.entries(value).map(
      ([key, member]) => `${key}: ${this.#member(key, member)}`,
    );
    return `${kind}{${members.join(', ')}}`;
  }
}

/** How the transcript of a scenario begins that cannot be performed here. */
export const IMPOSSIBLE = 'not performed: ';

/**
 * @param {{ run: Function, needs?: string, parameters?: unknown, events?: boolean,
 *   chunks?: boolean }} scenario
 *   `needs` is a method of ArrayBuffer that older engines lack; `events: false` leaves the transcript without onReceive and onReceiveError; `chunks: true`
 *   shows every onReceive by itself, instead of neighbours as one
 * @param {{ ports: Record<string, number> }} environment
 * @param {{ tcp: any, runtime: any, ask: (name: string, args: unknown[]) => Promise<any>,
 *   withoutCrowd?: boolean }} side
 *   `withoutCrowd`: `crowd()` makes no calls
 * @returns {Promise<string[]>} the transcript
 */
export async function perform(scenario, environment, side) {
  const { tcp, runtime, ask, withoutCrowd = false } = side;
  if (scenario.needs && !(scenario.needs in ArrayBuffer.prototype)) {
    return [`${IMPOSSIBLE}there is no ArrayBuffer.prototype.${scenario.needs}`];
  }
  const writer = new Writer(environment.ports);
  const show = (value) => writer.show(value);
  const entries = [];
  const waiting = new Set();
  const sockets = new Map();
  let calls = 0;
  let over = false;

  const stateOf = (id) => {
    if (!sockets.has(id)) sockets.set(id, { received: 0, events: 0, errors: 0 });
    return sockets.get(id);
  };

  function render(entry) {
    if (entry.received === undefined) return entry.text;
    const total = entry.parts.reduce((sum, part) => sum + part.length, 0);
    const bytes = new Uint8Array(total);
    let offset = 0;
    for (const part of entry.parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    return `onReceive ${writer.socket(entry.received)} ${showBytes(bytes)}`;
  }

  function append(entry) {
    if (over) return;
    const last = entries.at(-1);
    if (entry.received !== undefined && last?.received === entry.received && !scenario.chunks) {
      last.parts.push(...entry.parts);
    } else {
      entries.push(entry);
    }
    for (const check of [...waiting]) check();
  }

  const log = (...parts) => append({ text: parts.join(' ') });

  function until(condition, what) {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(check);
        reject(new Error(`waited in vain for ${what}`));
      }, LATE);
      const check = () => {
        if (!condition()) return;
        waiting.delete(check);
        clearTimeout(timer);
        resolve();
      };
      waiting.add(check);
    });
  }

  function onReceive(info) {
    const state = stateOf(info.socketId);
    const bytes = new Uint8Array(info.data);
    state.received += bytes.length;
    state.events += 1;
    append({ received: info.socketId, parts: [bytes] });
  }

  function onReceiveError(info) {
    stateOf(info.socketId).errors += 1;
    append({ text: `onReceiveError ${writer.socket(info.socketId)} ${info.resultCode}` });
  }

  /** The message of lastError, as a transcript shows it. */
  const lastError = () => {
    const error = runtime.lastError;
    return error === undefined ? '' : `, lastError ${show(error.message)}`;
  };

  function showArguments(method, args) {
    return args
      .map((value, index) =>
        index === 0 && sockets.has(value) ? writer.socket(value) : show(value),
      )
      .join(', ');
  }

  function learn(method, value) {
    if (method === 'create' && value !== undefined) {
      writer.learnSocket(value.socketId);
      stateOf(value.socketId);
    }
  }

  /**
   * Calls a method with a callback; the transcript shows the call and, later, the callback. The
   * promise is fulfilled when the callback has run, never if it never does.
   */
  function call(method, ...args) {
    calls += 1;
    const label = `${calls} ${method}`;
    log(`${label}(${showArguments(method, args)})`);
    return new Promise((resolve) => {
      const callback = (...results) => {
        learn(method, results[0]);
        log(`${label}: called back (${results.map(show).join(', ')})${lastError()}`);
        resolve({ value: results[0], error: runtime.lastError?.message });
      };
      try {
        const returned = tcp[method](...args, callback);
        if (returned !== undefined) log(`${label}: returned ${show(returned)}`);
      } catch (error) {
        log(`${label}: threw ${show(error)}`);
        resolve({ threw: error });
      }
    });
  }

  /**
   * Runs a function and shows what came of it: returned, threw, and what a returned promise
   * became. For calls that `call` cannot express.
   */
  async function attempt(label, action) {
    let returned;
    try {
      returned = action();
    } catch (error) {
      log(`${label}: threw ${show(error)}`);
      return undefined;
    }
    log(`${label}: returned ${show(returned)}`);
    if (!(returned instanceof Promise)) return returned;
    try {
      const value = await returned;
      if (value?.socketId !== undefined) learn('create', value);
      log(`${label}: fulfilled with ${show(value)}`);
      return value;
    } catch (error) {
      log(`${label}: rejected with ${show(error)}, lastError ${show(runtime.lastError)}`);
      return undefined;
    }
  }

  /** A callback that shows its arguments and lastError under a label, and a promise of it. */
  function expectCallback(label) {
    let resolve;
    const promise = new Promise((settle) => (resolve = settle));
    const callback = (...results) => {
      learn('create', results[0]?.socketId === undefined ? undefined : results[0]);
      log(`${label}: called back (${results.map(show).join(', ')})${lastError()}`);
      resolve(results[0]);
    };
    return Object.assign(callback, { promise });
  }

  async function create(properties = {}) {
    const info = await new Promise((resolve) => tcp.create(properties, resolve));
    learn('create', info);
    return info.socketId;
  }

  /** A connected socket, without a trace in the transcript unless connecting failed. */
  async function open({ properties, paused = false, host = '127.0.0.1', port } = {}) {
    const id = await create(properties);
    if (paused) await new Promise((resolve) => tcp.setPaused(id, true, resolve));
    const code = await new Promise((resolve) =>
      tcp.connect(id, host, port ?? environment.ports.main, (result) => {
        if (runtime.lastError) log(`open: ${runtime.lastError.message}`);
        resolve(result);
      }),
    );
    if (code !== 0) log(`open: connect gave ${show(code)}`);
    return id;
  }

  const encode = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer;

  const context = {
    tcp,
    runtime,
    host: '127.0.0.1',
    port: environment.ports.main,
    ports: environment.ports,
    parameters: scenario.parameters,
    log,
    show,
    call,
    attempt,
    expectCallback,
    create,
    open,
    bytes: encode,
    /** n bytes of a pattern that the peer's `receivedPattern` knows. */
    pattern: (length) => Uint8Array.from({ length }, (_, index) => index % 251).buffer,
    text: (buffer) => String.fromCharCode(...new Uint8Array(buffer)),
    lastError,
    until,
    /** Waits until the socket's onReceive events have brought so many bytes in total. */
    received: (id, total) =>
      until(() => stateOf(id).received >= total, `${total} bytes on ${writer.socket(id)}`),
    /** Waits for the socket's n-th onReceiveError. */
    failed: (id, count = 1) =>
      until(() => stateOf(id).errors >= count, `onReceiveError of ${writer.socket(id)}`),
    stateOf,
    /** Lets a bounded time pass, only ever to show that nothing more happens. */
    quiet: (milliseconds = 100) => delay(milliseconds),
    turn: () => delay(0),
    /**
     * Makes many calls that matter to nobody, so that Chromium gets what the scenario calls next
     * in the same turn as one batch, without anything of its own happening in between.
     */
    crowd() {
      if (withoutCrowd) return;
      for (let count = 0; count < 1000; count += 1) tcp.getSockets(() => {});
    },
    /** Has the peer do something, or waits for something at the peer. */
    ask: (name, ...args) => ask(name, args),
    /** The same, with the answer in the transcript. */
    report: async (name, ...args) => {
      const answer = await ask(name, args);
      log(`peer: ${name}: ${show(answer)}`);
      return answer;
    },
  };

  if (scenario.events !== false) {
    tcp.onReceive.addListener(onReceive);
    tcp.onReceiveError.addListener(onReceiveError);
  }
  try {
    await scenario.run(context);
    await delay(AFTERMATH);
  } catch (error) {
    log(`FAILED: ${error}`);
  }
  over = true;
  tcp.onReceive.removeListener(onReceive);
  tcp.onReceiveError.removeListener(onReceiveError);
  const allSockets = () => new Promise((resolve) => tcp.getSockets(resolve));
  const left = await allSockets();
  await Promise.all(
    left.map(({ socketId }) => new Promise((resolve) => tcp.close(socketId, resolve))),
  );
  // The end of a socket that was reading is told behind the callback of its close.
  await allSockets();

  return entries.map(render);
}
