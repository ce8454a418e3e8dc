/** The entries of a transcript in progress, and conditions to wait for. Runs unchanged on both sides. */

import { showBytes } from './writer.mjs';

const TIMEOUT = 5000;

export class Entries {
  #entries = [];
  #checks = new Set();
  #isOver = false;
  #writer;
  #separateChunks;

  /**
   * @param {import('./writer.mjs').Writer} writer
   * @param {boolean} [separateChunks] shows every onReceive by itself, instead of neighbours as one
   */
  constructor(writer, separateChunks = false) {
    this.#writer = writer;
    this.#separateChunks = separateChunks;
  }

  log(...parts) {
    this.#append({ text: parts.join(' ') });
  }

  received(socketId, bytes) {
    const last = this.#entries.at(-1);
    if (last?.received === socketId && !this.#separateChunks && !this.#isOver) {
      last.parts.push(bytes);
      this.#runChecks();
    } else {
      this.#append({ received: socketId, parts: [bytes] });
    }
  }

  /** Waits until an entry makes the condition true. */
  until(condition, description) {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#checks.delete(check);
        reject(new Error(`timed out waiting for ${description}`));
      }, TIMEOUT);
      const check = () => {
        if (!condition()) return;
        this.#checks.delete(check);
        clearTimeout(timer);
        resolve();
      };
      this.#checks.add(check);
    });
  }

  /** Later entries are dropped. */
  end() {
    this.#isOver = true;
  }

  /** The lines of the transcript. */
  lines() {
    return this.#entries.map((entry) => this.#line(entry));
  }

  #append(entry) {
    if (this.#isOver) return;
    this.#entries.push(entry);
    this.#runChecks();
  }

  #runChecks() {
    for (const check of [...this.#checks]) check();
  }

  #line({ text, received, parts }) {
    if (received === undefined) return text;
    const total = parts.reduce((sum, part) => sum + part.length, 0);
    const bytes = new Uint8Array(total);
    let offset = 0;
    for (const part of parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    return `onReceive ${this.#writer.socket(received)} ${showBytes(bytes)}`;
  }
}
