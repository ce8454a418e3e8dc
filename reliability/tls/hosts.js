'use strict';

/** The subject "hosts": the forms in which a host can be written, and whether a certificate is for it. */

const { dns, ip } = require('./certificate');
const { serve } = require('./servers');

const NAMES = [
  'localhost',
  'server.localhost',
  'xn--bcher-kva.localhost',
  'xn--strae-oqa.localhost',
  'xn--fa-hia.localhost',
  'xn--e28h.localhost',
  'a_b.localhost',
  `${'a'.repeat(63)}.localhost`,
];
/** Longer by a label than a name may be. */
const LONG = `${'a.'.repeat(123)}localhost`;

const HOSTS = [
  'localhost',
  'LOCALHOST',
  'LocalHost',
  'localhost.',
  'localhost..',
  '.localhost',
  'server.localhost',
  'server..localhost',
  'SERVER.localhost.',
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '127.0.1',
  '0x7f.1',
  '0x7F000001',
  '0177.0.0.1',
  '017700000001',
  '2130706433',
  '127.0.0.01',
  '127.0.0.256',
  '4294967296',
  '0127.0.0.1',
  '１２７.0.0.1',
  '127。0。0。1',
  'bücher.localhost',
  'BÜCHER.localhost',
  'bu\u0308cher.localhost',
  'bücher。localhost',
  'xn--bcher-kva.localhost',
  'XN--BCHER-KVA.localhost',
  'xn--bcher-kvaa.localhost',
  'straße.localhost',
  'faß.localhost',
  '☕.localhost',
  'ｌｏｃａｌｈｏｓｔ',
  'loc\u00adalhost',
  'localhost\u200d',
  '%6cocalhost',
  'local%2ehost',
  'a_b.localhost',
  'a b.localhost',
  'a%20b.localhost',
  '-a.localhost',
  `${'a'.repeat(63)}.localhost`,
  `${'a'.repeat(64)}.localhost`,
  LONG.slice(-253),
  LONG,
  '*.localhost',
  'localhost:80',
  'local/host',
  'user@localhost',
  '[127.0.0.1]',
  '',
  ' localhost',
  'localhost\0',
  'local#host',
  'local?host',
];

async function prepare() {
  const names = [...NAMES, LONG.slice(-253)].map((name) => dns(name)).concat(ip(127, 0, 0, 1));
  const script = async (tls) => {
    const { serverName } = await tls.clientHello();
    tls.flight13();
    // So that the name that was asked for is part of the verdict.
    tls.data(serverName);
    tls.end();
  };
  return serve(
    names,
    HOSTS.map((host) => ({ name: JSON.stringify(host), host, script })),
  );
}

module.exports = { prepare };
