'use strict';

/** Faults of the network as a whole: while connecting, during a handshake and afterwards. */

const { DEVICE, PEER } = require('./network.js');
const { KIB, OUTAGE_MS, arrives, pass, spell } = require('./observations.js');

/**
 * @typedef {import('./harness.js').Fault} Fault
 * @typedef {import('./observations.js').Scene} Scene
 */

/**
 * Faults of the network as a whole: the code of a `connect()`, and how the fault begins and ends.
 * Existing connections survive it.
 *
 * @type {{ name: string, code: number | number[], needs?: string[], connectTimeout?: number, begin: (scene: Scene) => unknown, end?: (scene: Scene) => unknown }[]}
 */
const CONDITIONS = [
  {
    name: 'the peer drops every packet',
    code: -118,
    needs: ['iptables'],
    connectTimeout: 400,
    begin: ({ network }) => network.far.iptables('-A INPUT -p tcp -j DROP'),
  },
  {
    name: 'this machine drops the packets that it sends',
    code: -118,
    needs: ['iptables'],
    connectTimeout: 400,
    begin: ({ network }) => network.near.iptables('-A OUTPUT -p tcp -j DROP'),
  },
  ...[
    ['icmp-host-unreachable', 'host unreachable', -109],
    ['icmp-net-unreachable', 'network unreachable', -109],
    ['icmp-admin-prohibited', 'prohibited', -109],
    ['icmp-port-unreachable', 'port unreachable', -102],
    ['icmp-proto-unreachable', 'protocol unreachable', -11],
  ].map(([kind, name, code]) => ({
    name: `a router answers: ${name}`,
    code: Number(code),
    needs: ['iptables'],
    begin: (/** @type {Scene} */ { network }) =>
      network.far.iptables(`-A INPUT -p tcp -j REJECT --reject-with ${kind}`),
  })),
  {
    name: 'the firewall of this machine answers: prohibited',
    code: -109,
    needs: ['iptables'],
    begin: ({ network }) =>
      network.near.iptables('-A OUTPUT -p tcp -j REJECT --reject-with icmp-admin-prohibited'),
  },
  ...[
    ['throw', -109],
    ['unreachable', -109],
    ['prohibit', -138],
    ['blackhole', -4],
  ].map(([kind, code]) => ({
    name: `the route is one of kind ${kind}`,
    code: Number(code),
    begin: (/** @type {Scene} */ { network }) => network.near.sh(`ip route add ${kind} ${PEER}`),
    end: (/** @type {Scene} */ { network }) => network.near.sh(`ip route delete ${kind} ${PEER}`),
  })),
  {
    name: 'there is no route',
    code: -109,
    begin: ({ network }) => network.near.sh(`ip route flush table main`),
    end: ({ network }) => network.near.sh(`ip route add 10.77.0.0/24 dev ${DEVICE}`),
  },
  {
    name: 'the interface is down',
    code: -109,
    begin: ({ network }) => network.near.sh(`ip link set ${DEVICE} down`),
    end: ({ network }) => network.near.sh(`ip link set ${DEVICE} up`),
  },
  {
    name: "the peer's interface is down",
    code: -109,
    begin: ({ network }) => network.far.sh(`ip link set ${DEVICE} down`),
    end: ({ network }) => network.far.sh(`ip link set ${DEVICE} up`),
  },
  {
    name: 'this machine has lost its address',
    code: -109,
    begin: ({ network }) => network.near.sh(`ip address flush dev ${DEVICE}`),
    end: ({ network }) =>
      network.near.sh(`ip address add ${network.near.address}/24 dev ${DEVICE}`),
  },
  {
    name: 'the peer has lost its address',
    code: -109,
    begin: ({ network }) => network.far.sh(`ip address delete ${PEER}/24 dev ${DEVICE}`),
    end: ({ network }) => network.far.sh(`ip address add ${PEER}/24 dev ${DEVICE}`),
  },
];

/** @param {Scene} scene */
const flush = ({ network }) => Promise.all([network.near.flush(), network.far.flush()]);

/** @type {Fault[]} */
const conditions = CONDITIONS.flatMap(
  ({ name, code, needs = [], connectTimeout, begin, end = flush }) => {
    const all = ['namespaces', ...needs];
    return [
      {
        name: `connecting while ${name}`,
        transports: /** @type {['TCP']} */ (['TCP']),
        needs: all,
        configuration: connectTimeout ? { connectTimeout } : undefined,
        expected: [code].flat().map((each) => `connect ${each}, afterwards 0`),
        async run(/** @type {Scene} */ scene) {
          await forgetNeighbours(scene);
          await begin(scene);
          const socket = await scene.create();
          const result = await socket.connect();
          await end(scene);
          await forgetNeighbours(scene);
          const again = await socket.connect();
          if (again === 0) await scene.accept(socket);
          return `connect ${result}, afterwards ${again}`;
        },
      },
      {
        name: `for a moment during the handshake, ${name}`,
        transports: /** @type {['TLS']} */ (['TLS']),
        needs: all,
        expected: 'secure 0, everything arrives',
        async run(/** @type {Scene} */ scene) {
          const socket = await scene.open({ paused: true, secure: false });
          await begin(scene);
          const secured = socket.secure();
          await pass(OUTAGE_MS);
          await end(scene);
          const result = await secured;
          await scene.peer.ask('accepted', socket.connection);
          await socket.pause(false);
          await Promise.all([socket.send(KIB), socket.peer('write', KIB)]);
          return `secure ${result}, ${await arrives(socket, KIB, KIB)}`;
        },
      },
      {
        name: `for a moment on an established connection, ${name}`,
        needs: all,
        expected: 'everything arrives',
        run: (/** @type {Scene} */ scene) =>
          spell(
            scene,
            () => begin(scene),
            () => end(scene),
          ),
      },
    ];
  },
);

/**
 * Clears the neighbour table, and shortens the wait for an answer to less than a second.
 *
 * @param {Scene} scene
 */
async function forgetNeighbours({ network }) {
  await network.near.sysctl(`ipv4/neigh/${DEVICE}/retrans_time_ms`, 100);
  await network.near.sh(`ip neigh flush dev ${DEVICE}`);
}

module.exports = conditions;
