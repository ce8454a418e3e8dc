'use strict';

/**
 * Messages of hostile pages (lib/electron/application.js): any value, in any order, to an application
 * that has real sockets with real peers. Nothing is thrown; a page that is not ended gets each of its
 * answers once; one that is ended gets no more messages; an honest page beside it is served all the
 * time; and in the end nothing is left.
 */

const { readdirSync } = require('node:fs');
const v8 = require('node:v8');
const vm = require('node:vm');
const { Application } = require('../../../lib/electron/application.js');
const { createAuthority } = require('../../../support/certificates.js');
const { MessageGenerator } = require('../messages/generator.js');
const { HonestPage } = require('../messages/honest-page.js');
const { HostilePage } = require('../messages/hostile-page.js');
const { startPeers } = require('../messages/peers.js');
const { Port } = require('../messages/port.js');
const { until } = require('../messages/until.js');

/**
 * @typedef {import('../fuzz.js').Choices} Random
 * @typedef {import('../fuzz.js').Context} Context
 */

/** How much the heap may grow between the beginning, when everything has run, and the end. */
const MAX_GROWTH = 16 * 1024 * 1024;
const WARM_UP = 20_000;

/** The number of messages between two checks of the answers and of the honest page. */
const CHECK_INTERVAL = 1000;

/** Descriptors that stay: the servers' own, the runtime's and the poller's. */
const MAX_DESCRIPTORS_LEFT = 8;

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc');
const descriptors = () => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);

/** Counts warnings in place of printing them. */
class Warnings {
  count = 0;
  #emitWarning = process.emitWarning;

  constructor() {
    process.emitWarning = () => void (this.count += 1);
  }

  stop() {
    process.emitWarning = this.#emitWarning;
  }
}

/** Hostile pages, one after the other, and an honest one. */
class Run {
  // Answers come when the event loop turns.
  batch = 25;
  #warnings = new Warnings();
  #descriptorsAtFirst = descriptors();
  #heapAtFirst = 0;
  #messages = 0;
  #checked = 0;
  #pages = 0;
  #warningsBefore = 0;
  /** @type {import('../messages/hostile-page.js').Tally} */
  #tally = { answers: 0, problems: [] };
  #peers;
  #application;
  #generator;
  #honest;
  #page;

  /**
   * @param {Awaited<ReturnType<typeof startPeers>>} peers
   * @param {string} certificatePem of the authority
   */
  constructor(peers, certificatePem) {
    this.#peers = peers;
    this.#generator = new MessageGenerator([
      ...[0, 1, 80, 65535, -1, 2 ** 31],
      ...peers.ports.flatMap((port) => [port, port, port + 65536]),
    ]);
    this.#application = new Application({
      manifest: { sockets: { tcp: { connect: ['127.0.0.1', '*.0.1', 'localhost', 'a.b'] } } },
      ca: [certificatePem],
      maxSockets: null,
    });
    this.#page = this.#openPage();
    this.#honest = new HonestPage(this.#application, peers.echoPort);
  }

  /**
   * @param {Random} random
   * @param {Context} context
   */
  try(random, { expect }) {
    this.#messages += 1;
    // Its calls may have been performed, and have ended it, in a later turn of the event loop.
    if (this.#page.isEnded) this.#replacePage(random);
    const page = this.#page;
    const data = this.#generator.message(random, page);
    const ports = random.oneIn(100) ? [new Port(() => {})] : random.pick([[], undefined]);
    page.post(data, ports);
    expect(!ports?.some(({ closed }) => !closed), () => 'a port that came along stays open');
    expect(
      this.#warnings.count - this.#warningsBefore === Number(page.isEnded),
      () => 'a page is not ended with one warning',
    );
    if (page.isEnded || !random.oneIn(300)) return;
    page.close();
    this.#replacePage(random);
  }

  /** @param {Context} context */
  async between({ expect }) {
    if (this.#messages < this.#checked + CHECK_INTERVAL) return;
    this.#checked = this.#messages;
    const page = this.#page;
    await until(
      () => {
        if (page.isEnded || page.owedRequest === undefined) return true;
        page.post([page.acknowledge()]);
        return false;
      },
      () => `request ${page.owedRequest} is never answered`,
    );
    await this.#honest.check();
    const [problem] = this.#tally.problems.splice(0);
    expect(!problem, () => String(problem));
    if (this.#heapAtFirst === 0 && this.#messages >= WARM_UP) {
      collectGarbage();
      this.#heapAtFirst = process.memoryUsage().heapUsed;
    }
  }

  async end() {
    this.#page.close();
    await this.#honest.check();
    const left = await this.#honest.call('getSockets');
    if (left.length > 0) throw new Error(`${left.length} sockets are left`);
    this.#application.close();
    this.#warnings.stop();
    this.#peers.close();
    await until(
      () => descriptors() <= this.#descriptorsAtFirst + MAX_DESCRIPTORS_LEFT,
      () => `${descriptors()} descriptors, ${this.#descriptorsAtFirst} at first`,
    );
    collectGarbage();
    const growth = process.memoryUsage().heapUsed - this.#heapAtFirst;
    if (this.#heapAtFirst > 0 && growth > MAX_GROWTH) {
      throw new Error(`the heap has grown by ${growth} bytes`);
    }
  }

  figures() {
    const { answers } = this.#tally;
    return `${this.#pages} pages, ${answers} answers, ${this.#warnings.count} pages ended for their messages`;
  }

  #openPage() {
    this.#pages += 1;
    this.#warningsBefore = this.#warnings.count;
    return new HostilePage(this.#application, this.#tally);
  }

  /** @param {Random} random */
  #replacePage(random) {
    // Messages in transit when the page ended.
    this.#page.postAfterEnd(this.#generator.message(random, this.#page));
    this.#page.postAfterEnd([['create', 1]]);
    this.#page = this.#openPage();
  }
}

/** @type {import('../fuzz.js').Target} */
module.exports = {
  about: 'messages of hostile pages to the main process, with real sockets',
  share: { seconds: 14, inputs: 5_000_000 },

  async start() {
    const authority = await createAuthority();
    const certificate = await authority.issue({ ips: ['127.0.0.1'], names: ['localhost'] });
    return new Run(await startPeers(certificate), authority.certificatePem);
  },
};
