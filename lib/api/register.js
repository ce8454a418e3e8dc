'use strict';

/**
 * Installs `chrome.sockets.tcp` and `chrome.runtime.lastError` as globals. An object that another copy
 * of this package has installed stays, because it may have listeners.
 */

const tcp = require('./tcp.js');
const { registered } = require('../native/copies.js');
const { install } = require('../renderer/install.js');
const { NAME, ownFiles } = require('../native/own-files.js');
const runtime = require('./runtime.js');

const { folder } = ownFiles();
const installed = /** @type {any} */ (globalThis).chrome?.sockets?.tcp;
const first = registered.get(installed);

install(globalThis, first === undefined ? tcp : installed, runtime);
if (first === undefined) {
  registered.set(tcp, folder);
} else if (first !== folder) {
  process.emitWarning(
    `${NAME}/register of ${folder} leaves chrome.sockets.tcp as it was installed by ${first}. ` +
      'Only one copy of the package is needed.',
  );
}
