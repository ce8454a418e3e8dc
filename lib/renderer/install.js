'use strict';

const { showLastErrorOn } = require('./last-error.js');
const { addSiblings } = require('./siblings.js');

/**
 * Defines the globals `chrome.sockets.tcp` and `chrome.runtime.lastError` and keeps other members
 * of `chrome`. Adds the neighbours that libraries look for; see siblings.js.
 *
 * @param {any} scope The global object.
 * @param {object} tcp
 * @param {object} runtime Becomes `chrome.runtime` if there is none.
 */
function install(scope, tcp, runtime) {
  const chrome = (scope.chrome ??= {});

  chrome.sockets ??= {};
  chrome.sockets.tcp = tcp;

  chrome.runtime ??= runtime;
  // An object that cannot be extended is replaced by one that inherits from it.
  if (!Object.isExtensible(chrome.runtime)) chrome.runtime = Object.create(chrome.runtime);
  showLastErrorOn(chrome.runtime);
  addSiblings(chrome);
}

module.exports = { install };
