'use strict';

/** Source text → syntax tree, with @babel/parser, which a tarball of this package holds in `dist/`. */

const { existsSync } = require('node:fs');
const { extname, join } = require('node:path');

/**
 * @typedef {Record<string, any> & { type: string, start: number, end: number }} Node
 *
 * @typedef {object} Parsed
 * @property {Node} program
 * @property {boolean} isModule Whether its top-level names are its own.
 */

const VENDORED = join(__dirname, '..', '..', 'dist', 'babel-parser.js');

const COMMON_JS = /\bmodule\.exports\b|\bexports\.|\brequire\s*\(/;

/** @type {typeof import('@babel/parser') | undefined} */
let parser;

/**
 * @param {string} text
 * @param {string} file Its name tells whether it has types.
 * @returns {Parsed}
 * @throws {SyntaxError}
 */
function parse(text, file) {
  parser ??= require(existsSync(VENDORED) ? VENDORED : '@babel/parser');
  const extension = extname(file);
  const hasTypes = /^\.[cm]?tsx?$/.test(extension) || /<script[^>]* lang=["']?tsx?/.test(text);
  const isTagged = extension !== '.ts' && extension !== '.mts' && extension !== '.cts';
  /** @type {import('@babel/parser').ParserPlugin[]} */
  const plugins = ['decorators-legacy', hasTypes ? 'typescript' : 'flow'];
  if (isTagged) plugins.push('jsx');
  const tree = /** @type {any} */ (parser).parse(text, {
    plugins,
    sourceType: 'unambiguous',
    allowReturnOutsideFunction: true,
    allowAwaitOutsideFunction: true,
    allowUndeclaredExports: true,
    errorRecovery: true,
    tokens: false,
    attachComment: false,
  });
  const { program } = tree;
  const isModule = program.sourceType === 'module' || hasTypes || COMMON_JS.test(text);
  return { program, isModule };
}

/** Members of a node that hold no node. */
const WITHOUT_NODES = new Set(['type', 'start', 'end', 'loc', 'extra', 'errors', 'comments']);

/**
 * @param {Node} node
 * @param {(child: Node) => void} visit
 */
function forEachChild(node, visit) {
  for (const key in node) {
    if (WITHOUT_NODES.has(key)) continue;
    const value = node[key];
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item?.type === 'string') visit(item);
    } else if (typeof value?.type === 'string') {
      visit(value);
    }
  }
}

module.exports = { parse, forEachChild };
