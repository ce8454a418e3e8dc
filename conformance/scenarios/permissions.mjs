/**
 * The permissions of a manifest's `sockets` member. No row needs a network: the names are below
 * `localhost`, and an address is looked up in the family that it is not of, which fails by itself.
 */
async function run({ create, tcp, runtime, log, parameters }) {
  for (const [host, port, family = 'any'] of parameters.rows) {
    const id = await create();
    const failure = await new Promise((resolve) =>
      tcp.connect(id, host, port, family, () => resolve(runtime.lastError?.message)),
    );
    const denied = failure === 'Does not have permission';
    log(`${JSON.stringify(host)} ${port}: ${denied ? 'denied' : 'allowed'}`);
  }
}

const PORT = 9;

/** Hosts without a port of their own are tried with a port that no pattern names. */
const rowsOf = (hosts) =>
  hosts.map((host) => {
    const [name, port = PORT] = Array.isArray(host) ? host : [host];
    // Addresses in every spelling end in a digit, but for IPv6 in brackets.
    const address = /[\d\]]\.?$|^0x|:/i.test(name);
    return address ? [name, port, name.includes(':') ? 'ipv4' : 'ipv6'] : [name, port];
  });

const label = (value) => (typeof value === 'string' ? JSON.stringify(value) : value);

/** `connect` patterns and the hosts and ports that they allow. */
const patterns = (connect, hosts) => ({
  name: `connect: ${JSON.stringify(connect)}`,
  manifest: { sockets: { tcp: { connect } } },
  parameters: { rows: rowsOf(hosts) },
  run,
});

/** A manifest of any form; if it is accepted, one host shows its permissions. */
const form = (manifest) => ({
  name: `manifest: ${typeof manifest === 'string' ? label(manifest) : JSON.stringify(manifest)}`,
  manifest,
  parameters: { rows: rowsOf(['a.localhost']) },
  run,
});

const EVERYTHING = [
  'a.localhost',
  ['a.localhost', 80],
  '127.0.0.1',
  '::1',
  '[::1]',
  '',
  ['127.0.0.1', 0],
];
const AROUND_A_DOMAIN = [
  'a.localhost',
  'A.LocalHost',
  'b.a.localhost',
  'c.b.a.localhost',
  'xa.localhost',
  '.a.localhost',
  'a.localhost.',
  'localhost',
];

export default [
  // Any host
  ...['', '*', ':', '*:*', '*:', ':*', '.', '*.', '.:*'].map((any) => patterns(any, EVERYTHING)),
  ...['*:80', ':80'].map((any) => patterns(any, ['a.localhost', ...EVERYTHING])),

  // Hosts and domains
  patterns('a.localhost', AROUND_A_DOMAIN),
  patterns('A.LOCALHOST', AROUND_A_DOMAIN),
  patterns('*.a.localhost', AROUND_A_DOMAIN),
  patterns('.a.localhost', AROUND_A_DOMAIN),
  patterns('*.A.Localhost:*', AROUND_A_DOMAIN),
  patterns('a.localhost.', AROUND_A_DOMAIN),
  patterns('*.a.localhost.', AROUND_A_DOMAIN),
  patterns('*..a.localhost', ['a.localhost', '.a.localhost', 'b..a.localhost', 'b.a.localhost']),
  patterns('..', ['.', '..', 'a..', 'a.localhost']),
  patterns('*a.localhost', ['a.localhost', '*a.localhost', 'xa.localhost']),
  patterns('*.*.localhost', ['a.localhost', 'b.a.localhost', '*.localhost', 'a.*.localhost']),
  patterns('a.*.localhost', ['a.b.localhost', 'a.*.localhost']),
  patterns('**.localhost', ['a.localhost', '**.localhost']),
  patterns('[a].localhost', ['a.localhost', '[a].localhost']),
  patterns('http//a.localhost', ['a.localhost', 'http//a.localhost']),
  patterns('user@a.localhost', ['a.localhost', 'user@a.localhost']),

  // Characters beyond ASCII
  patterns('ä.localhost', ['ä.localhost', 'Ä.localhost', 'xn--4ca.localhost']),
  patterns('Ä.localhost', ['ä.localhost', 'Ä.localhost']),
  patterns('*.ä.localhost', ['b.ä.localhost', 'b.xn--4ca.localhost']),
  patterns('xn--4ca.localhost', ['ä.localhost', 'xn--4ca.localhost']),
  patterns('\u212a.localhost', ['k.localhost', 'K.localhost', '\u212a.localhost']),

  // Ports
  patterns('a.localhost:80', [
    ['a.localhost', 80],
    ['a.localhost', 81],
    ['a.localhost', 0],
    ['a.localhost', 65536 + 80],
    ['a.localhost', 80 - 65536],
    ['b.localhost', 80],
  ]),
  patterns('a.localhost:1', [['a.localhost', 1]]),
  patterns('a.localhost:65535', [
    ['a.localhost', 65535],
    ['a.localhost', -1],
  ]),
  ...['0080', '+80', '00000000000000000000000080'].map((port) =>
    patterns(`a.localhost:${port}`, [
      ['a.localhost', 80],
      ['a.localhost', 81],
    ]),
  ),
  ...['0', '65536', '-1', '-0', '4294967376', '1.0', '8e1', '0x50', '++80', '+', '80-90', '80,81']
    .concat(['http', '**', ' 80', '80 ', ' ', '\t80', '80\u000b', '８０'])
    .map((port) => patterns(`a.localhost:${port}`, ['a.localhost', ['a.localhost', 80]])),

  // Addresses
  patterns('127.0.0.1', [
    '127.0.0.1',
    '127.1',
    '127.0.0.1.',
    '0x7f.0.0.1',
    'localhost',
    '127.0.0.10',
  ]),
  patterns('127.0.0.1:80', [
    ['127.0.0.1', 80],
    ['127.0.0.1', 81],
  ]),
  patterns('127.1', ['127.0.0.1', '127.1']),
  patterns('*.168.0.1', ['168.0.1', '192.168.0.1', '1.192.168.0.1', '0x.168.0.1', '256.168.0.1']),
  patterns('*.0.1', ['192.168.0.1', '168.0.1', '0xc0a8.0.1', 'a.0.1', '1.2.3.0.1', '1..0.1']),
  patterns('*.1', ['127.1', '0x7f.1', '127.0.0.1', 'a.1', '1', '::127.0.0.1', '0x7g.1', '09.1']),
  patterns('*.1.', ['127.1.', '127.0.0.1.', 'a.1.']),
  patterns('*.0x1', ['127.0x1', 'a.0x1', '127.0.0.0x1']),
  patterns('*.1]', ['[::127.0.0.1]', '[a.1]', '[::1.1.1.1.1]']),
  patterns('192.168.*', ['192.168.0.1', '192.168.*']),
  ...[
    '::1',
    '[::1]',
    '[::1]:80',
    '0:0:0:0:0:0:0:1',
    'a:80:',
    ':80:',
    '::',
    '*:*:*',
    'a.localhost:80:90',
  ].map((address) => patterns(address, ['::1', 'a.localhost'])),

  // White space
  ...[' ', ' a.localhost', 'a.localhost ', '\ta.localhost', 'a.localhost\n', '\u000ba.localhost']
    .concat(['\fa.localhost', ' *', '* ', ' :80', 'a.localhost :80'])
    .map((white) => patterns(white, ['a.localhost', ['a.localhost', 80]])),
  patterns('\u00a0a.localhost', ['a.localhost', '\u00a0a.localhost']),
  patterns('a . localhost', ['a.localhost', 'a . localhost']),
  patterns('* .a.localhost', ['a.localhost', 'b.a.localhost']),
  patterns('*.\ta\u000b.localhost', ['a.localhost', 'b.a.localhost']),
  patterns('a b.localhost', ['a b.localhost', 'ab.localhost']),

  // Lists
  patterns([], EVERYTHING),
  patterns([''], EVERYTHING),
  patterns(
    ['a.localhost:80', 'b.localhost:90'],
    [
      ['a.localhost', 80],
      ['a.localhost', 90],
      ['b.localhost', 80],
      ['b.localhost', 90],
    ],
  ),
  patterns(
    ['a.localhost', 'a.localhost', '*.a.localhost:80'],
    ['a.localhost', 'b.a.localhost', ['b.a.localhost', 80]],
  ),
  patterns(['a.localhost', '::1'], ['a.localhost']),
  patterns(['a.localhost b.localhost'], ['a.localhost', 'b.localhost']),
  patterns('a.localhost,b.localhost', ['a.localhost', 'b.localhost']),

  // The form of the manifest
  ...[5, 0.5, true, null, {}, { 0: '*' }, ['a.localhost', 5], [['a.localhost']], [null]].map(
    (connect) => form({ sockets: { tcp: { connect } } }),
  ),
  ...[{}, [], 'a.localhost', null, 5, { Connect: '*' }, { connect: '*', listen: 5 }].map((tcp) =>
    form({ sockets: { tcp } }),
  ),
  ...[
    {},
    [],
    '*',
    null,
    5,
    true,
    { TCP: { connect: '*' } },
    { serial: 5, tcp: { connect: '*' } },
  ].map((sockets) => form({ sockets })),
  ...[
    { udp: { bind: '*', send: ['a.localhost:80'] } },
    { udp: { bind: '::1' } },
    { udp: { send: ['*', 'a:b'] } },
    { udp: { send: 5 } },
    { udp: { multicastMembership: '' } },
    { udp: { multicastMembership: [] } },
    { udp: { multicastMembership: [''] } },
    { udp: { multicastMembership: '*' } },
    { udp: { multicastMembership: ':' } },
    { udp: { multicastMembership: ['', '*'] } },
    { udp: null },
    { tcpServer: { listen: ['*:80', ''] } },
    { tcpServer: { listen: 'a:0' } },
    { tcpServer: [] },
  ].map((other) => form({ sockets: { ...other, tcp: { connect: '*' } } })),

  // The text of the manifest
  ...[
    '{ "sockets": { "tcp": { "connect": "*" } } }',
    '{ // as Chrome Apps write it\n "sockets": { /* all */ "tcp": { "connect": "*" } } }',
    '{ "sockets": { "tcp": { "connect": "//*" } } }',
    '{ "sockets": { "tcp": { "connect": "/**/" } } }',
    '{ "sockets": { "tcp": { "connect": ["*",] } } }',
    '{ "sockets": { "tcp": { "connect": "\\x2a" } } }',
    '{ "sockets": { "tcp": { "connect": "\\u002a" } } }',
    '{ "sockets": { "tcp": { "connect": "a.localhost\n" } } }',
    '{ "sockets": { "tcp": { "connect": "a\n.localhost" } } }',
    ...['\t', '\r', '\r\n', '\u000b', '\u0001', '\u007f'].map(
      (raw) => `{ "sockets": { "tcp": { "connect": ["a${raw}.localhost", "*.localhost"] } } }`,
    ),
    '{ "sockets": { "tcp": { "connect": ["a.localhost", "\\q"] } } }',
    '{ "sockets": { "tcp": { "connect": "a.localhost\\v" } } }',
    "{ 'sockets': { 'tcp': { 'connect': '*' } } }",
    '\ufeff{ "sockets": { "tcp": { "connect": "*" } } }',
    '{ "sockets": { "tcp": { "connect": "b.localhost" } }, "sockets": { "tcp": { "connect": "*" } } }',
    '{ "sockets": { "tcp": { "connect": "*" } } ',
  ].map(form),

  // A call that is denied
  {
    name: 'a denied connect: no argument, and the socket stays as it was',
    manifest: { sockets: { tcp: { connect: 'b.localhost' } } },
    async run({ call, create }) {
      const id = await create();
      await call('connect', id, 'a.localhost', 9);
      await call('getInfo', id);
      await call('connect', id, 'b.localhost', 9);
    },
  },
  {
    name: 'a denied connect to an unknown socket',
    manifest: { sockets: { tcp: { connect: 'b.localhost' } } },
    async run({ call }) {
      await call('connect', 987654, 'a.localhost', 9);
    },
  },
  {
    name: 'a denied connect of a connected socket changes the name that secure() verifies',
    manifest: { sockets: { tcp: { connect: '127.0.0.1' } } },
    server: (peer) => peer.tls(),
    async run({ call, open, host }) {
      const id = await open({ paused: true, host });
      await call('connect', id, 'localhost', 9);
      await call('secure', id);
    },
  },
  {
    name: 'a denied connect takes its turn among other calls',
    manifest: { sockets: { tcp: { connect: 'b.localhost' } } },
    async run({ call, create }) {
      const id = await create();
      await Promise.all([
        call('getInfo', id),
        call('connect', id, 'a.localhost', 9),
        call('getInfo', id),
        call('close', id),
      ]);
    },
  },
  ...['3', 0, 1, 2.5, 4, true, null].map((version) => ({
    name: `manifest_version ${JSON.stringify(version)}`,
    manifest: { manifest_version: version, sockets: { tcp: { connect: '*' } } },
    server: (peer) => peer.tcp(),
    async run({ create, call, port }) {
      const id = await create();
      await call('connect', id, '127.0.0.1', port);
    },
  })),
];
