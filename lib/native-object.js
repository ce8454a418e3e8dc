'use strict';

/**
 * A prototype like those of the objects that Chromium's renderer implements natively (gin): between
 * the object and Object.prototype, with a nameless constructor that refuses to construct.
 *
 * @param {string} typeName
 * @returns {object}
 */
function createNativePrototype(typeName) {
  const constructor = function () {
    throw new Error(`Objects of type ${typeName} cannot be created using the constructor.`);
  };
  Object.defineProperty(constructor, 'name', { value: '' });
  Object.defineProperty(constructor.prototype, 'constructor', { value: constructor });
  return constructor.prototype;
}

module.exports = { createNativePrototype };
