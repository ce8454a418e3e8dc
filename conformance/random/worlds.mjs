/** The two worlds that run programs, many at a time: a real Chromium, and the module in a child process. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { openWithSockets } from '../../support/chromium.mjs';
import { makeTrustingHome } from '../chromium.mjs';
import { Peers } from './peers.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

/** The driver pings the world if a program has not ended after this many milliseconds. */
const PING_AFTER_MS = 12_000;
/** The time limit of the reply, in milliseconds. */
const PING_TIMEOUT_MS = 4000;
/** A program that has not ended after this many milliseconds is abandoned, even if the world replies. */
const PROGRAM_TIMEOUT_MS = 60_000;

/** The world has stopped answering, with the programs that were running in it. */
export class WorldDied extends Error {}

/** One connection to a performer, over a WebSocket or a channel between processes. */
class Link {
  #send;
  #certificates;
  #runs = new Map();
  #pongs = new Map();
  #count = 0;
  #dead;

  constructor(send, certificates) {
    this.#send = send;
    this.#certificates = certificates;
  }

  get dead() {
    return this.#dead !== undefined;
  }

  take(message) {
    if (message.pong !== undefined) {
      this.#pongs.get(message.pong)?.();
      return;
    }
    const running = this.#runs.get(message.run);
    if (!running) return;
    if (message.transcript) running.resolve(message.transcript);
    else void this.#answer(running.peers, message);
  }

  async #answer(peers, { request, name, args }) {
    let reply;
    try {
      reply = { value: (await peers.perform(name, args)) ?? null };
    } catch (error) {
      reply = { error: error.message };
    }
    if (!this.dead) this.#send({ request, ...reply });
  }

  die(reason) {
    if (this.dead) return;
    this.#dead = new WorldDied(reason);
    for (const { reject } of this.#runs.values()) reject(this.#dead);
  }

  #isAlive() {
    this.#count += 1;
    const ping = this.#count;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), PING_TIMEOUT_MS);
      this.#pongs.set(ping, () => {
        clearTimeout(timer);
        this.#pongs.delete(ping);
        resolve(true);
      });
      this.#send({ ping });
    });
  }

  /** @returns {Promise<[number, string][]>} the transcript; rejects with WorldDied */
  async run(program) {
    if (this.dead) throw this.#dead;
    const peers = await Peers.open(program, this.#certificates);
    this.#count += 1;
    const run = this.#count;
    const timers = [];
    try {
      return await new Promise((resolve, reject) => {
        this.#runs.set(run, { resolve, reject, peers });
        const later = (milliseconds, action) => timers.push(setTimeout(action, milliseconds));
        later(PING_AFTER_MS, async () => {
          if (!(await this.#isAlive())) this.die('no sign of life');
        });
        later(PROGRAM_TIMEOUT_MS, () => resolve([[-1, 'FAILED: did not end in time']]));
        this.#send({ run, program, environment: { ports: peers.ports } });
      });
    } finally {
      for (const timer of timers) clearTimeout(timer);
      this.#runs.delete(run);
      peers.close();
    }
  }
}

/**
 * @typedef {object} World
 * @property {(program: object) => Promise<[number, string][]>} run
 * @property {() => Promise<void>} restart after WorldDied
 * @property {() => Promise<void>} close
 * @property {string} version
 */

/** Restarts a dead world for all waiting programs: one restart at a time. */
function whenDead(isDead, start) {
  let starting;
  return async () => {
    if (isDead()) starting ??= start().finally(() => (starting = undefined));
    await starting;
  };
}

/** One Chromium with the extension. */
async function launch(authorityPath) {
  const directory = mkdtempSync(join(tmpdir(), 'conformance-random-'));
  makeTrustingHome(directory, authorityPath);
  const { context, load } = await openWithSockets({
    directory,
    name: 'random conformance',
    fill: (extension) => {
      for (const file of ['worker.mjs', 'performer.mjs', 'interpret.mjs', 'values.mjs']) {
        cpSync(join(here, file), join(extension, file));
      }
    },
    ready: 'randomConformance',
    env: { ...process.env, HOME: directory },
  });
  return {
    load,
    version: context.browser().version(),
    async close() {
      await context.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** @returns {Promise<World>} */
export async function openChromium({ certificates, authorityPath }) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const address = `ws://127.0.0.1:${server.address().port}`;
  let browser = await launch(authorityPath);
  let link;

  async function start() {
    const connected = once(server, 'connection');
    const worker = await browser.load();
    await worker.evaluate((url) => globalThis.randomConformance.open(url), address);
    const [socket] = await connected;
    const own = new Link((message) => socket.send(JSON.stringify(message)), certificates);
    socket.on('message', (data) => own.take(JSON.parse(data)));
    socket.on('close', () => own.die('the worker ended'));
    link = own;
  }

  /** A worker that ended badly may leave a browser behind that loads no other. */
  async function revive() {
    try {
      await start();
    } catch {
      await browser.close();
      browser = await launch(authorityPath);
      await start();
    }
  }

  await start();
  return {
    version: browser.version,
    run: (program) => link.run(program),
    restart: whenDead(() => link.dead, revive),
    async close() {
      link.die('closed');
      server.close();
      await browser.close();
    },
  };
}

/** @returns {Promise<World>} */
export async function openModule({ certificates, authorityPath, fault }) {
  let child;
  let link;

  async function start() {
    child?.kill('SIGKILL');
    const own = fork(join(here, 'module-host.mjs'), {
      env: { ...process.env, SSL_CERT_FILE: authorityPath, ...(fault && { RANDOM_FAULT: fault }) },
    });
    const ownLink = new Link((message) => own.connected && own.send(message), certificates);
    own.once('exit', (code, signal) => ownLink.die(`the process ended with ${signal ?? code}`));
    await once(own, 'message');
    own.on('message', (message) => ownLink.take(message));
    child = own;
    link = ownLink;
  }

  await start();
  return {
    version: process.version,
    run: (program) => link.run(program),
    restart: whenDead(() => link.dead, start),
    async close() {
      link.die('closed');
      child.kill('SIGKILL');
    },
  };
}
