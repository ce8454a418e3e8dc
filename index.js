'use strict';

/** `chrome.sockets.tcp`: the namespace over the native half in this process. */

const { loadBinding } = require('./lib/binding.js');
const { createNamespace } = require('./lib/namespace.js');

const { TcpSockets, takeTrustWarnings } = loadBinding();

module.exports = createNamespace(new TcpSockets(), {
  onSecured() {
    // The trust anchors are loaded by the first handshake; what was wrong with them is said once.
    for (const warning of takeTrustWarnings()) process.emitWarning(warning);
  },
});
