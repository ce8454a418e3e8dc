'use strict';

const { canonicalHost } = require('../lib/renderer/canonical-host.js');

// In Chromium 156 each of these reaches the place that the right-hand form names.
test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['127.1', '127.0.0.1'],
  ['0x7f.1', '127.0.0.1'],
  ['0x7f000001', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['017700000001', '127.0.0.1'],
  ['127.0.0.01', '127.0.0.1'],
  ['127.0x.0.1', '127.0.0.1'],
  ['127.0.0.1.', '127.0.0.1'],
  ['%31%32%37.0.0.1', '127.0.0.1'],
  ['127%2e0.0.1', '127.0.0.1'],
  ['\uFF11\uFF12\uFF17.0.0.1', '127.0.0.1'],
  ['127\u30020\u30020\u30021', '127.0.0.1'],
  ['0', '0.0.0.0'],
  ['0x', '0.0.0.0'],
  ['9.', '0.0.0.9'],
  ['%31', '0.0.0.1'],
  ['LOCALHOST', 'localhost'],
  ['localhost.', 'localhost.'],
  ['localhost\u3002', 'localhost.'],
  ['local%68ost', 'localhost'],
  ['localhost%2e', 'localhost.'],
  ['loc\u00ADalhost', 'localhost'],
  ['local\u200Bhost', 'localhost'],
  ['\uFF4C\uFF4F\uFF43\uFF41\uFF4C\uFF48\uFF4F\uFF53\uFF54', 'localhost'],
  ['\u00FC.localhost', 'xn--tda.localhost'],
  ['%C3%BC.localhost', 'xn--tda.localhost'],
  ['fa\u00DF.localhost', 'xn--fa-hia.localhost'],
  ['\u2615.localhost', 'xn--53h.localhost'],
  ['XN--fa-hia.\u2615.localhost', 'xn--fa-hia.xn--53h.localhost'],
  ['xn--e1afmkfd.xn--p1ai', 'xn--e1afmkfd.xn--p1ai'],
  ['\u65E5\u672C\u8A9E.jp', 'xn--wgv71a119e.jp'],
  ['\u{1F600}a\u{1F600}.localhost', 'xn--a-iv3sba.localhost'],
  ['a_b.localhost', 'a_b.localhost'],
  ['-a.localhost', '-a.localhost'],
  ['1.localhost', '1.localhost'],
])('%p becomes %p', (host, canonical) => {
  expect(canonicalHost(host)).toBe(canonical);
});

test.each([
  '',
  '.localhost:80',
  'localhost:80',
  'user@localhost',
  'localhost/',
  'localhost?x',
  'localhost#x',
  'local\\host',
  'local\thost',
  'local\nhost',
  'localhost\r\n',
  ' localhost',
  'localhost ',
  'local host',
  'localhost%20',
  'localhost\0',
  'localhost%00',
  'localhost%2F',
  'localhost%3A80',
  'a%40.localhost',
  '%',
  '%zz',
  '%FF.localhost',
  '[127.0.0.1]',
  '[::1]',
  '::1',
  '::ffff:127.0.0.1',
  'fe80::1%eth0',
  '127.0.0.256',
  '127.0.0.1.1',
  '08.0.0.1',
  '127.0.0.+1',
  '4294967296',
  'localhost.1',
  'xn--',
  'xn--a.localhost',
  'XN--A.localhost',
  'XN--ABC-.localhost',
  'XN--9999999999.localhost',
  'a.XN--!',
  'a<b.localhost',
  'a|b.localhost',
  'a^b.localhost',
  'a%25b.localhost',
  '\uD800.localhost',
  '\u0300a.localhost',
  'tcp://localhost',
])('%p has no canonical form and stays as it is', (host) => {
  expect(canonicalHost(host)).toBe(host);
});

test('the URL parser never gets an overlong international label', () => {
  // These would keep it busy for many seconds.
  const points = Array.from({ length: 100_000 }, (_, index) => 0x4e00 + ((index * 7919) % 20_000));
  const label = String.fromCodePoint(...points);
  const marks = `a${'\u0301\u0323'.repeat(100_000)}`;
  for (const host of [label, `a.${label}.b`, encodeURIComponent(label), marks]) {
    expect(canonicalHost(host)).toBe(host);
  }
  const long = 'a'.repeat(300);
  expect(canonicalHost(`${long}.\u00FC`)).toBe(`${long}.xn--tda`);
});
