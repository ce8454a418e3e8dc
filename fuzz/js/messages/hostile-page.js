'use strict';

const { COMPLETE } = require('../../../lib/base/deliveries.js');
const { Port } = require('./port.js');

const WITHOUT_ANSWER = new Set(['listen', 'received']);

/**
 * The answers to all hostile pages, and violations of the protocol by the main process.
 *
 * @typedef {{ answers: number, problems: Error[] }} Tally
 */

/** A page that posts any message and counts the answers that are due. */
class HostilePage {
  /** Ids for its calls: the sockets it has created, and some that never exist. */
  sockets = [0, -1, 1, 2 ** 31 - 1];
  /** How many answers each request is owed. @type {Map<number, number>} */
  #owed = new Map();
  #unacknowledged = 0;
  #port = new Port((message) => this.#receive(message));
  #tally;

  /**
   * @param {InstanceType<typeof import('../../../lib/electron/application.js').Application>} application
   * @param {Tally} tally
   */
  constructor(application, tally) {
    this.#tally = tally;
    application.addPage(/** @type {any} */ (this.#port));
  }

  get isEnded() {
    return this.#port.closed;
  }

  /** A request that is owed an answer, if there is one. @returns {number | undefined} */
  get owedRequest() {
    return [...this.#owed.keys()][0];
  }

  /**
   * @param {unknown} data
   * @param {InstanceType<typeof Port>[]} [ports]
   */
  post(data, ports) {
    this.#noteOwed(data);
    this.#port.emit('message', { data, ports });
  }

  /** Posts a message that must not be answered, because the page has ended. @param {unknown} data */
  postAfterEnd(data) {
    this.#port.emit('message', { data });
  }

  close() {
    this.#port.emit('close');
  }

  /** A call that acknowledges all received messages, or another one if there are none. */
  acknowledge() {
    const count = this.#unacknowledged;
    this.#unacknowledged = 0;
    return count > 0 ? ['received', count] : ['listen', 'onReceive', true];
  }

  /** @param {any[]} message */
  #receive([kind, id, , , value]) {
    this.#unacknowledged += 1;
    if (kind !== COMPLETE) return;
    this.#tally.answers += 1;
    const left = (this.#owed.get(id) ?? 0) - 1;
    if (left < 0) {
      this.#tally.problems.push(new Error(`request ${id} is answered, but is owed no answer`));
    }
    if (left > 0) this.#owed.set(id, left);
    else this.#owed.delete(id);
    if (typeof value === 'number') this.sockets.push(value);
  }

  /** @param {unknown} calls */
  #noteOwed(calls) {
    if (!Array.isArray(calls)) return;
    for (const call of calls) {
      if (!Array.isArray(call) || WITHOUT_ANSWER.has(call[0])) continue;
      const [method, request, count] = call;
      // An error in these ends the page, which is then owed nothing.
      if (typeof request !== 'number' || (method === 'sendGathered' && !(count <= 100))) continue;
      for (let i = 0; i < (method === 'sendGathered' ? Number(count) : 1); i++) {
        const id = (request + i) >>> 0;
        this.#owed.set(id, (this.#owed.get(id) ?? 0) + 1);
      }
    }
  }
}

module.exports = { HostilePage };
