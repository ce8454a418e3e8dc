'use strict';

/** An echo over TLS: `node echo.js CHAIN.pem KEY.pem 1.2|1.3`; prints its port. */

const { readFileSync } = require('node:fs');
const { createServer } = require('node:tls');

const [chain, key, version] = process.argv.slice(2);
const exactly = /** @type {import('node:tls').SecureVersion} */ (`TLSv${version}`);
const server = createServer({
  cert: readFileSync(chain),
  key: readFileSync(key),
  minVersion: exactly,
  maxVersion: exactly,
});
server.on('secureConnection', (socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
});
server.listen({ host: '127.0.0.1', port: 0 }, () => {
  console.log(/** @type {import('node:net').AddressInfo} */ (server.address()).port);
});
process.stdin.on('end', () => process.exit()).resume();
