'use strict';

/** `chrome.sockets.tcp`: the namespace over the native half in this process. */

const { native, settings, takeTrustWarnings } = require('./lib/instance.js');
const { createNamespace } = require('./lib/namespace.js');

module.exports = createNamespace(native, {
  allowsConnect: (host, port) => settings.permissions?.allowsConnect(host, port) ?? true,
  onSecured() {
    // The trust anchors are loaded by the first handshake; what was wrong with them is said once.
    for (const warning of takeTrustWarnings()) process.emitWarning(warning);
  },
});
