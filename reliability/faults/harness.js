'use strict';

/**
 * Performs one fault with one transport, and checks that, whatever the fault, the received bytes
 * are a prefix of the sent bytes; every callback fires once, and none after close; an error ends a
 * connection once; descriptors and threads return to their former number; the process ends by
 * itself.
 */

const { mkdtempSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { createAuthority } = require('../../support/certificates.js');
const { ADDRESSES, APART, PEER, clockEnvironment, connectEnds, has } = require('./network.js');
const { Remote } = require('./remote.js');
const { DOWN, UP, digestOf } = require('./stream.js');

/** @typedef {'TCP' | 'TLS'} Transport */

/**
 * @typedef {object} Fault
 * @property {string} name
 * @property {Transport[]} [transports] default: both
 * @property {string[]} [needs] requirements, see network.js
 * @property {string | string[]} expected the result that `run` must return, or one of several
 * @property {boolean} [cold] the module is used for the first time when the fault is there already
 * @property {object} [configuration] of the application
 * @property {boolean} [clock] whether the application's clock can be set
 * @property {string} [names] the behaviour of the name server
 * @property {number} [lookUps] how many threads look-ups may leave behind, besides the first
 * @property {(scene: Scene) => Promise<Ends>} [connect] lays the cable in its own way
 * @property {number} [limit] in seconds, for faults that take longer than others
 * @property {(scene: Scene) => Promise<string>} run returns the observations of the application
 */

/** @typedef {Awaited<ReturnType<typeof connectEnds>>} Ends */
/** @typedef {{ found: string, took: number, wrong: string[] }} Result */

/** In seconds. */
const TIMEOUT_SECONDS = 20;

/** The time for immediate effects on a busy machine, in milliseconds. */
const IMMEDIATE_MS = 1000;

/** The peer's name on the name server of a fault. */
const NAME = 'peer.test';
/** And one that it does not know. */
const UNKNOWN = 'unknown.test';

/** A socket of the application, and the peer's end of its connection. */
class Socket {
  /**
   * @param {Scene} scene
   * @param {number} id
   */
  constructor(scene, id) {
    this.scene = scene;
    this.id = id;
    /** Of the peer's connection, if there is one. @type {number | undefined} */
    this.connection = undefined;
    /** Whether the peer writes and reads the streams that both sides know. */
    this.speaksOurs = true;
  }

  /**
   * @param {string} command
   * @param {...unknown} args
   */
  ask(command, ...args) {
    return this.scene.application.ask(command, this.id, ...args);
  }

  /**
   * @param {string} method of the API
   * @param {...unknown} args
   */
  call(method, ...args) {
    return this.scene.application.ask('call', method, this.id, ...args);
  }

  /**
   * @param {string} [host]
   * @param {number} [port]
   * @returns {Promise<number | string>}
   */
  connect(host = this.scene.host, port = this.scene.port) {
    return this.ask('connect', host, port);
  }

  /** @returns {Promise<number | string>} */
  secure() {
    return this.call('secure');
  }

  /**
   * @param {number} length
   * @param {number} [pieces]
   * @returns {Promise<number[]>}
   */
  send(length, pieces) {
    return this.ask('send', length, pieces);
  }

  /** @param {number} length */
  received(length) {
    return this.ask('received', length);
  }

  failed() {
    return this.ask('failed');
  }

  /** @param {boolean} paused */
  pause(paused) {
    return this.call('setPaused', paused);
  }

  close() {
    return this.ask('close');
  }

  /**
   * Sends the peer a command for this connection.
   *
   * @param {string} command
   * @param {...unknown} args
   */
  peer(command, ...args) {
    return this.scene.peer.ask(command, this.connection, ...args);
  }

  /** Whether all sent bytes have arrived, in both directions. */
  async whole() {
    const [here, there] = await Promise.all([this.ask('summary'), this.peer('summary')]);
    return { here, there };
  }
}

/** A folder with the files of a stage, and whose it is. */
const FOLDER = /^chrome-sockets-tcp-faults-(\d+)-/;

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

let scenes = 0;

/** Where one fault is performed. */
class Scene {
  /** @type {Socket[]} */
  sockets = [];
  port = 0;
  #accepted = 0;
  /** The file with the offset of the application's clock. */
  #clock;
  /** @type {(() => unknown)[]} */
  #undo = [];

  /**
   * @param {Fault} fault
   * @param {Transport} transport
   * @param {Stage} stage
   */
  constructor(fault, transport, stage) {
    this.fault = fault;
    this.tls = transport === 'TLS';
    this.stage = stage;
    const apart = stage.apart ? APART : [];
    const node = process.execPath;
    const script = (/** @type {string} */ name) => join(__dirname, `${name}.js`);
    this.#clock = join(stage.folder, `clock-${scenes++}`);
    if (fault.clock) this.setClock('+0');
    const namesHere = fault.names ? ['sh', '-c', stage.namesCommand, 'sh'] : [];
    const environment = process.env;
    this.application = new Remote([...apart, ...namesHere, node, script('application')], {
      ...environment,
      SSL_CERT_FILE: stage.authority,
      ...(fault.clock ? clockEnvironment(this.#clock) : {}),
    });
    this.peer = new Remote([...apart, node, script('peer')], environment);
    this.host = stage.apart ? PEER : '127.0.0.1';
  }

  /** The two ends of the cable. */
  get network() {
    if (!this.ends) throw new Error('there is no network');
    return this.ends;
  }

  /** @param {string} ahead as faketime has it */
  setClock(ahead) {
    writeFileSync(this.#clock, `${ahead}\n`);
  }

  /** @param {() => unknown} action for when all is over, however it ends */
  after(action) {
    this.#undo.push(action);
  }

  /** @returns {Promise<Socket>} one that is not connected */
  async create() {
    const socket = new Socket(this, await this.application.ask('create'));
    this.sockets.push(socket);
    return socket;
  }

  /**
   * @param {{ paused?: boolean, secure?: boolean, host?: string }} [options] `secure`: whether to go
   *   as far as TLS goes
   * @returns {Promise<Socket>} one that is connected
   */
  async open({ paused = false, secure = this.tls, host } = {}) {
    const socket = await this.create();
    if (paused || this.tls) await socket.pause(true);
    const code = await socket.connect(host);
    if (code !== 0) throw new Error(`connect gave ${code}`);
    await this.accept(socket, false);
    if (!secure) return socket;
    const outcome = await socket.secure();
    if (outcome !== 0) throw new Error(`secure gave ${outcome}`);
    await this.peer.ask('accepted', socket.connection);
    if (!paused) await socket.pause(false);
    return socket;
  }

  /**
   * The next connection at the peer is this socket's.
   *
   * @param {Socket} socket
   * @param {boolean} [ready]
   */
  async accept(socket, ready = !this.tls) {
    socket.connection = this.#accepted++;
    await this.peer.ask('accepted', socket.connection, ready);
  }

  /** @param {object} [options] see peer.js */
  listen(options = {}) {
    const secure = this.tls ? this.stage.identity : undefined;
    const host = this.stage.apart ? '0.0.0.0' : this.host;
    return this.peer.ask('listen', host, { secure, ...options });
  }

  async set() {
    if (this.stage.apart) {
      await Promise.all([this.application.ready, this.peer.ready]);
      const { connect = () => connectEnds(this.application.pid, this.peer.pid) } = this.fault;
      this.ends = await connect(this);
    }
    await this.application.ask('load', this.fault.configuration);
    this.port = await this.listen();
    if (this.fault.names) {
      await this.peer.ask('serveNames', PEER, this.fault.names, ADDRESSES.slice().reverse());
    }
    if (!this.fault.cold) await this.#warmUp();
    this.before = await this.application.ask('measure');
  }

  /** Uses the module once, so that its permanent objects do not count as a leak. */
  async #warmUp() {
    const socket = await this.open();
    await socket.send(10);
    await socket.peer('received', 10);
    await socket.peer('write', 10);
    await socket.received(10);
    await socket.close();
    await socket.peer('gone');
    if (this.fault.names) await (await this.create()).connect(UNKNOWN);
    this.sockets = [];
  }

  /** @returns {Promise<string[]>} the errors in the bytes */
  async compare() {
    const wrong = [];
    for (const socket of this.sockets) {
      if (socket.connection === undefined || !socket.speaksOurs) continue;
      const { here, there } = await socket.whole();
      if (here.sha256 !== digestOf(DOWN, here.length) || here.length > there.written) {
        wrong.push(`socket ${socket.id} has received bytes that were not sent`);
      }
      if (there.sha256 !== digestOf(UP, there.length)) {
        wrong.push(`the peer of socket ${socket.id} has received bytes that were not sent`);
      }
    }
    return wrong;
  }

  /** @returns {Promise<string[]>} the errors at the end */
  async finish() {
    const { application } = this;
    const wrong = await application.ask('finish');
    const before = this.before;
    if (before && !this.fault.cold) {
      before.threads += this.fault.lookUps ?? 0;
      const now = await application.ask('settle', before, IMMEDIATE_MS);
      for (const what of ['descriptors', 'threads']) {
        if (now[what] > before[what]) wrong.push(`${what} ${before[what]} → ${now[what]}`);
      }
    }
    await application.ask('leave');
    const left = Date.now();
    const code = await Promise.race([
      application.ended(),
      new Promise((resolve) => setTimeout(resolve, 2 * IMMEDIATE_MS, 'nothing')),
    ]);
    if (code !== 0) wrong.push(`the process ends with ${code}`);
    else if (Date.now() - left > IMMEDIATE_MS) wrong.push('the process does not end at once');
    if (application.output) wrong.push(`it says: ${application.output.split('\n')[0]}`);
    return wrong;
  }

  /** The calls for which the application still waits, if it can report them. */
  async owed() {
    const answer = this.application.hasEnded ? [] : this.application.ask('owed');
    const silent = new Promise((resolve) =>
      setTimeout(resolve, IMMEDIATE_MS, ['it does not answer']),
    );
    return Promise.race([answer, silent]).catch(() => []);
  }

  async strike() {
    for (const undo of this.#undo.reverse()) await undo();
    for (const process of [this.application, this.peer]) {
      if (!process.hasEnded) process.signal('SIGKILL');
      await process.ended();
    }
  }
}

/** Certificates and files that all scenes share. Removed by {@link Stage.close}. */
class Stage {
  /** @returns {Promise<Stage>} */
  static async build() {
    const authority = await createAuthority();
    const identity = await authority.issue({ names: [NAME], ips: [...ADDRESSES, '127.0.0.1'] });
    return new Stage(authority.certificatePem, identity);
  }

  /**
   * @param {string} authority
   * @param {{ chainPem: string, keyPem: string }} identity
   */
  constructor(authority, identity) {
    this.apart = has('namespaces');
    for (const left of readdirSync(tmpdir())) {
      const [, pid] = FOLDER.exec(left) ?? [];
      // A killed run could not remove its folder.
      if (pid && !isRunning(Number(pid))) {
        rmSync(join(tmpdir(), left), { recursive: true, force: true });
      }
    }
    this.folder = mkdtempSync(join(tmpdir(), `chrome-sockets-tcp-faults-${process.pid}-`));
    this.identity = { cert: identity.chainPem, key: identity.keyPem };
    const write = (/** @type {string} */ name, /** @type {string} */ text) => {
      const path = join(this.folder, name);
      writeFileSync(path, text);
      return path;
    };
    this.authority = write('authority.pem', authority);
    const files = [
      [
        '/etc/resolv.conf',
        write('resolv.conf', `nameserver ${PEER}\noptions timeout:1 attempts:1\n`),
      ],
      ['/etc/nsswitch.conf', write('nsswitch.conf', 'hosts: files dns\n')],
    ];
    // In the mount namespace of the application alone.
    const mounts = files.map(([path, file]) => `mount --bind ${file} ${path}`);
    this.namesCommand = [...mounts, 'exec "$@"'].join(' && ');
  }

  /**
   * @param {Fault} fault
   * @param {Transport} transport
   * @returns {Promise<Result>}
   */
  async perform(fault, transport) {
    const scene = new Scene(fault, transport, this);
    /** @type {string[]} */
    const wrong = [];
    let found = '';
    let took = 0;
    const { limit = TIMEOUT_SECONDS } = fault;
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done within ${limit} s`)), limit * 1000);
    });
    const all = async () => {
      await scene.set();
      const begun = performance.now();
      found = await fault.run(scene);
      took = performance.now() - begun;
      wrong.push(...(await scene.compare()));
      wrong.push(...(await scene.finish()));
    };
    try {
      await Promise.race([all(), late]);
    } catch (error) {
      wrong.push(/** @type {Error} */ (error).message.split('\n')[0]);
      wrong.push(...(await scene.owed()));
    } finally {
      clearTimeout(timer);
      await scene.strike();
    }
    const expected = [fault.expected].flat();
    if (wrong.length === 0 && !expected.includes(found)) wrong.push('unexpected');
    return { found, took, wrong };
  }

  close() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { NAME, Scene, Socket, Stage };
