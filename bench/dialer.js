'use strict';

/**
 * A client of the workloads that accept: `node bench/dialer.js PORT CONCURRENCY COUNT` makes `COUNT`
 * connections, `CONCURRENCY` at a time, and keeps each until the server ends it. Ends with its standard
 * input.
 */

const { once } = require('node:events');
const net = require('node:net');

const [port, atOnce, count] = process.argv.slice(2).map(Number);
let left = count ?? 0;

async function dialInTurn() {
  while (left >= 1) {
    left -= 1;
    const socket = net.connect({ port: port ?? 0, host: '127.0.0.1' });
    socket.on('error', () => {}).resume();
    await once(socket, 'connect');
  }
}

/** The server ends first, and resets the connections that it has not accepted. */
const leave = () => process.exit();

process.stdin.on('end', leave).resume();
for (let index = 0; index < (atOnce ?? 0); index++) dialInTurn().catch(leave);
