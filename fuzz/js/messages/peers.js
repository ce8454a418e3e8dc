'use strict';

const { once } = require('node:events');
const net = require('node:net');
const tls = require('node:tls');

/**
 * Starts servers that echo (plaintext and TLS), flood and reset, and one that has closed.
 *
 * @param {{ chainPem: string, keyPem: string }} certificate
 * @returns {Promise<{ echoPort: number, ports: number[], close: () => void }>}
 */
async function startPeers({ chainPem, keyPem }) {
  const echo = (/** @type {net.Socket} */ socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  };
  const flood = (/** @type {net.Socket} */ socket) => {
    socket.on('error', () => socket.destroy());
    socket.resume().end(Buffer.alloc(200_000));
  };
  const refusing = net.createServer();
  const servers = [
    net.createServer(echo),
    net.createServer(flood),
    net.createServer((socket) => socket.resetAndDestroy()),
    tls.createServer({ cert: chainPem, key: keyPem }, echo),
    refusing,
  ];
  /** @type {number[]} */
  const ports = [];
  for (const server of servers) {
    server.on('tlsClientError', () => {});
    server.listen({ port: 0, host: '127.0.0.1', backlog: 511 });
    await once(server, 'listening');
    ports.push(/** @type {net.AddressInfo} */ (server.address()).port);
  }
  refusing.close();
  return {
    echoPort: ports[0],
    ports,
    close: () => servers.forEach((server) => server.close()),
  };
}

module.exports = { startPeers };
