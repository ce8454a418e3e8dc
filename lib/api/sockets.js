'use strict';

/** The namespaces of `chrome.sockets` over the native half in this process. */

const { debuglog } = require('node:util');
const { reportMismatches } = require('../renderer/arguments.js');
const { once, publishCall, publishReceiveError, traced } = require('../native/diagnostics.js');
const { adviseOnReceiver } = require('../renderer/event.js');
const { instance, returnsPromises, warnOfTrust } = require('../native/instance.js');
const { createNamespaces } = require('../renderer/namespace.js');

const debug = debuglog('chrome-sockets-tcp');
const { native, settings } = instance;

if (/** @type {any} */ (process).contextIsolated) {
  adviseOnReceiver('(contextBridge copies the events: use serve() of chrome-sockets-tcp/electron)');
}
if (debug.enabled) reportMismatches(once(debug));

module.exports = createNamespaces(debug.enabled ? traced(native, debug) : native, {
  publishCall,
  publishReceiveError,
  allowsConnect: (host, port) => settings.permissions?.allowsConnect(host, port) ?? true,
  allowsListen: (address, port) => settings.permissions?.allowsListen(address, port) ?? true,
  returnsPromises: () => returnsPromises(settings),
  onSecured: warnOfTrust,
});
