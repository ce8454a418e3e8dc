'use strict';

/**
 * The application under test: performs the commands of the harness with the module and records
 * every call, callback and event. Violations of the API's guarantees are recorded as sentences.
 */

const { readdirSync } = require('node:fs');
const { Intake, UP, bytesOf } = require('./stream.js');
const { happened, obey, until } = require('./remote.js');

/** @type {any} */
let tcp;
/** @type {any} */
let runtime;
/** @type {typeof import('../../entry/stats.js').stats | undefined} */
let stats;

/** The violations so far. @type {string[]} */
const wrong = [];
/** Calls whose callback is still to come: number → method. @type {Map<number, string>} */
const outstanding = new Map();
let calls = 0;

/** One socket and its events. */
class Account {
  /** Of the connection that there is or was last. */
  intake = new Intake();
  /** @type {number[]} */
  errors = [];
  sent = 0;
  closed = false;
  /** The number of `connect()` calls, to recognise late results of an earlier connection. */
  connects = 0;

  /** @param {number} socketId */
  constructor(socketId) {
    this.socketId = socketId;
  }

  /** @param {string} what */
  complain(what) {
    wrong.push(`socket ${this.socketId}: ${what}`);
  }
}

/** @type {Map<number, Account>} */
const accounts = new Map();

/** @param {number} socketId */
function accountOf(socketId) {
  const account = accounts.get(socketId);
  if (!account) throw new Error(`no socket ${socketId}`);
  return account;
}

/**
 * Calls a method and records its callback.
 *
 * @param {string} method
 * @param {unknown[]} args
 * @returns {Promise<{ args: any[], lastError?: string }>}
 */
function call(method, args) {
  const number = calls++;
  outstanding.set(number, method);
  const account = accounts.get(Number(args[0]));
  return new Promise((resolve) => {
    tcp[method](...args, (/** @type {any[]} */ ...given) => {
      const lastError = runtime.lastError?.message;
      if (!outstanding.delete(number)) wrong.push(`${method} called back twice`);
      // A closed socket may only answer that it no longer exists, or with the result of a look-up,
      // which close() does not end.
      const late = method === 'connect' ? 'net::ERR_NAME_NOT_RESOLVED' : undefined;
      if (
        account?.closed &&
        method !== 'close' &&
        ![late, 'Socket not found'].includes(lastError)
      ) {
        account.complain(`${method} called back after close (${given}, ${lastError})`);
      }
      resolve({ args: given, lastError });
      happened();
    });
  });
}

/** @param {any} event */
function onReceive({ socketId, data }) {
  const account = accountOf(socketId);
  if (account.closed) account.complain('onReceive after close');
  if (account.errors.length > 0) account.complain('onReceive after onReceiveError');
  if (data.byteLength === 0) account.complain('onReceive without data');
  account.intake.take(new Uint8Array(data));
  happened();
}

/** @param {any} event */
function onReceiveError({ socketId, resultCode }) {
  const account = accountOf(socketId);
  account.errors.push(resultCode);
  if (account.errors.length > 1) {
    account.complain(`onReceiveError ${account.errors.join(', ')} of one connection`);
  }
  happened();
  const { connects } = account;
  if (!account.closed) {
    void info(socketId).then((state) => {
      if (account.closed || account.connects !== connects) return;
      if (state?.connected) account.complain('is connected after onReceiveError');
      if (!state?.paused) account.complain('is not paused after onReceiveError');
    });
  }
}

/**
 * The result of `getInfo`, which must be consistent.
 *
 * @param {number} socketId
 */
async function info(socketId) {
  const account = accountOf(socketId);
  const { args, lastError } = await call('getInfo', [socketId]);
  const [state] = args;
  if (state === undefined) {
    if (lastError !== 'Socket not found') account.complain(`getInfo: ${lastError}`);
    return undefined;
  }
  const told = ['localAddress', 'localPort', 'peerAddress', 'peerPort'].filter(
    (name) => state[name] !== undefined,
  );
  if (told.length !== (state.connected ? 4 : 0)) {
    account.complain(
      `getInfo: connected ${state.connected}, and ${told.join(', ') || 'no address'}`,
    );
  }
  if (account.closed) account.complain('getInfo knows a closed socket');
  return state;
}

/** @param {string} folder */
const count = (folder) => (process.platform === 'linux' ? readdirSync(folder).length : 0);

/** Connections that are closing keep their descriptors for a bounded time, which `endings` covers. */
function measure() {
  return {
    descriptors: count('/proc/self/fd') - (stats?.().closing ?? 0),
    threads: count('/proc/self/task'),
  };
}

const owed = () => Array.from(outstanding.values(), (method) => `no callback of ${method}`);

obey({
  /** @param {object} [configuration] */
  load(configuration) {
    tcp = require('../../index.js');
    runtime = require('../../entry/runtime.js');
    ({ stats } = require('../../entry/stats.js'));
    if (configuration) require('../../entry/configure.js').configure(configuration);
    tcp.onReceive.addListener(onReceive);
    tcp.onReceiveError.addListener(onReceiveError);
  },

  async create() {
    const { args } = await call('create', [{}]);
    const { socketId } = args[0];
    accounts.set(socketId, new Account(socketId));
    return socketId;
  },

  /**
   * @param {number} socketId
   * @param {string} host
   * @param {number} port
   */
  async connect(socketId, host, port) {
    const account = accountOf(socketId);
    account.connects += 1;
    account.intake = new Intake();
    account.errors = [];
    account.sent = 0;
    const { args, lastError } = await call('connect', [socketId, host, port]);
    // It may have ended in the meantime.
    if (args[0] === 0 && account.errors.length === 0) {
      const state = await info(socketId);
      if (state?.connected && state.peerPort !== port) {
        account.complain(`peerPort ${state.peerPort}`);
      }
    }
    return args.length > 0 ? args[0] : lastError;
  },

  /**
   * @param {string} method
   * @param {...unknown} args
   */
  async call(method, ...args) {
    const { args: given, lastError } = await call(method, args);
    return given.length > 0 ? given[0] : (lastError ?? null);
  },

  info,

  /**
   * Sends the next part of the stream, divided into concurrent sends.
   *
   * @param {number} socketId
   * @param {number} length
   * @param {number} [pieces]
   * @returns {Promise<number[]>} the codes in the order in which they came
   */
  async send(socketId, length, pieces = 1) {
    const account = accountOf(socketId);
    /** @type {number[]} */
    const codes = [];
    const piece = length / pieces;
    const sends = Array.from({ length: pieces }, async () => {
      const data = Uint8Array.from(bytesOf(UP, account.sent, piece)).buffer;
      account.sent += piece;
      const { args, lastError } = await call('send', [socketId, data]);
      const { resultCode, bytesSent } = args[0] ?? { resultCode: lastError };
      codes.push(resultCode);
      if (resultCode === 0 && bytesSent !== piece) {
        account.complain(`send: ${bytesSent} of ${piece} bytes, and no error`);
      }
    });
    await Promise.all(sends);
    return codes;
  },

  /**
   * @param {number} socketId
   * @param {number} length
   */
  async received(socketId, length) {
    const account = accountOf(socketId);
    await until(() => account.intake.length >= length || account.errors.length > 0);
    return account.intake.length;
  },

  /** @param {number} socketId */
  async failed(socketId) {
    const account = accountOf(socketId);
    await until(() => account.errors.length > 0);
    return account.errors[0];
  },

  /** @param {number} socketId */
  summary(socketId) {
    const account = accountOf(socketId);
    return { ...account.intake.summary(), errors: account.errors };
  },

  /** @param {number} socketId */
  async close(socketId) {
    const account = accountOf(socketId);
    const { args, lastError } = await call('close', [socketId]);
    account.closed = true;
    if ((await info(socketId)) !== undefined) account.complain('is there after close');
    return args.length > 0 ? args[0] : (lastError ?? null);
  },

  measure,

  /**
   * Waits until descriptors and threads have their former number; an aborted handshake closes its
   * descriptor a moment later.
   *
   * @param {ReturnType<typeof measure>} before
   * @param {number} timeout
   */
  async settle(before, timeout) {
    const end = Date.now() + timeout;
    let now = measure();
    while (
      (now.descriptors > before.descriptors || now.threads > before.threads) &&
      Date.now() < end
    ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      now = measure();
    }
    return now;
  },

  owed,

  /** Closes all sockets and returns the violations. */
  async finish() {
    for (const { socketId, closed } of [...accounts.values()]) {
      if (!closed && (await info(socketId))) {
        const account = accountOf(socketId);
        await call('close', [socketId]);
        account.closed = true;
      }
    }
    // Pending callbacks of closed sockets fire before this.
    await call('getSockets', []);
    return [...wrong, ...owed()];
  },

  leave() {
    // Disconnects after the answer; this process must then end by itself.
    setImmediate(() => process.disconnect());
  },
});
