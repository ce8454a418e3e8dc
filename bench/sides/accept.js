'use strict';

/** Accepting connections with `chrome.sockets.tcpServer` and with `net.Server`. The clients are other processes. */

const { spawn } = require('node:child_process');
const net = require('node:net');
const { join } = require('node:path');

const HOST = '127.0.0.1';
const DIALERS = 2;

/** The options that `net.Server` needs to match Chromium's defaults. */
const BACKLOG = 4096;

/**
 * @typedef {(close: () => void) => void} OnConnection gets a function that closes the connection
 *
 * @type {Record<string, (onConnection: OnConnection, modulePath: string) => Promise<number>>} each returns a port
 */
const SERVERS = {
  net: (onConnection) =>
    new Promise((resolve) => {
      const options = { pauseOnConnect: true, noDelay: true };
      const server = net.createServer(options, (socket) => {
        socket.on('error', () => {});
        onConnection(() => socket.destroy());
      });
      server.listen({ port: 0, host: HOST, backlog: BACKLOG }, () => {
        resolve(/** @type {net.AddressInfo} */ (server.address()).port);
      });
    }),

  module: (onConnection, modulePath) => {
    const tcp = require(modulePath);
    const server = require(join(modulePath, 'entry', 'server.js'));
    const nothing = () => {};
    server.onAccept.addListener((/** @type {any} */ { clientSocketId }) => {
      onConnection(() => tcp.close(clientSocketId, nothing));
    });
    return new Promise((resolve) => {
      server.create({}, (/** @type {any} */ { socketId }) => {
        server.listen(socketId, HOST, 0, (/** @type {number} */ code) => {
          if (code !== 0) throw new Error(`result code ${code}`);
          server.getInfo(socketId, (/** @type {any} */ { localPort }) => resolve(localPort));
        });
      });
    });
  },
};

/**
 * Has other processes connect: `count` connections, or as many as they can. They keep them open until
 * the server closes them, and end with this process.
 *
 * @param {number} port
 * @param {number} atOnce
 * @param {number} [count]
 */
function dial(port, atOnce, count = Infinity) {
  const script = join(__dirname, '..', 'dialer.js');
  const share = [port, atOnce / DIALERS, count / DIALERS].map(String);
  for (let index = 0; index < DIALERS; index++) {
    spawn(process.execPath, [script, ...share], { stdio: ['pipe', 'ignore', 'inherit'] });
  }
}

/**
 * @param {any} parameters
 * @param {any} meter
 * @param {() => number} memory
 */
async function run({ side, modulePath, kind, connections }, meter, memory) {
  let accepted = 0;
  let wake = () => {};
  const keeps = kind === 'acceptIdle';
  const port = await SERVERS[side]?.((close) => {
    accepted += 1;
    if (!keeps) close();
    meter.count(0);
    wake();
  }, modulePath);
  if (port === undefined) throw new Error(`${side} has no server`);
  const until = async (/** @type {number} */ count) => {
    while (accepted < count) await new Promise((resolve) => (wake = () => resolve(undefined)));
  };
  if (!keeps) {
    dial(port, connections);
    // The clients have started.
    await until(connections);
    meter.begin();
    await meter.finished;
    return meter.result;
  }
  const base = connections / 10;
  dial(port, 64, base);
  await until(base);
  const before = memory();
  dial(port, 64, connections - base);
  await until(connections);
  return { memoryPerConnection: (memory() - before) / (connections - base) };
}

module.exports = { run };
