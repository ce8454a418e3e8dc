'use strict';

/** `chrome.sockets.tcp`: the namespace over the native half in this process. */

const { instance, warnOfTrust } = require('./lib/instance.js');
const { createNamespace } = require('./lib/namespace.js');

const { native, settings } = instance;

module.exports = createNamespace(native, {
  allowsConnect: (host, port) => settings.permissions?.allowsConnect(host, port) ?? true,
  onSecured: warnOfTrust,
});
