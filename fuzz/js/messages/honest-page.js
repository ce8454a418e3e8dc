'use strict';

const { COMPLETE, RECEIVE } = require('../../../lib/base/deliveries.js');
const { Port } = require('./port.js');
const { TIMEOUT, until } = require('./until.js');

/** A well-behaved page beside the hostile ones, which has to be served all the time. */
class HonestPage {
  /** @type {Map<number, (value: any) => void>} */
  #callbacks = new Map();
  #received = 0;
  #requests = 0;
  #echoPort;
  #port = new Port((message) => this.#receive(message));

  /**
   * @param {InstanceType<typeof import('../../../lib/electron/application.js').Application>} application
   * @param {number} echoPort of an echo server
   */
  constructor(application, echoPort) {
    this.#echoPort = echoPort;
    application.addPage(/** @type {any} */ (this.#port));
  }

  /**
   * @param {string} method
   * @param {unknown[]} args
   * @returns {Promise<any>}
   */
  call(method, ...args) {
    const request = (this.#requests += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`an honest page gets no answer to ${method}`)),
        TIMEOUT,
      );
      this.#callbacks.set(request, (value) => {
        clearTimeout(timer);
        this.#callbacks.delete(request);
        resolve(value);
      });
      this.#post([method, request, ...args]);
    });
  }

  /** Fails unless a connection works, and closes the sockets that have outlived their pages. */
  async check() {
    this.#post(['listen', 'onReceive', true]);
    const socketId = await this.call('create');
    const connected = await this.call('connect', socketId, '127.0.0.1', this.#echoPort, 0);
    if (connected !== 0) throw new Error(`an honest page cannot connect: ${connected}`);
    const before = this.#received;
    await this.call('send', socketId, new Uint8Array(1000));
    await until(
      () => this.#received >= before + 1000,
      () => 'an honest page receives no echo',
    );
    await this.call('close', socketId);
    for (const info of await this.call('getSockets')) {
      if (info.persistent) await this.call('close', info.socketId);
    }
    this.#post(['listen', 'onReceive', false]);
  }

  /** @param {unknown[]} call */
  #post(call) {
    this.#port.emit('message', { data: [call] });
  }

  /** @param {any[]} message */
  #receive([kind, id, code, data, value]) {
    // The bytes may belong to other pages' sockets, so they are only counted.
    if (kind === RECEIVE) this.#received += data.byteLength;
    this.#post(['received', 1]);
    if (kind === COMPLETE) this.#callbacks.get(id)?.(value ?? code);
  }
}

module.exports = { HonestPage };
