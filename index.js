'use strict';

/** `chrome.sockets.tcp`: the namespace over the native half in this process. */

const { debuglog } = require('node:util');
const { publishCall, publishReceiveError, watched } = require('./lib/diagnostics.js');
const { instance, warnOfTrust } = require('./lib/instance.js');
const { createNamespace } = require('./lib/namespace.js');

const debug = debuglog('chrome-sockets-tcp');
const { native, settings } = instance;

module.exports = createNamespace(debug.enabled ? watched(native, debug) : native, {
  publishCall,
  publishReceiveError,
  allowsConnect: (host, port) => settings.permissions?.allowsConnect(host, port) ?? true,
  onSecured: warnOfTrust,
});
