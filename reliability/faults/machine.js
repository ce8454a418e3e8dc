'use strict';

/** Faults of the machine itself: exhausted resources and failing system calls. */

const { inject, limit } = require('./network.js');
const { BROKEN, KIB, arrives, ends } = require('./observations.js');

/**
 * @typedef {import('./harness.js').Fault} Fault
 * @typedef {import('./observations.js').Scene} Scene
 */

const ALL_ARRIVES = 'everything arrives';

/**
 * @param {Scene} scene
 * @param {string} injection
 */
async function injected(scene, injection) {
  const end = await inject(scene.application.pid, injection);
  scene.after(end);
  return end;
}

/**
 * A system call that fails while connecting, and never again.
 *
 * @param {string} call
 * @param {string} error
 * @param {number} code
 * @returns {Fault}
 */
const connectFails = (call, error, code) => ({
  name: `${call}() fails: ${error}`,
  transports: ['TCP'],
  needs: ['strace'],
  expected: `connect ${code}, afterwards 0`,
  async run(scene) {
    const end = await injected(scene, `${call}:error=${error}:when=1`);
    const socket = await scene.create();
    const result = await socket.connect();
    if (result === 0) await scene.accept(socket);
    await end();
    const next = result === 0 ? await scene.create() : socket;
    const again = await next.connect();
    if (again === 0) await scene.accept(next);
    return `connect ${result}, afterwards ${again}`;
  },
});

/**
 * A system call that fails on an established connection.
 *
 * @param {'recvfrom' | 'sendto,sendmsg'} calls
 * @param {string} error
 * @param {string} when
 * @param {string | string[]} expected
 * @returns {Fault}
 */
const exchangeFails = (calls, error, when, expected) => ({
  name: `${calls === 'recvfrom' ? 'a read' : 'a write'} fails${when === '2' ? ' once' : ''}: ${error}`,
  needs: ['strace'],
  expected,
  async run(scene) {
    const socket = await scene.open();
    await injected(scene, `${calls}:error=${error}:when=${when}`);
    const [codes] = await Promise.all([
      socket.send(100 * KIB, 10),
      socket.peer('write', 100 * KIB),
    ]);
    const failure = codes.find((code) => code !== 0);
    if (failure !== undefined) return `send ${failure}, ${await ends(socket)}`;
    const [received] = await Promise.all([
      socket.received(100 * KIB),
      socket.peer('received', 100 * KIB),
    ]);
    return received < 100 * KIB ? ends(socket) : arrives(socket, 100 * KIB, 100 * KIB);
  },
});

/**
 * Exhausts the descriptors until the returned function is called.
 *
 * @param {Scene} scene
 */
async function fill(scene) {
  const { pid } = scene.application;
  await limit(pid, '--nofile=3:');
  return () => limit(pid, '--nofile=1024:');
}

/** @type {Fault[]} */
module.exports = [
  connectFails('socket', 'ENOBUFS', -176),
  connectFails('socket', 'ENOMEM', -13),
  connectFails('socket', 'ENFILE', -12),
  connectFails('socket', 'EAFNOSUPPORT', -109),
  connectFails('socket', 'EPERM', -10),
  connectFails('connect', 'ENETDOWN', -106),
  connectFails('connect', 'EADDRNOTAVAIL', -108),
  connectFails('connect', 'ENOBUFS', -176),
  connectFails('connect', 'EACCES', -138),
  connectFails('connect', 'ECONNABORTED', -103),
  connectFails('connect', 'EINTR', 0),
  // An option that cannot be set is done without, as in Chromium.
  connectFails('setsockopt', 'ENOPROTOOPT', 0),
  connectFails('epoll_ctl', 'ENOSPC', -18),
  connectFails('epoll_ctl', 'ENOMEM', -13),
  exchangeFails('recvfrom', 'EINTR', '1+2', ALL_ARRIVES),
  exchangeFails('recvfrom', 'ECONNRESET', '2+', [BROKEN, `send -2, ${BROKEN}`]),
  exchangeFails('recvfrom', 'ENOMEM', '2+', [BROKEN, `send -2, ${BROKEN}`]),
  exchangeFails('recvfrom', 'ETIMEDOUT', '2+', [BROKEN, `send -2, ${BROKEN}`]),
  exchangeFails('sendto,sendmsg', 'EINTR', '1+2', ALL_ARRIVES),
  // No byte may be sent twice, whether or not the call is repeated.
  exchangeFails('sendto,sendmsg', 'ENOBUFS', '2', [ALL_ARRIVES, `send -2, ${BROKEN}`]),
  exchangeFails('sendto,sendmsg', 'ENOBUFS', '2+', `send -2, ${BROKEN}`),
  exchangeFails('sendto,sendmsg', 'EPIPE', '2+', `send -2, ${BROKEN}`),
  exchangeFails('sendto,sendmsg', 'EHOSTUNREACH', '2+', `send -2, ${BROKEN}`),
  {
    name: 'no descriptor is left for a connect',
    transports: ['TCP'],
    needs: ['prlimit'],
    expected: 'connect -12, afterwards 0; everything arrives',
    async run(scene) {
      const other = await scene.open();
      const empty = await fill(scene);
      const socket = await scene.create();
      const result = await socket.connect();
      await Promise.all([other.send(KIB), other.peer('write', KIB)]);
      const end = await arrives(other, KIB, KIB);
      await empty();
      const again = await socket.connect();
      await scene.accept(socket);
      return `connect ${result}, afterwards ${again}; ${end}`;
    },
  },
  {
    name: 'no descriptor is left for the first connect of a process',
    transports: ['TCP'],
    needs: ['prlimit'],
    cold: true,
    expected: 'connect -12, afterwards 0',
    async run(scene) {
      const empty = await fill(scene);
      const socket = await scene.create();
      const result = await socket.connect();
      await empty();
      const again = await socket.connect();
      await scene.accept(socket);
      return `connect ${result}, afterwards ${again}`;
    },
  },
  {
    name: 'no descriptor is left while certificates of authorities are read',
    transports: ['TLS'],
    needs: ['prlimit'],
    cold: true,
    expected: 'secure -12, afterwards everything arrives',
    async run(scene) {
      const socket = await scene.open({ paused: true, secure: false });
      const empty = await fill(scene);
      const result = await socket.secure();
      await empty();
      const next = await scene.create();
      await next.pause(true);
      await next.connect();
      await scene.accept(next);
      const again = await next.secure();
      if (again !== 0) return `secure ${result}, afterwards ${again}`;
      await next.pause(false);
      await scene.peer.ask('accepted', next.connection);
      await Promise.all([next.send(KIB), next.peer('write', KIB)]);
      return `secure ${result}, afterwards ${await arrives(next, KIB, KIB)}`;
    },
  },
  {
    name: 'no thread is left for the first connect of a process',
    transports: ['TCP'],
    needs: ['strace'],
    cold: true,
    expected: 'connect -12, afterwards 0',
    async run(scene) {
      const end = await injected(scene, 'clone,clone3:error=EAGAIN');
      const socket = await scene.create();
      const result = await socket.connect();
      await end();
      const again = await socket.connect();
      if (again === 0) await scene.accept(socket);
      return `connect ${result}, afterwards ${again}`;
    },
  },
  {
    name: 'no thread is left to look a name up',
    transports: ['TCP'],
    // The second begins before the thread of the first has come to rest.
    lookUps: 1,
    needs: ['namespaces', 'strace'],
    expected: 'connect -105, afterwards -105',
    async run(scene) {
      const end = await injected(scene, 'clone,clone3:error=EAGAIN');
      const socket = await scene.create();
      const result = await socket.connect('no-such-name.test');
      await end();
      return `connect ${result}, afterwards ${await socket.connect('no-such-name.test')}`;
    },
  },
  {
    name: 'no thread is left for a handshake',
    transports: ['TLS'],
    needs: ['strace'],
    expected: 'everything arrives',
    async run(scene) {
      await injected(scene, 'clone,clone3:error=EAGAIN');
      const socket = await scene.open();
      await Promise.all([socket.send(KIB), socket.peer('write', KIB)]);
      return arrives(socket, KIB, KIB);
    },
  },
  {
    name: 'no thread is left for the first handshake of a process',
    transports: ['TLS'],
    needs: ['strace'],
    cold: true,
    // The authorities are read by a thread of their own.
    expected: 'secure -12',
    async run(scene) {
      const socket = await scene.open({ paused: true, secure: false });
      await injected(scene, 'clone,clone3:error=EAGAIN');
      const result = await socket.secure();
      if (result !== 0) return `secure ${result}`;
      await scene.peer.ask('accepted', socket.connection);
      await socket.pause(false);
      await Promise.all([socket.send(KIB), socket.peer('write', KIB)]);
      return `secure ${result}, ${await arrives(socket, KIB, KIB)}`;
    },
  },
  ...[1, 2, 3].map((when) => ({
    name: `epoll_ctl() fails in a handshake, the ${when}. time`,
    transports: /** @type {['TLS']} */ (['TLS']),
    needs: ['strace'],
    expected: ['secure -2', 'secure -13'],
    async run(/** @type {Scene} */ scene) {
      const socket = await scene.open({ paused: true, secure: false });
      const end = await injected(scene, `epoll_ctl:error=ENOMEM:when=${when}`);
      const result = await socket.secure();
      await end();
      return `secure ${result}`;
    },
  })),
  {
    name: 'no local port is left',
    transports: ['TCP'],
    needs: ['namespaces'],
    expected: 'connect 0, 0, -108, afterwards 0',
    async run(scene) {
      await scene.network.near.sysctl('ipv4/ip_local_port_range', '50000 50001');
      const codes = [];
      const sockets = [];
      for (let count = 0; count < 3; count += 1) {
        const socket = await scene.create();
        sockets.push(socket);
        codes.push(await socket.connect());
        if (codes[count] === 0) await scene.accept(socket);
      }
      await scene.network.near.sysctl('ipv4/ip_local_port_range', '50000 50009');
      const again = await sockets[2].connect();
      if (again === 0) await scene.accept(sockets[2]);
      return `connect ${codes.join(', ')}, afterwards ${again}`;
    },
  },
  {
    name: 'the clock jumps two years ahead',
    needs: ['faketime'],
    clock: true,
    expected: [
      'everything arrives; afterwards connect 0',
      'everything arrives; afterwards secure -201',
    ],
    async run(scene) {
      const socket = await scene.open();
      await Promise.all([socket.send(KIB), socket.peer('write', KIB)]);
      await arrives(socket, KIB, KIB);
      scene.setClock('+2y');
      await Promise.all([socket.send(KIB), socket.peer('write', KIB)]);
      const end = await arrives(socket, 2 * KIB, 2 * KIB);
      const next = await scene.open({ paused: true, secure: false });
      return `${end}; afterwards ${scene.tls ? `secure ${await next.secure()}` : 'connect 0'}`;
    },
  },
];
