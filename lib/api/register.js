'use strict';

/**
 * Installs `chrome.sockets.tcp`, `chrome.sockets.tcpServer` and `chrome.runtime.lastError` as globals.
 * An object that another copy of this package has installed stays, because it may have listeners.
 */

const { registered } = require('../native/copies.js');
const { install } = require('../renderer/install.js');
const { NAME, ownFiles } = require('../native/own-files.js');
const runtime = require('./runtime.js');
const sockets = require('./sockets.js');

const { folder } = ownFiles();
const installed = /** @type {any} */ (globalThis).chrome?.sockets?.tcp;
const first = registered.get(installed);

// The connections that a server accepts are sockets of the same copy.
install(globalThis, first === undefined ? sockets : { tcp: installed }, runtime);
if (first === undefined) {
  registered.set(sockets.tcp, folder);
} else if (first !== folder) {
  process.emitWarning(
    `${NAME}/register of ${folder} leaves chrome.sockets.tcp as it was installed by ${first}. ` +
      'Only one copy of the package is needed.',
  );
}
