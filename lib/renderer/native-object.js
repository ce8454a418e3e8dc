'use strict';

/**
 * A prototype like those of the objects that Chromium's renderer implements natively (gin): between
 * the object and Object.prototype, with a nameless constructor that refuses to construct.
 *
 * @param {string} typeName
 * @returns {object}
 */
function createNativePrototype(typeName) {
  const constructor = createConstructor(typeName);
  Object.defineProperty(constructor.prototype, 'constructor', { value: constructor });
  return constructor.prototype;
}

/**
 * A separate function, because a function that is assigned to a variable takes its name, which V8
 * then shows in error messages.
 *
 * @param {string} typeName
 * @returns {Function}
 */
function createConstructor(typeName) {
  return function () {
    throw new Error(`Objects of type ${typeName} cannot be created using the constructor.`);
  };
}

module.exports = { createNativePrototype };
