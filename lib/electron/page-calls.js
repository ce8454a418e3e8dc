'use strict';

const { isUint32, refuse } = require('./checks.js');
const { NO_SOCKET } = require('./owners.js');

/**
 * @typedef {InstanceType<typeof import('./served-page.js').ServedPage>} Page
 *
 * @typedef {object} Request
 * @property {Page} page
 * @property {number} number The page's number for it.
 * @property {number} bytes How many are kept for it.
 * @property {unknown} [value] The page's result if the call succeeds.
 * @property {string} [failure] The page's error if the call was not attempted.
 * @property {number} [securing] The socket that its failure may have ended.
 * @property {Function} [publishEnd] Called with the code, if there is one.
 */

/** The calls of pages that the native half has not completed yet. */
class PageCalls {
  #native;
  #deliver;
  #attached = false;

  /** @type {Map<number, Request>} */
  #requests = new Map();
  #nextRequest = 0;

  /**
   * @param {import('../native/instance.js').Instance['native']} native
   * @param {import('../renderer/requests.js').Deliver} deliver
   */
  constructor(native, deliver) {
    this.#native = native;
    this.#deliver = deliver;
  }

  /**
   * Registers a call before it is passed to the native half.
   *
   * @param {Page} [page] The page that calls, if there is one.
   * @param {unknown} [number] The page's number for the call.
   * @param {{ bytes?: number }} [kept]
   * @returns {number} The native half's number for it.
   */
  begin(page, number, { bytes = 0 } = {}) {
    if (!page) return this.register();
    if (!isUint32(number)) refuse('the number of a request');
    page.keep(1, bytes);
    return this.register({ page, number: /** @type {number} */ (number), bytes });
  }

  /**
   * @param {Request} [request]
   * @returns {number}
   */
  register(request) {
    if (!this.#attached) {
      this.#native.attach(this.#deliver);
      this.#attached = true;
    }
    const id = this.freeNumbers(1);
    this.#nextRequest = (id + 1) >>> 0;
    if (request) this.#requests.set(id, request);
    return id;
  }

  /**
   * Makes the next numbers ones that no request has: a request may outlast the four billion that
   * follow.
   *
   * @param {number} count
   * @returns {number} The first of `count` numbers, which are those of the next requests.
   */
  freeNumbers(count) {
    for (let free = 0; free < count; free++) {
      const number = (this.#nextRequest + free) >>> 0;
      if (!this.#requests.has(number)) continue;
      this.#nextRequest = (number + 1) >>> 0;
      free = -1;
    }
    return this.#nextRequest;
  }

  /**
   * Answers a call, in its place among the others, without having tried anything.
   *
   * @param {Page} page
   * @param {unknown} request
   * @param {string} failure
   */
  fail(page, request, failure) {
    const number = this.begin(page, request);
    this.note(number, { failure });
    this.#native.close(number, NO_SOCKET);
  }

  /**
   * Keeps the result for the page until the call ends. The page needs credit for it.
   *
   * @param {number} id
   * @param {unknown} value
   */
  keepValue(id, value) {
    const request = /** @type {Request} */ (this.#requests.get(id));
    request.page.reserve(value);
    request.value = value;
  }

  /**
   * @param {number} id
   * @param {Partial<Request>} known
   */
  note(id, known) {
    Object.assign(/** @type {Request} */ (this.#requests.get(id)), known);
  }

  /**
   * @param {number} id
   * @returns {Request | undefined} The call, which is complete.
   */
  take(id) {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    return request;
  }

  /** The native half delivers no more until it is attached again. */
  detached() {
    this.#attached = false;
  }
}

module.exports = { PageCalls };
