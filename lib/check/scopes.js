'use strict';

/** The scopes of a file and the variables that are declared in them. */

const { forEachChild } = require('./parse.js');
const { Value } = require('./values.js');

/** @typedef {import('./parse.js').Node} Node */

class Scope {
  /** @type {Map<string, InstanceType<typeof Value>>} */
  variables = new Map();

  /**
   * @param {Scope | undefined} parent
   * @param {boolean} isFunction Whether `var` declares here.
   */
  constructor(parent, isFunction) {
    this.parent = parent;
    this.isFunction = isFunction;
  }

  /** @param {string} name @returns {InstanceType<typeof Value>} */
  declare(name) {
    let variable = this.variables.get(name);
    if (!variable) this.variables.set(name, (variable = new Value()));
    return variable;
  }

  /** @param {string} name @returns {InstanceType<typeof Value> | undefined} */
  find(name) {
    return this.variables.get(name) ?? this.parent?.find(name);
  }

  /** @returns {Scope} */
  get functionScope() {
    return this.isFunction || !this.parent ? this : this.parent.functionScope;
  }
}

const BLOCKS = new Set([
  'BlockStatement',
  'CatchClause',
  'ForInStatement',
  'ForOfStatement',
  'ForStatement',
  'StaticBlock',
  'SwitchStatement',
]);

const isFunction = (/** @type {Node} */ { type }) =>
  type === 'FunctionDeclaration' ||
  type === 'FunctionExpression' ||
  type === 'ArrowFunctionExpression' ||
  type === 'ObjectMethod' ||
  type === 'ClassMethod' ||
  type === 'ClassPrivateMethod';

/**
 * @param {Node | null} pattern
 * @param {(name: string) => void} declare
 */
function declarePattern(pattern, declare) {
  switch (pattern?.type) {
    case 'Identifier':
      declare(pattern.name);
      break;
    case 'ObjectPattern':
      for (const property of pattern.properties) {
        declarePattern(property.value ?? property.argument, declare);
      }
      break;
    case 'ArrayPattern':
      for (const element of pattern.elements) declarePattern(element, declare);
      break;
    case 'AssignmentPattern':
      declarePattern(pattern.left, declare);
      break;
    case 'RestElement':
      declarePattern(pattern.argument, declare);
      break;
  }
}

/**
 * @param {Node} program
 * @param {Scope} top
 * @param {(node: Node, scope: Scope, classBody: Node | undefined, parent: Node) => void} note Told of
 *   each node.
 * @returns {Map<Node, Scope>} The scope of each function.
 */
function findScopes(program, top, note) {
  /** @type {Map<Node, Scope>} */
  const scopes = new Map();
  /** @type {(node: Node, outer: Scope, outerClass: Node | undefined, parent: Node) => void} */
  const visit = (node, outer, outerClass, parent) => {
    let scope = outer;
    if (isFunction(node)) {
      if (node.type === 'FunctionDeclaration' && node.id) {
        outer.declare(node.id.name).functions.add(node);
      }
      scope = new Scope(outer, true);
      scopes.set(node, scope);
      if (node.type === 'FunctionExpression' && node.id) scope.declare(node.id.name);
      for (const parameter of node.params) {
        declarePattern(parameter, (name) => scope.declare(name));
      }
    } else if (BLOCKS.has(node.type)) {
      scope = new Scope(outer, false);
      if (node.type === 'CatchClause') declarePattern(node.param, (name) => scope.declare(name));
    }
    const classBody = node.type === 'ClassBody' ? node : outerClass;
    declareIn(node, scope);
    note(node, scope, classBody, parent);
    forEachChild(node, (child) => visit(child, scope, classBody, node));
  };
  forEachChild(program, (child) => visit(child, top, undefined, program));
  return scopes;
}

/**
 * @param {Node} node
 * @param {Scope} scope
 */
function declareIn(node, scope) {
  if (node.type === 'VariableDeclaration') {
    const target = node.kind === 'var' ? scope.functionScope : scope;
    for (const { id } of node.declarations) declarePattern(id, (name) => target.declare(name));
  } else if (node.type === 'ClassDeclaration' && node.id) {
    scope.declare(node.id.name);
  } else if (node.type === 'ImportDeclaration') {
    for (const { local } of node.specifiers) scope.declare(local.name);
  }
}

module.exports = { Scope, findScopes, isFunction };
