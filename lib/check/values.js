'use strict';

/**
 * The possible values of an expression: paths of the API (`chrome.sockets`), objects with such members,
 * and functions. A variable has one value for the whole of the program, the union of everything that is
 * assigned to it.
 */

/** Bounds of a union, which end loops such as `x = x.next`. */
const MAX_SEGMENTS = 7;
const MAX_PATHS = 12;
const MAX_DEPTH = 6;
const MAX_MEMBERS = 500;

class Value {
  /** @type {Set<string>} */
  paths = new Set();
  /** @type {Map<string, Value>} */
  members = new Map();
  /** @type {Set<any>} */
  functions = new Set();

  /** @param {...string} paths */
  constructor(...paths) {
    for (const path of paths) this.paths.add(path);
  }

  get isEmpty() {
    return this.paths.size === 0 && this.members.size === 0 && this.functions.size === 0;
  }

  /**
   * @param {string} name
   * @returns {Value} The member of this name, for assignments to it.
   */
  memberFor(name) {
    let member = this.members.get(name);
    if (!member) {
      member = new Value();
      if (this.members.size < MAX_MEMBERS) this.members.set(name, member);
    }
    return member;
  }

  /**
   * @param {Value} source
   * @param {number} [depth]
   * @returns {boolean} Whether this value has grown.
   */
  add(source, depth = 0) {
    if (source === this || source.isEmpty || depth > MAX_DEPTH) return false;
    let grown = false;
    for (const path of source.paths) {
      if (this.paths.has(path) || this.paths.size >= MAX_PATHS) continue;
      this.paths.add(path);
      grown = true;
    }
    for (const node of source.functions) {
      if (this.functions.has(node) || this.functions.size >= MAX_PATHS) continue;
      this.functions.add(node);
      grown = true;
    }
    for (const [name, member] of source.members) {
      const own = this.members.get(name);
      if (own) {
        grown = own.add(member, depth + 1) || grown;
      } else if (!member.isEmpty && this.members.size < MAX_MEMBERS) {
        // Shared, as the objects themselves are.
        this.members.set(name, member);
        grown = true;
      }
    }
    return grown;
  }
}

const EMPTY = new Value();

/**
 * @param {Value} left
 * @param {Value} right
 * @param {string} [operator] `&&` gives its right side where the left one is an object.
 * @returns {Value}
 */
function union(left, right, operator) {
  if (right.isEmpty) return operator === '&&' ? EMPTY : left;
  if (left.isEmpty || operator === '&&') return right;
  const value = new Value();
  value.add(left);
  value.add(right);
  return value;
}

/** The names of the globals that lead to the API. */
const ROOTS = new Map([
  ['chrome', 'chrome'],
  ['chromise', 'chrome'],
  ['chromep', 'chrome'],
  ['nw', 'nw'],
]);

/** Stands for the global object. */
const GLOBAL = '(global)';

const GLOBAL_NAMES = ['window', 'self', 'globalThis', 'global', 'top', 'parent'];

/** Constructors of a promised `chrome`. */
const WRAPPERS = ['ChromePromise', 'ChromeApi'];

/**
 * @param {string} path
 * @param {string} name
 * @returns {string | undefined} The path of a member.
 */
function memberPath(path, name) {
  // `chrome.promise` is what several libraries call their promised `chrome`.
  if (path === 'chrome' && name === 'promise') return path;
  return path.split('.').length < MAX_SEGMENTS ? `${path}.${name}` : undefined;
}

module.exports = { EMPTY, Value, union, GLOBAL, GLOBAL_NAMES, ROOTS, WRAPPERS, memberPath };
