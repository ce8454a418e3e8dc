'use strict';

/** A page's port, as the main process sees it. */
class Port {
  closed = false;
  /** @type {Map<string, (event?: unknown) => void>} */
  #listeners = new Map();

  /** @param {(message: any[]) => void} receive */
  constructor(receive) {
    this.receive = receive;
  }

  /**
   * @param {string} event
   * @param {(event?: any) => void} listener
   */
  on(event, listener) {
    this.#listeners.set(event, listener);
  }

  /** @param {any} message */
  postMessage(message) {
    if (this.closed) throw new Error('a message for a page that was ended');
    this.receive(message);
  }

  start() {}

  close() {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => this.emit('close'));
  }

  /**
   * @param {string} event
   * @param {unknown} [argument]
   */
  emit(event, argument) {
    this.#listeners.get(event)?.(argument);
  }
}

module.exports = { Port };
