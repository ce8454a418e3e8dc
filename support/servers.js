'use strict';

/** Servers on loopback, and their end of each connection. */

const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const net = require('node:net');
const { join } = require('node:path');
const tls = require('node:tls');

/** @type {Set<{ server: net.Server, sockets: Set<net.Socket> }>} */
const running = new Set();

/**
 * @typedef {object} Server
 * @property {number} port
 * @property {() => Promise<net.Socket>} accepted The connections in the order in which they came.
 */

/**
 * @param {'server' | 'other'} [name] `server` is issued to localhost and its addresses, `other` to
 *   some other host; both by the authority that the module trusts.
 */
function certificate(name = 'server') {
  const file = (/** @type {string} */ suffix) =>
    readFileSync(join(process.env.TEST_CERTIFICATES ?? '', `${name}${suffix}.pem`));
  return { cert: file(''), key: file('-key') };
}

/**
 * Starts a server; {@link stopServers} ends it.
 *
 * @param {object} [options]
 * @param {(socket: net.Socket) => void} [options.onConnection] Default: nothing happens.
 * @param {tls.TlsOptions} [options.tls] Makes it a TLS server.
 * @param {string} [options.host]
 * @returns {Promise<Server>}
 */
async function startServer({ onConnection, tls: tlsOptions, host = '127.0.0.1' } = {}) {
  /** @type {net.Socket[]} */
  const queue = [];
  /** @type {((socket: net.Socket) => void)[]} */
  const waiting = [];
  const sockets = new Set();

  const accept = (/** @type {net.Socket} */ socket) => {
    onConnection?.(socket);
    const next = waiting.shift();
    if (next) next(socket);
    else queue.push(socket);
  };
  const server = tlsOptions ? tls.createServer(tlsOptions, accept) : net.createServer(accept);
  server.on('connection', (socket) => {
    sockets.add(socket);
    // Many tests cause resets.
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  server.listen(0, host);
  await once(server, 'listening');
  running.add({ server, sockets });

  return {
    port: /** @type {net.AddressInfo} */ (server.address()).port,
    accepted: () =>
      new Promise((resolve) => {
        const socket = queue.shift();
        if (socket) resolve(socket);
        else waiting.push(resolve);
      }),
  };
}

/** @param {net.Socket} socket */
const echo = (socket) => {
  socket.pipe(socket);
};

/**
 * A port without a listener, reserved by a connection that {@link stopServers} ends.
 */
async function closedPort() {
  const { port } = await startServer();
  const socket = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1' });
  await once(socket, 'connect');
  // However it ends.
  socket.on('error', () => {});
  return /** @type {number} */ (socket.localPort);
}

async function stopServers() {
  for (const { server, sockets } of running) {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
  running.clear();
}

module.exports = { certificate, closedPort, echo, startServer, stopServers };
