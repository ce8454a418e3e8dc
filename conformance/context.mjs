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
  /** The numbers of sockets of each namespace may coincide in Chromium. */
  #sockets = { tcp: new Map(), tcpServer: new Map() };
  #ports;

  constructor(ports) {
    this.#ports = new Map(Object.entries(ports).map(([name, port]) => [port, name]));
  }

  socket(id, space = 'tcp') {
    return this.#sockets[space].get(id) ?? String(id);
  }

  learnSocket(id, space = 'tcp') {
    const sockets = this.#sockets[space];
    if (!sockets.has(id)) {
      sockets.set(id, `${space === 'tcp' ? '#' : 'server #'}${sockets.size + 1}`);
    }
  }

  learnPort(port, name) {
    if (!this.#ports.has(port)) this.#ports.set(port, name);
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

  #member(key, value, space) {
    if (key === 'socketId' && typeof value === 'number') return this.socket(value, space);
    if (key === 'localPort' && Number.isInteger(value) && value > 1023 && value < 65536) {
      return '<local port>';
    }
    if (key === 'peerPort' && value > 1023 && this.#portName(value) === undefined) {
      return '<peer port>';
    }
    return this.show(value, space);
  }

  show(value, space = 'tcp') {
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
        return value === null ? 'null' : this.#object(value, space);
      default:
        return String(value);
    }
  }

  #object(value, space) {
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
    if (Array.isArray(value)) return `[${value.map((item) => this.show(item, space)).join(', ')}]`;
    const prototype = Object.getPrototypeOf(value);
    const kind =
      prototype === Object.prototype ? '' : `${prototype?.constructor.name ?? 'null prototype'} `;
    const members = Object.entries(value).map(
      ([key, member]) => `${key}: ${this.#member(key, member, space)}`,
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
 * @param {{ tcp: any, tcpServer: any, runtime: any, ask: (name: string, args: unknown[]) => Promise<any>,
 *   withoutCrowd?: boolean }} side
 *   `withoutCrowd`: `crowd()` makes no calls
 * @returns {Promise<string[]>} the transcript
 */
export async function perform(scenario, environment, side) {
  const { tcp, tcpServer, runtime, ask, withoutCrowd = false } = side;
  if (scenario.needs && !(scenario.needs in ArrayBuffer.prototype)) {
    return [`${IMPOSSIBLE}there is no ArrayBuffer.prototype.${scenario.needs}`];
  }
  const writer = new Writer(environment.ports);
  const show = (value) => writer.show(value);
  const entries = [];
  const waiting = new Set();
  const sockets = new Map();
  const servers = new Map();
  let calls = 0;
  let over = false;

  const stateOf = (id) => {
    if (!sockets.has(id)) sockets.set(id, { received: 0, events: 0, errors: 0 });
    return sockets.get(id);
  };

  const serverOf = (id) => {
    if (!servers.has(id)) servers.set(id, { accepted: [], errors: 0 });
    return servers.get(id);
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

  function onAccept(info) {
    const { socketId, clientSocketId, ...others } = info;
    writer.learnSocket(clientSocketId);
    stateOf(clientSocketId);
    serverOf(socketId).accepted.push(clientSocketId);
    const more = Object.keys(others).length > 0 ? ` ${show(others)}` : '';
    const client = writer.socket(clientSocketId);
    append({ text: `onAccept ${writer.socket(socketId, 'tcpServer')}: ${client}${more}` });
  }

  function onAcceptError(info) {
    serverOf(info.socketId).errors += 1;
    append({
      text: `onAcceptError ${writer.socket(info.socketId, 'tcpServer')} ${info.resultCode}`,
    });
  }

  /** The message of lastError, as a transcript shows it. */
  const lastError = () => {
    const error = runtime.lastError;
    return error === undefined ? '' : `, lastError ${show(error.message)}`;
  };

  function showArguments(space, args) {
    const known = space === 'tcp' ? sockets : servers;
    return args
      .map((value, index) =>
        index === 0 && known.has(value) ? writer.socket(value, space) : show(value),
      )
      .join(', ');
  }

  function learn(method, value, space = 'tcp') {
    if (method === 'create' && value !== undefined) {
      writer.learnSocket(value.socketId, space);
      if (space === 'tcp') stateOf(value.socketId);
      else serverOf(value.socketId);
    }
  }

  /**
   * Calls a method with a callback; the transcript shows the call and, later, the callback. The
   * promise is fulfilled when the callback has run, never if it never does.
   */
  function invoke(space, method, args) {
    calls += 1;
    const label = space === 'tcp' ? `${calls} ${method}` : `${calls} ${space}.${method}`;
    log(`${label}(${showArguments(space, args)})`);
    return new Promise((resolve) => {
      const callback = (...results) => {
        learn(method, results[0], space);
        const shown = results.map((value) => writer.show(value, space)).join(', ');
        log(`${label}: called back (${shown})${lastError()}`);
        resolve({ value: results[0], error: runtime.lastError?.message });
      };
      try {
        const api = space === 'tcp' ? tcp : tcpServer;
        const returned = api[method](...args, callback);
        if (returned !== undefined) log(`${label}: returned ${show(returned)}`);
      } catch (error) {
        log(`${label}: threw ${show(error)}`);
        resolve({ threw: error });
      }
    });
  }

  const call = (method, ...args) => invoke('tcp', method, args);

  /** The same for a method of `tcpServer`. */
  const serve = (method, ...args) => invoke('tcpServer', method, args);

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

  /** A server socket, without a trace in the transcript. */
  async function createServer(properties = {}) {
    const info = await new Promise((resolve) => tcpServer.create(properties, resolve));
    learn('create', info, 'tcpServer');
    return info.socketId;
  }

  /** A listening socket and its port, without a trace in the transcript unless listening failed. */
  async function openServer({ properties, address = '127.0.0.1', port = 0, backlog } = {}) {
    const id = await createServer(properties);
    const options = backlog === undefined ? [] : [backlog];
    await new Promise((resolve) =>
      tcpServer.listen(id, address, port, ...options, (code) => {
        if (runtime.lastError) log(`openServer: ${runtime.lastError.message}`);
        else if (code !== 0) log(`openServer: listen gave ${show(code)}`);
        resolve();
      }),
    );
    return { id, port: await portOf(id) };
  }

  /** The port of a listening socket, which the transcript shows by its name from now on. */
  async function portOf(id) {
    const info = await new Promise((resolve) => tcpServer.getInfo(id, resolve));
    writer.learnPort(info.localPort, writer.socket(id, 'tcpServer'));
    return info.localPort;
  }

  const encode = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer;

  const context = {
    tcp,
    tcpServer,
    runtime,
    host: '127.0.0.1',
    port: environment.ports.main,
    ports: environment.ports,
    parameters: scenario.parameters,
    log,
    show,
    call,
    serve,
    attempt,
    expectCallback,
    create,
    open,
    createServer,
    openServer,
    portOf,
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
    /** Waits for the server socket's n-th onAccept; the accepted socket. */
    accepted: async (id, count = 1) => {
      await until(() => serverOf(id).accepted.length >= count, `connection ${count} of a server`);
      return serverOf(id).accepted[count - 1];
    },
    /** Waits for the server socket's n-th onAcceptError. */
    acceptFailed: (id, count = 1) =>
      until(() => serverOf(id).errors >= count, `onAcceptError of a server`),
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
    tcpServer?.onAccept.addListener(onAccept);
    tcpServer?.onAcceptError.addListener(onAcceptError);
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
  tcpServer?.onAccept.removeListener(onAccept);
  tcpServer?.onAcceptError.removeListener(onAcceptError);
  const allSockets = (api = tcp) => new Promise((resolve) => api.getSockets(resolve));
  for (const api of [tcpServer, tcp].filter(Boolean)) {
    const left = await allSockets(api);
    await Promise.all(
      left.map(({ socketId }) => new Promise((resolve) => api.close(socketId, resolve))),
    );
  }
  // The end of a socket that was reading is told behind the callback of its close.
  await allSockets();

  return entries.map(render);
}
