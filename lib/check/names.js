'use strict';

/** Names in a syntax tree. */

/** @typedef {import('./parse.js').Node} Node */

const isMember = (/** @type {Node} */ { type }) =>
  type === 'MemberExpression' || type === 'OptionalMemberExpression';

/** @param {Node} node @returns {string | undefined} The name of a member that is known. */
function memberName({ property, computed }) {
  if (!computed) return property.type === 'PrivateName' ? `#${property.id.name}` : property.name;
  if (property.type === 'StringLiteral') return property.value;
  const isPlainTemplate = property.type === 'TemplateLiteral' && property.quasis.length === 1;
  return isPlainTemplate ? property.quasis[0].value.cooked : undefined;
}

/** @param {Node} property @returns {string | undefined} */
function keyName({ key, computed }) {
  if (computed && key.type !== 'StringLiteral') return undefined;
  if (key.type === 'PrivateName') return `#${key.id.name}`;
  return key.name ?? (key.type === 'StringLiteral' ? key.value : undefined);
}

/** @param {Node | null} pattern @returns {string[]} */
function namesIn(pattern) {
  if (pattern?.type === 'Identifier') return [pattern.name];
  if (pattern?.type !== 'ObjectPattern') return [];
  return pattern.properties.flatMap((/** @type {Node} */ { value }) =>
    namesIn(value?.left ?? value),
  );
}

/** @param {Node} node @returns {boolean} Whether it is `exports` or `module.exports`. */
function isExports(node) {
  if (node.type === 'Identifier') return node.name === 'exports';
  return (
    node.type === 'MemberExpression' &&
    node.object.name === 'module' &&
    memberName(node) === 'exports'
  );
}

/** @param {Node} node @param {Node} parent */
function isObjectOf(node, parent) {
  return isMember(parent) && parent.object === node;
}

/**
 * @param {Node} node An identifier.
 * @param {Node} parent
 * @returns {boolean} Whether the parent reads the variable of this name.
 */
function isRead(node, parent) {
  switch (parent.type) {
    case 'MemberExpression':
    case 'OptionalMemberExpression':
      return parent.object === node || parent.computed;
    case 'CallExpression':
    case 'NewExpression':
      return true;
    default:
      return false;
  }
}

module.exports = { isExports, isMember, isObjectOf, isRead, keyName, memberName, namesIn };
