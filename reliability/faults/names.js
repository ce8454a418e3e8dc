'use strict';

/** Faults of name resolution by the operating system. */

const { NAME } = require('./harness.js');
const { PEER, PEER_TOO } = require('./network.js');
const { KIB, arrives, connecting, pass } = require('./observations.js');

/**
 * @typedef {import('./harness.js').Fault} Fault
 * @typedef {import('./observations.js').Scene} Scene
 */

/**
 * @param {string} names the behaviour of the name server
 * @param {string} expected
 * @param {Partial<Fault>} [rest]
 * @returns {Fault}
 */
const served = (names, expected, rest = {}) => ({
  name: `a name server ${names}`,
  transports: ['TCP'],
  needs: ['namespaces'],
  names,
  // The thread of the look-up before may not be idle again yet when this needs one.
  lookUps: 1,
  expected,
  run: (scene) => connecting(scene, NAME),
  ...rest,
});

/**
 * The result of a `connect()` when another call is made during its look-up.
 *
 * @param {Scene} scene
 * @param {string} method
 * @param {(socket: Awaited<ReturnType<Scene['create']>>) => Promise<unknown>} make
 */
async function interrupted(scene, method, make) {
  const socket = await scene.create();
  const connect = socket.connect(NAME);
  await pass(100);
  const result = await make(socket);
  return `${method} ${result}, connect ${await connect}`;
}

/** @type {Fault[]} */
module.exports = [
  served('without the name', 'connect -105'),
  served('failing', 'connect -105'),
  served('without an address', 'connect -105'),
  served('talking nonsense', 'connect -105'),
  served('silent', 'connect -105'),
  served('silent', 'connect -118', {
    name: 'a name server that is silent for longer than connectTimeout',
    configuration: { connectTimeout: 300 },
  }),
  served('silent', 'close null, connect -105', {
    name: 'a name server that is silent, and close()',
    run: (scene) => interrupted(scene, 'close', (socket) => socket.close()),
  }),
  served('silent', 'disconnect null, connect -105', {
    name: 'a name server that is silent, and disconnect() before the answer',
    run: (scene) => interrupted(scene, 'disconnect', (socket) => socket.call('disconnect')),
  }),
  served('silent', '20 times connect -105, meanwhile everything arrives', {
    name: 'a name server that is silent, more look-ups than threads, and other sockets',
    transports: ['TCP', 'TLS'],
    lookUps: 18,
    async run(scene) {
      const others = await Promise.all(Array.from({ length: 20 }, () => scene.create()));
      const connects = Promise.all(others.map((socket) => socket.connect(NAME)));
      const ended = connects.then(() => 'everything has ended before');
      const end = await Promise.race([converse(scene, scene.host), ended]);
      const codes = await connects;
      const wrong = codes.find((code) => code !== -105);
      return `${codes.length} times connect ${wrong ?? -105}, meanwhile ${end}`;
    },
  }),
  served('slow', 'everything arrives', {
    transports: ['TCP', 'TLS'],
    run: (scene) => converse(scene),
  }),
  served('good', 'connect -105', {
    name: 'no name server: its port is closed',
    async run(scene) {
      await scene.peer.ask('stopNames');
      return connecting(scene, NAME);
    },
  }),
  served('good', 'connect -105', {
    name: 'no name server: the network is down',
    async run(scene) {
      await scene.network.near.sh('ip link set cable down');
      return connecting(scene, NAME);
    },
  }),
  served('good', 'everything arrives', {
    name: 'a name with two addresses, the first of which does not answer',
    transports: ['TCP', 'TLS'],
    needs: ['namespaces', 'iptables'],
    async run(scene) {
      await scene.network.far.iptables(`-A INPUT -p tcp -d ${await first(scene)} -j DROP`);
      return converse(scene);
    },
  }),
  served('good', 'everything arrives', {
    name: 'a name with two addresses, the first of which refuses',
    transports: ['TCP', 'TLS'],
    needs: ['namespaces', 'iptables'],
    async run(scene) {
      const reject = '-p tcp -j REJECT --reject-with tcp-reset';
      await scene.network.far.iptables(`-A INPUT -d ${await first(scene)} ${reject}`);
      return converse(scene);
    },
  }),
  served('good', 'connect -102', {
    name: 'a name with two addresses, both unusable',
    async run(scene) {
      await scene.peer.ask('unlisten', scene.port);
      return connecting(scene, NAME);
    },
  }),
];

/**
 * The address that is tried first, which the resolver decides.
 *
 * @param {Scene} scene
 */
async function first(scene) {
  const socket = await scene.open({ host: NAME, secure: false, paused: true });
  const { peerAddress } = await socket.ask('info');
  if (![PEER, PEER_TOO].includes(peerAddress)) throw new Error(`${NAME} is ${peerAddress}`);
  return peerAddress;
}

/**
 * @param {Scene} scene
 * @param {string} [host]
 */
async function converse(scene, host = NAME) {
  const socket = await scene.open({ host });
  await Promise.all([socket.send(KIB), socket.peer('write', KIB)]);
  return arrives(socket, KIB, KIB);
}
