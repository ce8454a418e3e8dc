'use strict';

/** `chrome.sockets.tcp`: the namespace over the native half in this process. */

const { debuglog } = require('node:util');
const { reportMismatches } = require('./lib/arguments.js');
const { once, publishCall, publishReceiveError, watched } = require('./lib/diagnostics.js');
const { adviseOnReceiver } = require('./lib/event.js');
const { instance, returnsPromises, warnOfTrust } = require('./lib/instance.js');
const { createNamespace } = require('./lib/namespace.js');

const debug = debuglog('chrome-sockets-tcp');
const { native, settings } = instance;

if (/** @type {any} */ (process).contextIsolated) {
  adviseOnReceiver('(contextBridge copies the events: use serve() of chrome-sockets-tcp/electron)');
}
if (debug.enabled) reportMismatches(once(debug));

const tcp = createNamespace(debug.enabled ? watched(native, debug) : native, {
  publishCall,
  publishReceiveError,
  allowsConnect: (host, port) => settings.permissions?.allowsConnect(host, port) ?? true,
  returnsPromises: () => returnsPromises(settings),
  onSecured: warnOfTrust,
});

// For Node's loader of ES modules, which finds the names that can be imported by reading assignments.
exports.close =
  exports.connect =
  exports.create =
  exports.disconnect =
  exports.getInfo =
  exports.getSockets =
  exports.secure =
  exports.send =
  exports.setKeepAlive =
  exports.setNoDelay =
  exports.setPaused =
  exports.update =
  exports.onReceive =
  exports.onReceiveError =
  exports.DnsQueryType =
    undefined;

module.exports = tcp;
