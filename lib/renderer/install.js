'use strict';

const { showLastErrorOn } = require('./last-error.js');
const { addSiblings } = require('./siblings.js');

/**
 * Defines the globals `chrome.sockets.tcp`, `chrome.sockets.tcpServer` and `chrome.runtime.lastError`
 * and keeps other members of `chrome`. Adds the neighbours that libraries look for; see siblings.js.
 *
 * @param {any} scope The global object.
 * @param {{ tcp: object, tcpServer?: object }} sockets
 * @param {object} runtime Becomes `chrome.runtime` if there is none.
 */
function install(scope, { tcp, tcpServer }, runtime) {
  const chrome = (scope.chrome ??= {});

  chrome.sockets ??= {};
  chrome.sockets.tcp = tcp;
  if (tcpServer) chrome.sockets.tcpServer = tcpServer;

  chrome.runtime ??= runtime;
  // An object that cannot be extended is replaced by one that inherits from it.
  if (!Object.isExtensible(chrome.runtime)) chrome.runtime = Object.create(chrome.runtime);
  showLastErrorOn(chrome.runtime);
  addSiblings(chrome);
}

module.exports = { install };
