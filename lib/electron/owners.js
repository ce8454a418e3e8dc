'use strict';

/** @typedef {InstanceType<typeof import('./served-page.js').ServedPage>} Page */

/** No socket has this id. */
const NO_SOCKET = 0;

/**
 * The owner of each socket of one kind: the page that it ends with. A socket without a page is an
 * orphan, and the first page that uses it adopts it. src/table/orphans.rs does the same for
 * environments.
 */
class Owners {
  /** @type {Map<number, Page | undefined>} */
  #pages = new Map();
  /** @type {Map<Page, Set<number>>} */
  #sockets = new Map();

  /** @returns {IterableIterator<number>} */
  get ids() {
    return this.#pages.keys();
  }

  /** @param {number} socketId */
  has(socketId) {
    return this.#pages.has(socketId);
  }

  /** @param {number} socketId */
  pageOf(socketId) {
    return this.#pages.get(socketId);
  }

  /**
   * A page can name the sockets of its application only.
   *
   * @param {number} socketId As the page names it.
   * @returns {number} {@link NO_SOCKET} if the application has no such socket.
   */
  find(socketId) {
    return this.#pages.has(socketId) ? socketId : NO_SOCKET;
  }

  /**
   * Like {@link find}. The page adopts an orphan.
   *
   * @param {Page} page
   * @param {number} socketId
   * @returns {number}
   */
  adopt(page, socketId) {
    const found = this.find(socketId);
    if (found !== NO_SOCKET && !this.#pages.get(socketId)) this.add(page, socketId);
    return found;
  }

  /**
   * @param {Page} page
   * @param {number} socketId
   */
  add(page, socketId) {
    this.#pages.set(socketId, page);
    const sockets = this.#sockets.get(page);
    if (sockets) sockets.add(socketId);
    else this.#sockets.set(page, new Set([socketId]));
  }

  /** @param {number} socketId */
  delete(socketId) {
    const page = this.#pages.get(socketId);
    this.#pages.delete(socketId);
    if (page) this.#sockets.get(page)?.delete(socketId);
  }

  /**
   * Makes orphans of the sockets of a page that ends.
   *
   * @param {Page} page
   * @returns {Iterable<number>} Their ids.
   */
  orphan(page) {
    const sockets = this.#sockets.get(page) ?? [];
    this.#sockets.delete(page);
    for (const socketId of sockets) this.#pages.set(socketId, undefined);
    return sockets;
  }
}

module.exports = { NO_SOCKET, Owners };
