'use strict';

const { showLastErrorOn } = require('./last-error.js');

/**
 * Makes `chrome.sockets.tcp` and `chrome.runtime.lastError` globals, beside whatever `chrome`
 * already holds.
 *
 * @param {any} scope The global object.
 * @param {object} tcp
 * @param {object} runtime What becomes `chrome.runtime` where there is none.
 */
function install(scope, tcp, runtime) {
  const chrome = (scope.chrome ??= {});

  chrome.sockets ??= {};
  chrome.sockets.tcp = tcp;

  chrome.runtime ??= runtime;
  // What cannot carry the property is stood in for by an object that inherits everything else.
  if (!Object.isExtensible(chrome.runtime)) chrome.runtime = Object.create(chrome.runtime);
  showLastErrorOn(chrome.runtime);
}

module.exports = { install };
