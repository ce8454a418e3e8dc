'use strict';

/** Loads the module in a realm of its own, with the globals that jest-environment-jsdom has. */

const { readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const vm = require('node:vm');

class Realm {
  /** As in jsdom, there is no setImmediate, and timers are numbers. */
  #context = vm.createContext({
    Buffer,
    clearTimeout,
    console,
    process,
    queueMicrotask,
    setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ delay) =>
      Number(setTimeout(callback, delay)),
  });

  /** @type {Map<string, { exports: any }>} */
  #modules = new Map();

  /** @param {string} source */
  evaluate(source) {
    return vm.runInContext(source, this.#context);
  }

  /**
   * @param {string} file
   * @returns {any}
   */
  require(file) {
    const loaded = this.#modules.get(file);
    if (loaded) return loaded.exports;
    const module = { exports: {} };
    this.#modules.set(file, module);
    const wrapper = vm.compileFunction(
      readFileSync(file, 'utf8'),
      ['exports', 'require', 'module', '__filename', '__dirname'],
      { filename: file, parsingContext: this.#context },
    );
    const requireFrom = (/** @type {string} */ name) =>
      name.startsWith('.') ? this.require(join(dirname(file), name)) : require(name);
    wrapper.call(module.exports, module.exports, requireFrom, module, file, dirname(file));
    return module.exports;
  }
}

module.exports = { Realm };
