'use strict';

/**
 * Follows the API through one file: variables, members, destructuring, arguments and modules, without
 * running anything.
 */

const { isExports, isMember, keyName, memberName, namesIn } = require('./names.js');
const { findScopes, isFunction } = require('./scopes.js');
const { USING, collectUse } = require('./uses.js');
const {
  EMPTY,
  GLOBAL,
  GLOBAL_NAMES,
  ROOTS,
  Value,
  WRAPPERS,
  memberPath,
  union,
} = require('./values.js');

/**
 * @typedef {import('./parse.js').Node} Node
 * @typedef {InstanceType<typeof import('./scopes.js').Scope>} Scope
 */

/** Nodes that give a variable a value. */
const BINDING = new Set([
  'AssignmentExpression',
  'AssignmentPattern',
  'CallExpression',
  'ClassPrivateProperty',
  'ClassProperty',
  'ExportAllDeclaration',
  'ExportDefaultDeclaration',
  'ExportNamedDeclaration',
  'ImportDeclaration',
  'ObjectExpression',
  'OptionalCallExpression',
  'VariableDeclarator',
]);

/**
 * @typedef {object} Place
 * @property {Scope} scope
 * @property {InstanceType<typeof Value>} self What `this` stands for.
 */

class SourceFile {
  exported = new Value();
  /** What `this` stands for, outside of classes. */
  self = new Value();
  grown = false;

  /**
   * @param {InstanceType<typeof import('./program.js').Program>} program
   * @param {string} name
   * @param {Node} ast
   * @param {Scope} top
   */
  constructor(program, name, ast, top) {
    this.program = program;
    this.name = name;
    /** What `this` stands for in each class. @type {Map<Node, InstanceType<typeof Value>>} */
    const selves = new Map();
    /** @type {{ node: Node, at: Place, parent: Node }[]} */
    this.bindings = [];
    /** @type {{ node: Node, at: Place, parent: Node }[]} */
    this.usages = [];
    this.scopes = findScopes(ast, top, (node, scope, classBody, parent) => {
      const binds = BINDING.has(node.type);
      const uses = USING.has(node.type);
      if (!binds && !uses) return;
      if (classBody && !selves.has(classBody)) selves.set(classBody, new Value());
      const at = { scope, self: (classBody && selves.get(classBody)) ?? this.self };
      if (binds) this.bindings.push({ node, at, parent });
      if (uses) this.usages.push({ node, at, parent });
    });
  }

  /** @returns {boolean} Whether a variable has got a new value. */
  propagate() {
    this.grown = false;
    for (const { node, at } of this.bindings) this.bindIn(node, at);
    return this.grown;
  }

  collect() {
    for (const { node, at, parent } of this.usages) collectUse(this, node, at, parent);
  }

  // ---- What an expression stands for

  /**
   * @param {Node | null | undefined} node
   * @param {Place} at
   * @returns {InstanceType<typeof Value>}
   */
  evaluate(node, at) {
    switch (node?.type) {
      case 'Identifier':
        return this.evaluateName(node.name, at.scope);
      case 'ThisExpression':
        return at.self;
      case 'MemberExpression':
      case 'OptionalMemberExpression':
        return this.evaluateMember(node, at);
      case 'ParenthesizedExpression':
      case 'TSAsExpression':
      case 'TSNonNullExpression':
      case 'TSSatisfiesExpression':
      case 'TSTypeAssertion':
      case 'TypeCastExpression':
        return this.evaluate(node.expression, at);
      case 'AwaitExpression':
        return this.evaluate(node.argument, at);
      case 'AssignmentExpression':
        return this.evaluate(node.right, at);
      case 'SequenceExpression':
        return this.evaluate(node.expressions.at(-1), at);
      case 'LogicalExpression':
        return union(this.evaluate(node.left, at), this.evaluate(node.right, at), node.operator);
      case 'ConditionalExpression':
        return union(this.evaluate(node.consequent, at), this.evaluate(node.alternate, at));
      case 'ObjectExpression':
        return this.evaluateObject(node, at);
      case 'NewExpression':
        return WRAPPERS.includes(node.callee.name ?? node.callee.property?.name)
          ? new Value('chrome')
          : EMPTY;
      case 'CallExpression':
      case 'OptionalCallExpression':
        return this.evaluateCall(node, at);
      case 'FunctionExpression':
      case 'ArrowFunctionExpression': {
        const value = new Value();
        value.functions.add(node);
        return value;
      }
      default:
        return EMPTY;
    }
  }

  /**
   * @param {string} name
   * @param {Scope} scope
   * @returns {InstanceType<typeof Value>}
   */
  evaluateName(name, scope) {
    const variable = scope.find(name);
    const root = ROOTS.get(name);
    // `var chrome = window.chrome || {}` and parameters of this name are the API in all likelihood. A
    // test may assign a fake to the global.
    if (root && (!variable || variable.isEmpty)) return new Value(root);
    if (root && variable === this.program.globalScope.variables.get(name)) {
      return union(new Value(root), variable ?? EMPTY);
    }
    if (!variable && GLOBAL_NAMES.includes(name)) return new Value(GLOBAL);
    return variable ?? EMPTY;
  }

  /**
   * @param {Node} node
   * @param {Place} at
   * @returns {InstanceType<typeof Value>}
   */
  evaluateMember(node, at) {
    const name = memberName(node);
    return name === undefined ? EMPTY : this.memberOf(this.evaluate(node.object, at), name);
  }

  /**
   * @param {InstanceType<typeof Value>} value
   * @param {string} name
   * @returns {InstanceType<typeof Value>}
   */
  memberOf(value, name) {
    let found = value.members.get(name) ?? EMPTY;
    for (const path of value.paths) {
      const member = memberPath(path, name);
      if (path === GLOBAL) found = union(found, this.evaluateName(name, this.program.globalScope));
      else if (member !== undefined) found = union(found, new Value(member));
    }
    return found;
  }

  /**
   * @param {Node} node
   * @param {Place} at
   * @returns {boolean}
   */
  isGlobal(node, at) {
    return this.evaluate(node, at).paths.has(GLOBAL);
  }

  /**
   * @param {Node} node
   * @param {Place} at
   * @returns {InstanceType<typeof Value>}
   */
  evaluateObject(node, at) {
    const value = new Value();
    for (const property of node.properties) {
      if (property.type === 'SpreadElement') value.add(this.evaluate(property.argument, at));
      const name = property.type === 'ObjectProperty' ? keyName(property) : undefined;
      if (name !== undefined) value.memberFor(name).add(this.evaluate(property.value, at));
    }
    return value;
  }

  /**
   * @param {Node} node
   * @param {Place} at
   * @returns {InstanceType<typeof Value>}
   */
  evaluateCall({ callee, arguments: args }, at) {
    if (callee.type === 'Identifier' && callee.name === 'require') {
      const required = this.program.resolve(this.name, args[0]?.value)?.exported ?? EMPTY;
      return args[0]?.value === 'nw.gui' ? new Value('nw') : required;
    }
    // `send.bind(tcp)` is `send`.
    if (isMember(callee) && memberName(callee) === 'bind') {
      return this.evaluate(callee.object, at);
    }
    return EMPTY;
  }

  // ---- What a variable gets

  /**
   * @param {InstanceType<typeof Value>} target
   * @param {InstanceType<typeof Value>} value
   */
  grow(target, value) {
    if (target.add(value)) this.grown = true;
  }

  /**
   * @param {Node} node
   * @param {Place} at
   */
  bindIn(node, at) {
    switch (node.type) {
      case 'VariableDeclarator':
        if (node.init) this.bind(node.id, this.evaluate(node.init, at), at);
        break;
      case 'AssignmentExpression':
        if (!/^(?:=|\|\|=|\?\?=|&&=)$/.test(node.operator)) break;
        this.bind(node.left, this.evaluate(node.right, at), at);
        break;
      case 'AssignmentPattern':
        this.bind(node.left, this.evaluate(node.right, at), at);
        break;
      case 'ClassProperty':
      case 'ClassPrivateProperty':
        if (node.value) this.bindMember(at.self, keyName(node), this.evaluate(node.value, at));
        break;
      case 'ObjectExpression':
        // Methods of the object find its members in `this`.
        this.grow(at.self, this.evaluateObject(node, at));
        break;
      case 'CallExpression':
      case 'OptionalCallExpression':
        this.bindArguments(node, at);
        break;
      case 'ImportDeclaration':
        this.bindImports(node, at);
        break;
      case 'ExportNamedDeclaration':
      case 'ExportDefaultDeclaration':
      case 'ExportAllDeclaration':
        this.bindExports(node, at);
        break;
    }
  }

  /**
   * @param {Node} pattern
   * @param {InstanceType<typeof Value>} value
   * @param {Place} at
   */
  bind(pattern, value, at) {
    switch (pattern.type) {
      case 'Identifier':
        if (value.isEmpty) break;
        this.grow(
          at.scope.find(pattern.name) ?? this.program.globalScope.declare(pattern.name),
          value,
        );
        break;
      case 'AssignmentPattern':
        this.bind(pattern.left, value, at);
        break;
      case 'ObjectPattern':
        for (const property of pattern.properties) {
          const name = property.type === 'ObjectProperty' ? keyName(property) : undefined;
          if (name !== undefined) this.bind(property.value, this.memberOf(value, name), at);
          else if (property.type === 'RestElement') this.bind(property.argument, value, at);
        }
        break;
      case 'MemberExpression':
        this.bindAssignedMember(pattern, value, at);
        break;
    }
  }

  /**
   * @param {Node} pattern
   * @param {InstanceType<typeof Value>} value
   * @param {Place} at
   */
  bindAssignedMember(pattern, value, at) {
    const name = memberName(pattern);
    if (name === undefined || value.isEmpty) return;
    const { object } = pattern;
    if (object.type === 'Identifier' && object.name === 'module' && name === 'exports') {
      this.grow(this.exported, value);
    } else if (isExports(object)) {
      this.bindMember(this.exported, name, value);
    } else if (this.isGlobal(object, at)) {
      this.grow(this.program.globalScope.declare(name), value);
    } else if (object.type === 'MemberExpression' && memberName(object) === 'prototype') {
      this.bindMember(at.self, name, value);
    } else {
      this.bindMember(this.targetOf(object, at), name, value);
    }
  }

  /**
   * @param {Node} node The object of an assignment to a member.
   * @param {Place} at
   * @returns {InstanceType<typeof Value> | undefined}
   */
  targetOf(node, at) {
    if (node.type === 'ThisExpression') return at.self;
    if (node.type === 'Identifier') return at.scope.find(node.name);
    if (node.type !== 'MemberExpression') return undefined;
    const name = memberName(node);
    if (name === undefined) return undefined;
    if (this.isGlobal(node.object, at)) return this.program.globalScope.declare(name);
    return this.targetOf(node.object, at)?.memberFor(name);
  }

  /**
   * @param {InstanceType<typeof Value> | undefined} object
   * @param {string | undefined} name
   * @param {InstanceType<typeof Value>} value
   */
  bindMember(object, name, value) {
    // `chrome.storage = polyfill` does not change what `chrome` is.
    if (!object || object === EMPTY || name === undefined || value.isEmpty) return;
    this.grow(object.memberFor(name), value);
  }

  /**
   * @param {Node} node
   * @param {Place} at
   */
  bindArguments({ callee, arguments: args }, at) {
    let passed = args;
    let called = callee;
    if (isMember(callee) && memberName(callee) === 'call') {
      called = callee.object;
      passed = args.slice(1);
    }
    const values = passed.map((/** @type {Node} */ arg) =>
      // `this` outside of functions is the global object.
      arg.type === 'ThisExpression' ? new Value(GLOBAL) : this.evaluate(arg, at),
    );
    for (const { params, scope } of this.functionsOf(called, at)) {
      params.forEach((parameter, index) => {
        const value = values[index];
        if (value && value.paths.size > 0) this.bind(parameter, value, { scope, self: at.self });
      });
    }
  }

  /**
   * @param {Node} node
   * @param {Place} at
   * @returns {{ params: Node[], scope: Scope }[]}
   */
  functionsOf(node, at) {
    const nodes = isFunction(node) ? [node] : [...this.evaluate(node, at).functions];
    const found = [];
    for (const called of nodes) {
      const scope = this.scopes.get(called);
      if (scope) found.push({ params: called.params, scope });
    }
    return found;
  }

  /**
   * @param {Node} node
   * @param {Place} at
   */
  bindImports(node, at) {
    const exported = this.program.resolve(this.name, node.source.value)?.exported;
    if (!exported) return;
    for (const { type, local, imported } of node.specifiers) {
      const name =
        type === 'ImportDefaultSpecifier' ? 'default' : (imported?.name ?? imported?.value);
      this.bind(local, name === undefined ? exported : this.memberOf(exported, name), at);
    }
  }

  /**
   * @param {Node} node
   * @param {Place} at
   */
  bindExports(node, at) {
    const from = this.program.resolve(this.name, node.source?.value)?.exported;
    if (node.type === 'ExportAllDeclaration') {
      if (from) this.grow(this.exported, from);
      return;
    }
    if (node.type === 'ExportDefaultDeclaration') {
      this.bindMember(this.exported, 'default', this.evaluate(node.declaration, at));
      return;
    }
    for (const { local, exported } of node.specifiers) {
      const name = local.name ?? local.value;
      const value = from ? this.memberOf(from, name) : this.evaluateName(name, at.scope);
      this.bindMember(this.exported, exported.name ?? exported.value, value);
    }
    for (const { id } of node.declaration?.declarations ?? []) {
      for (const name of namesIn(id)) {
        this.bindMember(this.exported, name, this.evaluateName(name, at.scope));
      }
    }
  }
}

module.exports = { SourceFile };
