'use strict';

/** Subject alternative names, compared with the host. */

const der = require('../der');
const {
  alternativeNames,
  directory,
  dns,
  email,
  extension,
  ip,
  named,
  uri,
} = require('../certificate');
const { ADDRESS, HOST } = require('./case-book');

/** The subject alternative names and the host that they are held against. */
const NAMES = [
  ['name: exact', [dns(HOST)]],
  ['name: another one', [dns('www.other.localhost')]],
  ['name: one of several', [dns('a.localhost'), dns(HOST), dns('b.localhost')]],
  ['name: in capitals', [dns(HOST.toUpperCase())]],
  ['name: with a dot at its end', [dns(`${HOST}.`)]],
  ['name: with two dots at its end', [dns(`${HOST}..`)]],
  ['name: with a dot at its start', [dns(`.${HOST}`)]],
  ['name: the domain above', [dns('server.localhost')]],
  ['name: the domain above with a dot', [dns('.server.localhost')]],
  ['name: one below', [dns(`a.${HOST}`)]],
  ['name: NUL and more behind it', [dns(`${HOST}\0.other.localhost`)]],
  ['name: NUL at its end', [dns(`${HOST}\0`)]],
  ['name: a space behind it', [dns(`${HOST} `)]],
  ['name: with a port', [dns(`${HOST}:443`)]],
  ['name: as a URI', [uri(`https://${HOST}/`)]],
  ['name: as a mailbox', [email(`x@${HOST}`)]],
  ['name: as a directory name', [directory(named(HOST))]],
  ['name: as a registered identifier', [der.implicit(8, Buffer.from([0x2a, 3]))]],
  ['name: empty', [dns('')]],
  ['name: empty, and the right one', [dns(''), dns(HOST)]],
  ['name: only the common name', null],
  ['name: an empty list', []],
  ['name: another one, the common name is right', [dns('www.other.localhost')], HOST],
  ['name: underscore', [dns('a_b.server.localhost')], undefined, 'a_b.server.localhost'],
  [
    'name: wildcard over underscore',
    [dns('*.server.localhost')],
    undefined,
    'a_b.server.localhost',
  ],
  ['name: hyphens', [dns('-a-.server.localhost')], undefined, '-a-.server.localhost'],
  [
    'name: 63 characters',
    [dns(`${'a'.repeat(63)}.localhost`)],
    undefined,
    `${'a'.repeat(63)}.localhost`,
  ],
  ['name: digits only', [dns('123.456.localhost')], undefined, '123.456.localhost'],
  ['name: single label', [dns('localhost')], undefined, 'localhost'],
  ['name: host with a dot at its end', [dns(HOST)], undefined, `${HOST}.`],
  ['name: host and name with a dot at their end', [dns(`${HOST}.`)], undefined, `${HOST}.`],
  ['name: host in capitals', [dns(HOST)], undefined, HOST.toUpperCase()],

  ['wildcard: first label', [dns('*.server.localhost')]],
  ['wildcard: in capitals', [dns('*.SERVER.LOCALHOST')]],
  ['wildcard: with a dot at its end', [dns('*.server.localhost.')]],
  ['wildcard: two labels too high', [dns('*.localhost')]],
  [
    'wildcard: directly below a top-level domain',
    [dns('*.localhost')],
    undefined,
    'server.localhost',
  ],
  ['wildcard: for the domain itself', [dns(`*.${HOST}`)]],
  ['wildcard: part of a label at its end', [dns('w*.server.localhost')]],
  ['wildcard: part of a label at its start', [dns('*w.server.localhost')]],
  ['wildcard: within a label', [dns('w*w.server.localhost')]],
  ['wildcard: all of a label and more', [dns('www*.server.localhost')]],
  ['wildcard: second label', [dns('www.*.localhost')]],
  ['wildcard: two of them', [dns('*.*.localhost')]],
  ['wildcard: doubled', [dns('**.server.localhost')]],
  ['wildcard: alone', [dns('*')]],
  ['wildcard: alone, single label', [dns('*')], undefined, 'localhost'],
  ['wildcard: alone with a dot', [dns('*.')]],
  ['wildcard: without a first label', [dns('*server.localhost')]],
  ['wildcard: last label', [dns('www.server.*')]],
  [
    'wildcard: over an A-label',
    [dns('*.server.localhost')],
    undefined,
    'xn--bcher-kva.server.localhost',
  ],
  [
    'wildcard: in an A-label',
    [dns('xn--*.server.localhost')],
    undefined,
    'xn--bcher-kva.server.localhost',
  ],
  ['wildcard: over a single digit', [dns('*.server.localhost')], undefined, '1.server.localhost'],
  ['wildcard: a mere NUL behind it', [dns('*.server.localhost\0')]],
  ['wildcard: directly below co.uk', [dns('*.co.uk')], undefined, 'chrome-sockets-tcp.co.uk'],
  [
    'wildcard: two below co.uk',
    [dns('*.chrome-sockets-tcp.co.uk')],
    undefined,
    'a.chrome-sockets-tcp.co.uk',
  ],
  [
    'wildcard: directly below a suffix of a wildcard rule',
    [dns('*.chrome-sockets-tcp.ck')],
    undefined,
    'a.chrome-sockets-tcp.ck',
  ],
  ['wildcard: below an exception of a wildcard rule', [dns('*.www.ck')], undefined, 'a.www.ck'],
  [
    'wildcard: directly below a private suffix',
    [dns('*.github.io')],
    undefined,
    'chrome-sockets-tcp.github.io',
  ],
  [
    'wildcard: directly below an unknown suffix',
    [dns('*.chrome-sockets-tcp')],
    undefined,
    'a.chrome-sockets-tcp',
  ],
  [
    'wildcard: two below an unknown suffix',
    [dns('*.b.chrome-sockets-tcp')],
    undefined,
    'a.b.chrome-sockets-tcp',
  ],
  [
    'wildcard: directly below an internationalised suffix',
    [dns('*.xn--55qx5d.cn')],
    undefined,
    'chrome-sockets-tcp.xn--55qx5d.cn',
  ],
  [
    'wildcard: directly below co.uk, with a dot',
    [dns('*.co.uk.')],
    undefined,
    'chrome-sockets-tcp.co.uk.',
  ],

  [
    'IDN: A-label for an A-label',
    [dns('xn--bcher-kva.server.localhost')],
    undefined,
    'xn--bcher-kva.server.localhost',
  ],
  [
    'IDN: A-label for a U-label',
    [dns('xn--bcher-kva.server.localhost')],
    undefined,
    'bücher.server.localhost',
  ],
  [
    'IDN: A-label for a U-label in capitals',
    [dns('xn--bcher-kva.server.localhost')],
    undefined,
    'BÜCHER.server.localhost',
  ],
  [
    'IDN: A-label in capitals',
    [dns('XN--BCHER-KVA.server.localhost')],
    undefined,
    'bücher.server.localhost',
  ],
  ['IDN: U-label', [dns('bücher.server.localhost')], undefined, 'bücher.server.localhost'],
  [
    'IDN: U-label in Latin-1',
    [dns('bücher.server.localhost', 'latin1')],
    undefined,
    'bücher.server.localhost',
  ],
  [
    'IDN: U-label beside the A-label',
    [dns('bücher.server.localhost'), dns('xn--bcher-kva.server.localhost')],
    undefined,
    'bücher.server.localhost',
  ],

  ['address: exact', [ip(127, 0, 0, 1)], undefined, ADDRESS],
  ['address: another one', [ip(127, 0, 0, 2)], undefined, ADDRESS],
  ['address: one of several', [ip(10, 0, 0, 1), ip(127, 0, 0, 1)], undefined, ADDRESS],
  ['address: as a DNS name', [dns(ADDRESS)], undefined, ADDRESS],
  ['address: only the common name', null, ADDRESS, ADDRESS],
  ['address: wildcard', [dns('*.0.0.1')], undefined, ADDRESS],
  [
    'address: as mapped to IPv6',
    [ip(...Buffer.from('00000000000000000000ffff7f000001', 'hex'))],
    undefined,
    ADDRESS,
  ],
  ['address: five bytes', [ip(127, 0, 0, 1, 0)], undefined, ADDRESS],
  ['address: no bytes', [ip()], undefined, ADDRESS],
  ['address: with its mask', [ip(127, 0, 0, 1, 255, 255, 255, 255)], undefined, ADDRESS],
  ['address: as a URI', [uri(`https://${ADDRESS}/`)], undefined, ADDRESS],
  ['address: host in short form', [ip(127, 0, 0, 1)], undefined, '127.1'],
  ['address: host in hexadecimal', [ip(127, 0, 0, 1)], undefined, '0x7f000001'],
  ['address: certificate has only a name', [dns(HOST)], undefined, ADDRESS],
  ['address: certificate has only the address', [ip(127, 0, 0, 1)]],
];

/** @param {import('./case-book').CaseBook} book */
function addNameCases({ add, leaf }) {
  for (const [name, names, commonName = 'Server', host = HOST] of NAMES) {
    add(name, [leaf({ names, subject: named(commonName) })], { host });
  }
  add('name: critical', [leaf({ names: null, more: [alternativeNames([dns(HOST)], true)] })]);
  add('name: list cut off', [
    leaf({
      names: null,
      more: [extension('2.5.29.17', false, der.sequence(dns(HOST)).subarray(0, -3))],
    }),
  ]);
  add('name: list with something behind it', [
    leaf({ names: null, more: [extension('2.5.29.17', false, der.sequence(dns(HOST)), der.none)] }),
  ]);
  add('name: list of an unknown kind of name', [
    leaf({ names: [der.implicit(9, Buffer.from('x')), dns(HOST)] }),
  ]);
  add('name: list of something else', [leaf({ names: [der.utf8(HOST)] })]);
  add('name: another name beside it', [
    leaf({
      names: [der.explicit(0, der.oid('1.2.3.4'), der.explicit(0, der.utf8('x'))), dns(HOST)],
    }),
  ]);
  add('name: two lists', [leaf({ more: [alternativeNames([dns('www.other.localhost')])] })]);
  add('name: no list, no common name, no subject', [
    leaf({ names: null, subject: der.sequence() }),
  ]);
  add('name: no subject, list critical', [
    leaf({ names: null, subject: der.sequence(), more: [alternativeNames([dns(HOST)], true)] }),
  ]);
  add('name: no subject, list not critical', [leaf({ subject: der.sequence() })]);
}

module.exports = { addNameCases };
