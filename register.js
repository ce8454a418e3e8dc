'use strict';

/** Installs `chrome.sockets.tcp` and `chrome.runtime.lastError` as globals. */

const { install } = require('./lib/install.js');

install(globalThis, require('./index.js'), require('./runtime.js'));
