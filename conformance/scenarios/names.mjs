/** The peer listens on 127.0.0.1 and on [::1] with different ports; no scenario needs the network. */
async function run({ call, create, ports, parameters }) {
  for (const [host, type, on = 'main'] of parameters.rows) {
    const id = await create();
    const rest = type === undefined || type === null ? [] : [type];
    await call('connect', id, host, ports[on], ...rest);
    await call('getInfo', id);
  }
}

async function server(peer) {
  await peer.tcp();
  await peer.tcp({ name: 'six', host: '::1' });
}

const names = (name, rows) => ({ name, parameters: { rows }, server, run });

const port = (name, shift) => ({
  name,
  parameters: { shift },
  server: (peer) => peer.tcp(),
  async run({ call, create, port: main, parameters }) {
    const id = await create();
    await call('connect', id, '127.0.0.1', main + parameters.shift);
    await call('getInfo', id);
  },
});

export default [
  names('127.0.0.1', [['127.0.0.1']]),
  names('shorthand of IPv4', [
    ['127.1'],
    ['127.0.1'],
    ['0x7f.1'],
    ['0x7f000001'],
    ['2130706433'],
    ['0177.0.0.1'],
    ['017700000001'],
    ['127.0.0.01'],
    ['127.0.0.1.'],
    ['0X7F.0.0.1'],
  ]),
  names('localhost in its spellings', [
    ['localhost'],
    ['LOCALHOST'],
    ['LocalHost'],
    ['localhost.'],
  ]),
  names('names below localhost', [
    ['foo.localhost'],
    ['a.b.c.localhost'],
    ['FOO.LOCALHOST.'],
    ['-.localhost'],
  ]),
  names('IPv6', [
    ['::1', null, 'six'],
    ['0:0:0:0:0:0:0:1', null, 'six'],
    ['0000:0000::0001', null, 'six'],
    ['::0.0.0.1', null, 'six'],
  ]),
  names('an IPv4 address mapped into IPv6', [['::ffff:127.0.0.1'], ['::FFFF:7F00:1']]),
  names('localhost on IPv6 only', [
    ['localhost', null, 'six'],
    ['localhost', 'ipv6', 'six'],
    ['foo.localhost', 'any', 'six'],
  ]),
  names('brackets are not part of a name', [
    ['[::1]', null, 'six'],
    ['[::1', null, 'six'],
    ['::1]', null, 'six'],
    ['[127.0.0.1]'],
  ]),
  names('zone ids', [
    ['fe80::1%lo', null, 'six'],
    ['::1%lo', null, 'six'],
    ['::1%1', null, 'six'],
  ]),
  names('empty and white', [
    [''],
    [' '],
    [' localhost'],
    ['localhost '],
    ['local host'],
    ['127.0.0.1 '],
    ['\tlocalhost'],
    ['localhost\n'],
    ['local\nhost'],
    ['\u00a0'],
  ]),
  names('dots in the wrong places', [
    ['.'],
    ['..'],
    ['.localhost'],
    ['a..b'],
    ['localhost..'],
    ['a..localhost'],
  ]),
  names('numbers that are no address', [
    ['256.1.1.1'],
    ['127.0.0.256'],
    ['1.2.3.4.5'],
    ['127.0.0.1.1'],
    ['4294967296'],
    ['0x100000000'],
    ['127.0.0.08'],
    ['127.0.0.0x'],
    ['1.2.3.-4'],
    ['-1'],
    ['1e3'],
    ['foo.1'],
    ['foo.0x1'],
  ]),
  names('characters that no name may have', [
    ['a/b'],
    ['a\\b'],
    ['a?b'],
    ['a#b'],
    ['a@b'],
    ['a:b'],
    ['a:80'],
    ['127.0.0.1:80'],
    ['http://localhost'],
    ['localhost/'],
    ['user@localhost'],
    ['a<b'],
    ['a^b'],
    ['a|b'],
    ['a,b'],
    ['a*b'],
    ['*'],
    ["a'b"],
    ['a"b'],
    ['a\u0000b'],
    ['a\u007fb'],
  ]),
  names('percent-encoding', [
    ['%6cocalhost'],
    ['localhos%74'],
    ['%31%32%37.0.0.1'],
    ['a%20b'],
    ['%'],
    ['%zz'],
    ['%00'],
  ]),
  names('names beyond ASCII', [
    ['ｌｏｃａｌｈｏｓｔ'],
    ['１２７.0.0.1'],
    ['127。0。0。1'],
    ['ℓocalhost'],
    ['bücher.localhost'],
    ['xn--bcher-kva.localhost'],
    ['☃.localhost'],
    ['lo\u00adcalhost'],
    ['\u200dx.localhost'],
    ['\ud800.localhost'],
    ['xn--\u00fc.localhost'],
    ['faß.localhost'],
  ]),
  names('labels with underscores, hyphens and digits', [
    ['_a.localhost'],
    ['a_b.localhost'],
    ['-a.localhost'],
    ['a-.localhost'],
    ['1.localhost'],
  ]),
  names('very long names', [
    [`${'a'.repeat(63)}.localhost`],
    [`${'a'.repeat(64)}.localhost`],
    [`${'a.'.repeat(122)}localhost`],
    [`${'a.'.repeat(123)}localhost`],
    [`${'a.'.repeat(130)}localhost`],
    ['x'.repeat(300)],
  ]),
  names('dnsQueryType with names', [
    ['localhost', 'any'],
    ['localhost', 'ipv4'],
    ['localhost', 'ipv6'],
  ]),
  names('dnsQueryType with addresses', [
    ['127.0.0.1', 'any'],
    ['127.0.0.1', 'ipv4'],
    ['127.0.0.1', 'ipv6'],
    ['127.1', 'ipv6'],
    ['::1', 'any', 'six'],
    ['::1', 'ipv6', 'six'],
    ['::1', 'ipv4', 'six'],
    ['::ffff:127.0.0.1', 'ipv4'],
    ['::ffff:127.0.0.1', 'ipv6'],
  ]),
  names('a name that does not exist', [
    ['does-not-exist.invalid'],
    ['does-not-exist.invalid', 'ipv4'],
    ['does-not-exist.invalid', 'ipv6'],
  ]),
  names('0.0.0.0 and ::', [['0.0.0.0'], ['0'], ['::', null, 'six']]),
  port('a port 65536 too large', 65536),
  port('a port 65536 too small', -65536),
  {
    name: 'ports at the edges',
    async run({ call, create }) {
      for (const port of [0, 65536, -65536, 131072]) {
        const id = await create();
        await call('connect', id, '127.0.0.1', port);
      }
    },
  },
  {
    name: 'a refused localhost gives the error of the last address',
    server: (peer) => peer.nobody(),
    async run({ call, create, port }) {
      const id = await create();
      await call('connect', id, 'localhost', port);
      await call('connect', id, '::1', port);
    },
  },
];
