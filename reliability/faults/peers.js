'use strict';

/** Faults of the peer and of the path to it. */

const { DEVICE, UNUSED_ADDRESS } = require('./network.js');
const {
  BROKEN,
  KIB,
  MIB,
  arrives,
  connecting,
  ends,
  pass,
  spell,
  told,
} = require('./observations.js');

/**
 * @typedef {import('./harness.js').Fault} Fault
 * @typedef {import('./observations.js').Scene} Scene
 * @typedef {import('./observations.js').Socket} Socket
 */

/** @type {import('./harness.js').Transport[]} */
const TCP = ['TCP'];
/** @type {import('./harness.js').Transport[]} */
const TLS = ['TLS'];

const NETWORK = ['namespaces'];
const FIREWALL = ['namespaces', 'iptables'];

/** A transfer that takes a while. */
const LARGE_SEND = 8 * MIB;

/** More than the operating systems buffer when the peer does not read, in `SENDS` sends. */
const OVERFLOWING_SEND = 4 * LARGE_SEND;
const SENDS = 4;

/** @param {Scene} scene */
const dropConnects = ({ network }) => network.far.iptables('-A INPUT -p tcp --syn -j DROP');

/** @param {Scene} scene */
const dropAll = ({ network }) => network.far.iptables('-A INPUT -p tcp -j DROP');

// ---- Connecting ---------------------------------------------------------------------------------

/**
 * @param {'disconnect' | 'close'} method
 * @returns {Fault}
 */
const endedEarly = (method) => ({
  name: `no answer to a connect, and ${method}() before there is one`,
  transports: TCP,
  needs: FIREWALL,
  expected: `connect -3, ${method} null`,
  async run(scene) {
    await dropConnects(scene);
    const socket = await scene.create();
    const connect = socket.connect();
    await pass(100);
    const result = await (method === 'close' ? socket.close() : socket.call(method));
    return `connect ${await connect}, ${method} ${result}`;
  },
});

/** @type {Fault[]} */
const strangers = [
  {
    name: 'no server listens on the port',
    transports: TCP,
    expected: 'connect -102',
    async run(scene) {
      await scene.peer.ask('unlisten', scene.port);
      return connecting(scene);
    },
  },
  {
    name: 'a firewall resets connection attempts',
    transports: TCP,
    needs: FIREWALL,
    expected: 'connect -102',
    async run(scene) {
      await scene.network.far.iptables('-A INPUT -p tcp -j REJECT --reject-with tcp-reset');
      return connecting(scene);
    },
  },
  {
    name: 'no machine has the address',
    transports: TCP,
    needs: NETWORK,
    expected: 'connect -109',
    run: (scene) => connecting(scene, UNUSED_ADDRESS),
  },
  {
    name: 'no answer to a connect until the operating system gives up',
    transports: TCP,
    needs: FIREWALL,
    expected: 'connect -118',
    async run(scene) {
      await scene.network.near.sysctl('ipv4/tcp_syn_retries', 1);
      await dropConnects(scene);
      return connecting(scene);
    },
  },
  endedEarly('disconnect'),
  endedEarly('close'),
  {
    name: 'the first packets of a connection are lost',
    transports: TCP,
    needs: FIREWALL,
    expected: 'connect 0',
    async run(scene) {
      await dropConnects(scene);
      const lifted = pass(500).then(() => scene.network.far.flush());
      const socket = await scene.create();
      const result = await socket.connect();
      await lifted;
      await scene.accept(socket);
      return `connect ${result}`;
    },
  },
  {
    name: 'the backlog of the server is full',
    transports: TCP,
    configuration: { connectTimeout: 400 },
    expected: 'connect -118',
    async run(scene) {
      const port = await scene.peer.ask('listenAndBlock', scene.host);
      return connecting(scene, scene.host, port);
    },
  },
  {
    name: 'the peer resets as soon as it has accepted',
    transports: TCP,
    // A peer that has already left is not connected.
    expected: ['connect 0, onReceiveError -100, send -15', 'connect -15', 'connect -101'],
    run: (scene) => shortLived(scene, 'reset'),
  },
  {
    name: 'the peer sends data and closes as soon as it has accepted',
    transports: TCP,
    expected: 'connect 0, onReceiveError -100, send -15',
    run: (scene) => shortLived(scene, 'say and end', KIB),
  },
  {
    name: 'the peer closes as soon as it has accepted',
    transports: TCP,
    expected: 'connect 0, onReceiveError -100, send -15',
    run: (scene) => shortLived(scene, 'end'),
  },
  {
    name: 'IPv6 without a route',
    transports: TCP,
    needs: NETWORK,
    expected: 'connect -109',
    run: (scene) => connecting(scene, 'fd77::2'),
  },
  {
    name: 'IPv6 is switched off',
    transports: TCP,
    needs: NETWORK,
    // The loopback address disappears as well.
    expected: 'connect -108',
    async run(scene) {
      await scene.network.near.sysctl('ipv6/conf/all/disable_ipv6', 1);
      return connecting(scene, '::1');
    },
  },
];

/**
 * @param {Scene} scene
 * @param {'reset' | 'end' | 'say and end'} then
 * @param {number} [length] of what it says
 */
async function shortLived(scene, then, length = 0) {
  const port = await scene.listen({ then, secure: undefined });
  const socket = await scene.create();
  const result = await socket.connect(scene.host, port);
  if (result !== 0) return `connect ${result}`;
  await scene.accept(socket);
  return `connect 0, ${await ends(socket, length)}`;
}

// ---- The handshake ------------------------------------------------------------------------------

/**
 * @param {string} name
 * @param {string} expected
 * @param {(scene: Scene, socket: Socket) => unknown} action
 * @param {Partial<Fault>} [rest]
 * @returns {Fault}
 */
const handshake = (name, expected, action, rest = {}) => ({
  name: `instead of a handshake, ${name}`,
  transports: TLS,
  expected,
  async run(scene) {
    const port = await scene.listen({ secure: undefined });
    const socket = await scene.create();
    await socket.pause(true);
    await socket.connect(scene.host, port);
    await scene.accept(socket);
    socket.speaksOurs = false;
    const secured = socket.secure();
    await socket.peer('received', 1);
    const said = await action(scene, socket);
    const result = `secure ${await secured}`;
    return typeof said === 'string' ? `${result}, ${said}` : result;
  },
  ...rest,
});

/** @type {Fault[]} */
const handshakes = [
  handshake('an end', 'secure -100', (_, socket) => socket.peer('end')),
  handshake('a reset', 'secure -101', (_, socket) => socket.peer('reset')),
  handshake('nonsense', 'secure -107', (_, socket) => socket.peer('write', KIB)),
  handshake('silence, until disconnect()', 'secure -3, disconnect null', async (_, socket) => {
    return `disconnect ${await socket.call('disconnect')}`;
  }),
  handshake('silence, until close()', 'secure -3, close null', async (_, socket) => {
    return `close ${await socket.close()}`;
  }),
  handshake(
    'the connection is destroyed at the peer',
    'secure -101',
    ({ network }) => network.far.destroyConnections(),
    { needs: ['namespaces', 'ss -K'] },
  ),
  handshake(
    'the connection is destroyed on this machine',
    'secure -103',
    ({ network }) => network.near.destroyConnections(),
    { needs: ['namespaces', 'ss -K'] },
  ),
  {
    name: 'the peer has vanished before the handshake',
    transports: TLS,
    needs: FIREWALL,
    expected: 'secure -7',
    async run(scene) {
      await scene.network.near.sysctl('ipv4/tcp_retries2', 2);
      const socket = await scene.open({ paused: true, secure: false });
      await dropAll(scene);
      return `secure ${await socket.secure()}`;
    },
  },
];

// ---- Afterwards: the end ------------------------------------------------------------------------

/**
 * @param {string} name
 * @param {string | string[]} expected
 * @param {(scene: Scene, socket: Socket) => Promise<string>} action with a connection on which
 *   something was said
 * @param {Partial<Fault>} [rest]
 * @returns {Fault}
 */
const connected = (name, expected, action, rest = {}) => ({
  name,
  expected,
  async run(scene) {
    const socket = await scene.open();
    await Promise.all([socket.send(KIB), socket.peer('write', KIB)]);
    await arrives(socket, KIB, KIB);
    return action(scene, socket);
  },
  ...rest,
});

/** The results of all sends that a broken connection aborts, and the end. */
const ABORTED_SENDS = 'sends -2, then -15; onReceiveError -100, send -15';

/**
 * Many sends are under way to a peer that does not read; then something happens.
 *
 * @param {Socket} socket
 * @param {() => unknown} action
 */
async function whileSending(socket, action) {
  await socket.peer('pause');
  const sends = socket.send(OVERFLOWING_SEND, SENDS);
  await pass(200);
  await action();
  return sends;
}

/** @type {Fault[]} */
const endings = [
  connected('the peer closes', `${BROKEN}, all received`, async (_, socket) => {
    await socket.peer('write', MIB);
    await socket.peer('end');
    return `${await ends(socket, KIB + MIB)}, all received`;
  }),
  connected(
    'the peer closes while the socket is paused',
    `${BROKEN}, all received`,
    async (_, socket) => {
      await socket.pause(true);
      // As much as the operating system keeps for it.
      await socket.peer('write', 50 * KIB);
      await socket.peer('end');
      await pass(100);
      await socket.pause(false);
      return `${await ends(socket, 51 * KIB)}, all received`;
    },
  ),
  connected('the peer resets', BROKEN, async (_, socket) => {
    await socket.peer('reset');
    return ends(socket);
  }),
  connected('the peer resets during a large transfer', BROKEN, async (_, socket) => {
    const writing = socket.peer('write', LARGE_SEND);
    await socket.received(MIB);
    await socket.peer('reset');
    await writing;
    return ends(socket);
  }),
  connected('the peer resets while the socket is paused', BROKEN, async (_, socket) => {
    await socket.pause(true);
    await socket.peer('write', 100 * KIB);
    await socket.peer('reset');
    await pass(50);
    await socket.pause(false);
    return ends(socket);
  }),
  connected('the peer resets during large sends to it', ABORTED_SENDS, async (_, socket) => {
    const codes = await whileSending(socket, () => socket.peer('reset'));
    return `sends ${told(codes)}; ${await ends(socket)}`;
  }),
  connected('the peer closes without reading', ABORTED_SENDS, async (_, socket) => {
    const codes = await whileSending(socket, () => socket.peer('destroy'));
    return `sends ${told(codes)}; ${await ends(socket)}`;
  }),
  connected(
    'the peer closes its half during large sends to it',
    ABORTED_SENDS,
    async (_, socket) => {
      const codes = await whileSending(socket, () => socket.peer('end'));
      return `sends ${told(codes)}; ${await ends(socket)}`;
    },
  ),
  connected('the process of the peer is killed', BROKEN, async (scene, socket) => {
    socket.speaksOurs = false;
    scene.peer.signal('SIGKILL');
    return ends(socket);
  }),
  connected(
    'the connection is destroyed at the peer',
    BROKEN,
    async (scene, socket) => {
      await scene.network.far.destroyConnections();
      return ends(socket);
    },
    { needs: ['namespaces', 'ss -K'] },
  ),
  connected(
    'the connection is destroyed on this machine',
    BROKEN,
    async (scene, socket) => {
      await scene.network.near.destroyConnections();
      return ends(socket);
    },
    { needs: ['namespaces', 'ss -K'] },
  ),
  connected(
    'the peer has lost the connection, as after a restart',
    'send 0, onReceiveError -100, send -15',
    async (scene, socket) => {
      await scene.network.far.iptables('-A OUTPUT -p tcp --tcp-flags RST RST -j DROP');
      await scene.network.far.destroyConnections();
      await scene.network.far.flush();
      const [code] = await socket.send(10);
      return `send ${code}, ${await ends(socket)}`;
    },
    { needs: [...FIREWALL, 'ss -K'] },
  ),
  connected(
    'a firewall resets an established connection',
    'send 0, onReceiveError -100, send -15',
    async (scene, socket) => {
      await scene.network.far.iptables('-A INPUT -p tcp -j REJECT --reject-with tcp-reset');
      const [code] = await socket.send(10);
      return `send ${code}, ${await ends(socket)}`;
    },
    { needs: FIREWALL },
  ),
  connected(
    'the peer vanishes, and keep-alive detects it',
    BROKEN,
    async (scene, socket) => {
      await scene.network.near.sysctl('ipv4/tcp_keepalive_probes', 1);
      // The socket's own setting counts, which the kernel reads at each probe.
      const result = await socket.call('setKeepAlive', true, 1);
      if (result !== 0) return `setKeepAlive ${result}`;
      await dropAll(scene);
      return ends(socket);
    },
    { needs: FIREWALL },
  ),
  connected(
    'the peer vanishes with unacknowledged data',
    'send 0, onReceiveError -100, send -15',
    async (scene, socket) => {
      await scene.network.near.sysctl('ipv4/tcp_retries2', 2);
      await dropAll(scene);
      const [code] = await socket.send(10);
      return `send ${code}, ${await ends(socket)}`;
    },
    { needs: FIREWALL },
  ),
  connected(
    'the peer vanishes during large sends to it',
    ABORTED_SENDS,
    async (scene, socket) => {
      await scene.network.near.sysctl('ipv4/tcp_retries2', 2);
      await dropAll(scene);
      const codes = await socket.send(OVERFLOWING_SEND, SENDS);
      return `sends ${told(codes)}; ${await ends(socket)}`;
    },
    { needs: FIREWALL },
  ),
  connected(
    'a send on a paused socket after the peer has closed',
    'sends 0, then -2, then -15',
    async (_, socket) => {
      await socket.pause(true);
      // Data of the read in flight arrives first.
      await socket.peer('write', KIB);
      await socket.received(2 * KIB);
      await socket.peer('destroy');
      const codes = [];
      for (let count = 0; count < 3; count += 1) {
        await pass(50);
        codes.push(...(await socket.send(10)));
      }
      return `sends ${told(codes)}`;
    },
  ),
  connected(
    'the application disconnects during transfers in both directions',
    'sends -3; onReceiveError -100, send -15',
    async (_, socket) => {
      const writing = socket.peer('write', LARGE_SEND);
      await socket.received(MIB);
      const sends = whileSending(socket, () => socket.call('disconnect'));
      const codes = await sends;
      await writing;
      return `sends ${told(codes)}; ${await ends(socket)}`;
    },
  ),
  connected(
    'the application closes during transfers in both directions',
    'sends -3',
    async (_, socket) => {
      const writing = socket.peer('write', LARGE_SEND);
      await socket.received(MIB);
      const codes = await whileSending(socket, () => socket.close());
      await writing;
      return `sends ${told(codes)}`;
    },
  ),
  connected(
    'TCP ends without close_notify',
    BROKEN,
    async (_, socket) => {
      await socket.peer('cut');
      return ends(socket);
    },
    { transports: TLS },
  ),
  connected(
    'TCP ends in the middle of a record',
    BROKEN,
    async (_, socket) => {
      // The head of a record of 256 bytes, and three of them.
      await socket.peer('inject', '1703030100010203');
      await socket.peer('cut');
      return ends(socket);
    },
    { transports: TLS },
  ),
  connected(
    'a forged record',
    BROKEN,
    async (_, socket) => {
      await socket.peer('inject', `1703030020${'5a'.repeat(32)}`);
      return ends(socket);
    },
    { transports: TLS },
  ),
  connected(
    'plaintext between the records',
    BROKEN,
    async (_, socket) => {
      await socket.peer('inject', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n').toString('hex'));
      return ends(socket);
    },
    { transports: TLS },
  ),
];

// ---- Afterwards: slow, small, cut up ------------------------------------------------------------

/**
 * @param {Socket} socket
 * @param {number} length
 */
async function exchange(socket, length) {
  await Promise.all([socket.send(length), socket.peer('write', length)]);
  return arrives(socket, KIB + length, KIB + length);
}

const ALL_ARRIVES = 'everything arrives';

/**
 * @param {string} name
 * @param {(scene: Scene) => unknown} prepare
 * @param {string[]} needs
 * @param {number} [length]
 * @returns {Fault}
 */
const poor = (name, prepare, needs, length = 200 * KIB) =>
  connected(
    name,
    ALL_ARRIVES,
    async (scene, socket) => {
      await prepare(scene);
      return exchange(socket, length);
    },
    { needs },
  );

/** @type {Fault[]} */
const poorly = [
  {
    name: 'a handshake over a link of 64 kbit/s',
    transports: TLS,
    needs: ['namespaces', 'tc tbf'],
    expected: ALL_ARRIVES,
    async run(scene) {
      const { near, far } = scene.network;
      const narrow = `tc qdisc add dev ${DEVICE} root tbf rate 64kbit burst 1600 latency 2s`;
      await Promise.all([near, far].map((end) => end.sh(narrow)));
      const socket = await scene.open();
      await Promise.all([socket.send(KIB), socket.peer('write', KIB)]);
      return arrives(socket, KIB, KIB);
    },
  },
  poor(
    'one packet in twenty is lost',
    ({ network }) =>
      Promise.all(
        [network.near, network.far].map((end) =>
          end.iptables('-A INPUT -p tcp -m statistic --mode random --probability 0.05 -j DROP'),
        ),
      ),
    FIREWALL,
  ),
  poor(
    'a link of 4 Mbit/s',
    ({ network }) =>
      Promise.all(
        [network.near, network.far].map((end) =>
          end.sh(`tc qdisc add dev ${DEVICE} root tbf rate 4mbit burst 16k latency 50ms`),
        ),
      ),
    ['namespaces', 'tc tbf'],
    512 * KIB,
  ),
  poor(
    'large packets are lost without an ICMP error',
    ({ network }) =>
      Promise.all(
        [network.near, network.far].map((end) =>
          end.sh(
            'echo 1 > /proc/sys/net/ipv4/tcp_mtu_probing\niptables -w -A INPUT -m length --length 1200:65535 -j DROP',
          ),
        ),
      ),
    FIREWALL,
    20 * KIB,
  ),
  {
    name: 'the path MTU shrinks and grows again',
    needs: NETWORK,
    expected: ALL_ARRIVES,
    run: (scene) => {
      const both = (/** @type {number} */ mtu) => async () => {
        const { near, far } = scene.network;
        await Promise.all([near, far].map((end) => end.sh(`ip link set ${DEVICE} mtu ${mtu}`)));
      };
      return spell(scene, both(600), both(1500));
    },
  },
  {
    name: "the operating system's buffers have the minimum size",
    needs: NETWORK,
    expected: ALL_ARRIVES,
    async run(scene) {
      const { near, far } = scene.network;
      await Promise.all(
        [near, far].map((end) =>
          end.sh(
            'for name in rmem wmem; do echo 4096 4096 4096 > /proc/sys/net/ipv4/tcp_$name; done',
          ),
        ),
      );
      const socket = await scene.open();
      await Promise.all([socket.send(100 * KIB), socket.peer('write', 100 * KIB)]);
      return arrives(socket, 100 * KIB, 100 * KIB);
    },
  },
  connected('the peer sends byte by byte', ALL_ARRIVES, async (_, socket) => {
    await socket.peer('write', 2000, { piece: 1 });
    return arrives(socket, KIB + 2000, KIB);
  }),
  connected('the peer sends single bytes with pauses', ALL_ARRIVES, async (_, socket) => {
    await socket.peer('write', 50, { piece: 1, delay: 10 });
    return arrives(socket, KIB + 50, KIB);
  }),
  {
    name: 'every byte of TLS arrives in a segment of its own, also in the handshake',
    transports: TLS,
    expected: ALL_ARRIVES,
    async run(scene) {
      const port = await scene.listen({ dribble: true });
      scene.port = port;
      const socket = await scene.open();
      await Promise.all([socket.send(2 * KIB), socket.peer('write', 2 * KIB)]);
      return arrives(socket, 2 * KIB, 2 * KIB);
    },
  },
  connected('the peer reads slowly', ALL_ARRIVES, async (_, socket) => {
    await socket.peer('readSlowly', 2);
    const codes = await socket.send(4 * MIB, 4);
    return told(codes) === '0' ? arrives(socket, KIB, KIB + 4 * MIB) : told(codes);
  }),
  connected('the peer stops reading for a while', ALL_ARRIVES, async (_, socket) => {
    const codes = whileSending(socket, () => pass(300).then(() => socket.peer('resume')));
    const end = await arrives(socket, KIB, KIB + OVERFLOWING_SEND);
    return told(await codes) === '0' ? end : told(await codes);
  }),
  connected('the application stops reading for a while', ALL_ARRIVES, async (_, socket) => {
    await socket.pause(true);
    const writing = socket.peer('write', LARGE_SEND);
    await pass(300);
    await socket.pause(false);
    await writing;
    return arrives(socket, KIB + LARGE_SEND, KIB);
  }),
  connected(
    'the process of the peer is stopped for a while',
    ALL_ARRIVES,
    async (scene, socket) => {
      scene.peer.signal('SIGSTOP');
      const sending = socket.send(LARGE_SEND);
      await pass(500);
      scene.peer.signal('SIGCONT');
      await sending;
      return arrives(socket, KIB, KIB + LARGE_SEND);
    },
    { needs: ['Linux'] },
  ),
  connected(
    'the process of the application is stopped for a while',
    ALL_ARRIVES,
    async (scene, socket) => {
      const writing = socket.peer('write', LARGE_SEND);
      await socket.received(MIB);
      scene.application.signal('SIGSTOP');
      await pass(500);
      scene.application.signal('SIGCONT');
      await writing;
      return arrives(socket, KIB + LARGE_SEND, KIB);
    },
    { needs: ['Linux'] },
  ),
  {
    name: 'another address, and a new connection from it',
    needs: NETWORK,
    expected: 'send 0, onReceiveError -100, send -15; everything arrives',
    async run(scene) {
      await scene.network.near.sysctl('ipv4/tcp_retries2', 2);
      const socket = await scene.open();
      await scene.network.near.sh(
        `ip address flush dev ${DEVICE}\nip address add 10.77.0.7/24 dev ${DEVICE}`,
      );
      const [code] = await socket.send(10);
      const end = await ends(socket);
      const next = await scene.open();
      await Promise.all([next.send(KIB), next.peer('write', KIB)]);
      return `send ${code}, ${end}; ${await arrives(next, KIB, KIB)}`;
    },
  },
];

module.exports = [...strangers, ...handshakes, ...endings, ...poorly];
