'use strict';

/**
 * Installs `chrome.sockets.tcp` and `chrome.runtime.lastError` as globals, beside whatever `chrome`
 * already holds.
 */

const tcp = require('./index.js');
const { showLastErrorOn } = require('./lib/last-error.js');
const runtime = require('./runtime.js');

const scope = /** @type {any} */ (globalThis);
const chrome = (scope.chrome ??= {});

chrome.sockets ??= {};
chrome.sockets.tcp = tcp;

chrome.runtime ??= runtime;
// What cannot carry the property is stood in for by an object that inherits everything else.
if (!Object.isExtensible(chrome.runtime)) chrome.runtime = Object.create(chrome.runtime);
showLastErrorOn(chrome.runtime);
