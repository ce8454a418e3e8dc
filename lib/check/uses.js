'use strict';

/** The uses of the API in a file. */

const { isMember, isObjectOf, isRead, keyName, memberName } = require('./names.js');
const { GLOBAL } = require('./values.js');

/**
 * @typedef {import('./parse.js').Node} Node
 * @typedef {InstanceType<typeof import('./file.js').SourceFile>} SourceFile
 */

/** Nodes that may use the API. */
const USING = new Set([
  'AssignmentExpression',
  'Identifier',
  'MemberExpression',
  'OptionalMemberExpression',
  'VariableDeclarator',
]);

/**
 * Notes the uses of the API that a node is.
 *
 * @param {SourceFile} file
 * @param {Node} node
 * @param {import('./file.js').Place} at
 * @param {Node} parent
 */
function collectUse(file, node, at, parent) {
  if (isMember(node) || node.type === 'Identifier') {
    // The longest expression counts, and a name counts where it is read.
    if (isObjectOf(node, parent) && memberName(parent) !== undefined) return;
    if (node.type === 'Identifier' && !isRead(node, parent)) return;
    for (const path of file.evaluate(node, at).paths) note(file, path, node.property ?? node);
  } else if (node.type === 'VariableDeclarator' && node.init) {
    collectPattern(file, node.id, file.evaluate(node.init, at));
  } else if (node.type === 'AssignmentExpression' && node.operator === '=') {
    collectPattern(file, node.left, file.evaluate(node.right, at));
  }
}

/**
 * Notes the members that a destructuring takes.
 *
 * @param {SourceFile} file
 * @param {Node} pattern
 * @param {ReturnType<SourceFile['evaluate']>} value
 */
function collectPattern(file, pattern, value) {
  if (pattern.type !== 'ObjectPattern') return;
  for (const property of pattern.properties) {
    const name = property.type === 'ObjectProperty' ? keyName(property) : undefined;
    if (name === undefined) continue;
    const member = file.memberOf(value, name);
    for (const path of member.paths) note(file, path, property.key);
    collectPattern(file, property.value.left ?? property.value, member);
  }
}

/**
 * @param {SourceFile} file
 * @param {string} path
 * @param {Node} node
 */
function note(file, path, node) {
  if (path === GLOBAL) return;
  const { line, column } = node.loc.start;
  file.program.uses.push({ path, file: file.name, line, column: column + 1 });
}

module.exports = { USING, collectUse };
