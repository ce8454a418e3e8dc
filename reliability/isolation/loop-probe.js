'use strict';

/** A process whose sockets are attacked, and the turns of its event loop during the attack. */

const { measureTurns } = require('../event-loop.js');
const { call, open } = require('../sockets.js');

const { isHandshake, port, paused, sockets, before, during } = JSON.parse(process.argv[2]);

/** @param {number} milliseconds */
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let received = 0;
let handshakes = 0;

async function flooded() {
  const receiver = {
    data: (/** @type {ArrayBuffer} */ { byteLength }) => (received += byteLength),
  };
  await open({ host: '127.0.0.1', port, tls: true }, { receiver, paused });
}

async function shakeForEver() {
  while (true) {
    const socketId = await open({ host: '127.0.0.1', port }, { paused: true });
    await call('secure', socketId);
    handshakes += 1;
    // A failed handshake destroys the socket.
    await call('close', socketId).catch(() => {});
  }
}

async function main() {
  const takeTurns = measureTurns();
  await wait(200);
  takeTurns();
  await wait(before);
  const quiet = takeTurns();
  for (let index = 0; index < sockets; index += 1) {
    void (isHandshake ? shakeForEver() : flooded());
  }
  await wait(during);
  process.send?.({ quiet, attacked: takeTurns(), received, handshakes });
  process.exit();
}

process.on('uncaughtException', (error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});

void main();
