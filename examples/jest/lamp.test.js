'use strict';

/** Tests of a Chrome App's networking code against a fake lamp in the same process. */

require('chrome-sockets-tcp/register');

const { once } = require('node:events');
const net = require('node:net');
const { promisify } = require('node:util');
const switchLamp = promisify(require('./lamp.js').switchLamp);

/** @type {net.Server} */
let server;
/** @type {string[]} */
let commands;

/** Starts a lamp that answers each command with `answer`. @returns {Promise<number>} Its port. */
async function startLamp(answer = 'OK\n') {
  commands = [];
  server = net.createServer((socket) => {
    socket.on('data', (data) => {
      commands.push(String(data));
      socket.end(answer);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return /** @type {net.AddressInfo} */ (server.address()).port;
}

afterEach(() => promisify(server.close.bind(server))());

test('the lamp gets the command', async () => {
  await switchLamp('127.0.0.1', await startLamp(), 'ON');
  expect(commands).toEqual(['ON\n']);
});

test('a refusal is an error with its reason', async () => {
  const port = await startLamp('ERR bulb missing\n');
  await expect(switchLamp('127.0.0.1', port, 'OFF')).rejects.toThrow('bulb missing');
});

test('a lamp that closes without an answer is an error', async () => {
  await expect(switchLamp('127.0.0.1', await startLamp(''), 'ON')).rejects.toThrow('-100');
});

test('no lamp at all is an error', async () => {
  const port = await startLamp();
  await promisify(server.close.bind(server))();
  await expect(switchLamp('127.0.0.1', port, 'ON')).rejects.toThrow('ERR_CONNECTION_REFUSED');
  await startLamp();
});
