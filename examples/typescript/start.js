'use strict';

/**
 * Compiles the client and runs it against an echo server on this machine, or with the arguments that
 * are given.
 */

const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const { join } = require('node:path');

const dist = join(__dirname, 'dist');

async function main(/** @type {string[]} */ args) {
  const tsc = join(require.resolve('typescript/package.json'), '..', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', __dirname], { stdio: 'inherit' });
  if (args.length === 0) {
    const server = net.createServer((socket) => socket.pipe(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    server.unref();
    const { port } = /** @type {net.AddressInfo} */ (server.address());
    args = ['127.0.0.1', String(port), 'hello', 'world'];
  }
  process.argv.splice(2, Infinity, ...args);
  require(join(dist, 'client.js'));
}

void main(process.argv.slice(2));
