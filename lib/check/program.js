'use strict';

/** The sources of an application as one program: what they share, and what they use. */

const { dirname, join } = require('node:path').posix;
const { SourceFile } = require('./file.js');
const { parse } = require('./parse.js');
const { Scope } = require('./scopes.js');

/** @typedef {{ path: string, file: string, line: number, column: number }} Use */

/** Rounds of propagation; each carries an alias one assignment further than the source order does. */
const MAX_ROUNDS = 8;

const EXTENSIONS = [
  '',
  '.js',
  '.mjs',
  '.cjs',
  '.ts',
  '.tsx',
  '.jsx',
  '.vue',
  '/index.js',
  '/index.ts',
];

class Program {
  /** The scope that classic scripts share. */
  globalScope = new Scope(undefined, true);
  /** @type {Map<string, InstanceType<typeof SourceFile>>} */
  files = new Map();
  /** @type {Use[]} */
  uses = [];

  /**
   * @param {string} name A path with slashes, relative to the application.
   * @param {string} text
   * @throws {SyntaxError} And RangeError for a text that is nested too deep.
   */
  addFile(name, text) {
    const { program, isModule } = parse(text, name);
    const top = isModule ? new Scope(this.globalScope, true) : this.globalScope;
    this.files.set(name, new SourceFile(this, name, program, top));
  }

  /** @returns {Use[]} */
  findUses() {
    let grown = true;
    for (let round = 0; grown && round < MAX_ROUNDS; round++) {
      grown = false;
      for (const file of this.files.values()) grown = file.propagate() || grown;
    }
    this.uses = [];
    for (const file of this.files.values()) file.collect();
    return this.uses;
  }

  /**
   * @param {string} from The file that imports.
   * @param {unknown} specifier
   * @returns {InstanceType<typeof SourceFile> | undefined}
   */
  resolve(from, specifier) {
    if (typeof specifier !== 'string' || !specifier.startsWith('.')) return undefined;
    const base = join(dirname(from), specifier);
    const extension = EXTENSIONS.find((ending) => this.files.has(base + ending));
    return extension === undefined ? undefined : this.files.get(base + extension);
  }

  /** @returns {string[]} The words by which other files may know the API. */
  get sharedNames() {
    const names = new Set();
    for (const [name, value] of this.globalScope.variables) if (!isPlain(value)) names.add(name);
    for (const { name, exported } of this.files.values()) {
      if (isPlain(exported)) continue;
      names.add(moduleName(name));
      for (const [member, value] of exported.members) if (!isPlain(value)) names.add(member);
    }
    return [...names];
  }
}

/** @param {string} file @returns {string} Its name as others import it. */
function moduleName(file) {
  const parts = file.replace(/\.\w+$/, '').split('/');
  return /** @type {string} */ (
    parts.at(-1) === 'index' ? (parts.at(-2) ?? 'index') : parts.at(-1)
  );
}

/** @param {InstanceType<typeof import('./values.js').Value>} value @returns {boolean} Whether it leads to no API. */
function isPlain(value, depth = 0) {
  if (value.paths.size > 0) return false;
  return depth > 3 || [...value.members.values()].every((member) => isPlain(member, depth + 1));
}

module.exports = { Program };
