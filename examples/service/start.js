'use strict';

/**
 * Starts the gateway and a small WHOIS server on this machine. Another WHOIS server may be given:
 *
 *     node examples/service/start.js [host [port]]
 */

const { once } = require('node:events');
const net = require('node:net');
const { createService } = require('./service.js');

/** Answers every name with one line. @returns {Promise<number>} The port. */
async function startWhois() {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (name) => socket.end(`Domain Name: ${String(name).trim()}\r\n`));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return /** @type {net.AddressInfo} */ (server.address()).port;
}

async function main(/** @type {string[]} */ [host, port = '43']) {
  const whois = host
    ? { host, port: Number(port) }
    : { host: '127.0.0.1', port: await startWhois() };
  const service = createService(whois);
  await once(service.listen(0, '127.0.0.1'), 'listening');
  const address = /** @type {net.AddressInfo} */ (service.address());
  console.log(`http://127.0.0.1:${address.port}/example.com asks ${whois.host}:${whois.port}`);
  process.once('SIGINT', () => process.exit());
}

void main(process.argv.slice(2));
