'use strict';

/** The certificates that are judged, and the authorities that both sides believe. */

const der = require('./der');
const {
  alternativeNames,
  basicConstraints,
  directory,
  dns,
  email,
  extendedKeyUsage,
  extension,
  ip,
  keyFor,
  keyUsage,
  makeCertificate,
  nameConstraints,
  named,
  ocspResponse,
  pem,
  publicDer,
  uri,
} = require('./certificate');

const HOST = 'www.server.localhost';
const ADDRESS = '127.0.0.1';
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

/** @param {number} days @param {'utc' | 'generalized'} [form] */
const moment = (days, form) => der.time(new Date(Date.now() + days * 24 * 3_600_000), form);
const utc = (text) => der.value(0x17, Buffer.from(text));
const generalized = (text) => der.value(0x18, Buffer.from(text));

/** What the validity of a certificate says. */
const DATES = [
  ['date: expired an hour ago', { days: [-1, -1 / 24] }],
  ['date: expired long ago', { days: [-900, -800] }],
  ['date: valid in an hour', { days: [1 / 24, 10] }],
  ['date: valid since an hour, for an hour', { days: [-1 / 24, 1 / 24] }],
  ['date: never valid', { days: [1, -1] }],
  ['date: valid for ten years', { days: [-1, 3650] }],
  ['date: valid for a hundred years', { days: [-1, 36_500] }],
  ['date: valid to the end of time', { notAfter: generalized('99991231235959Z') }],
  [
    'date: GeneralizedTime where UTCTime would do',
    { notBefore: moment(-1, 'generalized'), notAfter: moment(89, 'generalized') },
  ],
  ['date: valid from before 1970', { notBefore: utc('650101000000Z') }],
  ['date: valid from 1950', { notBefore: utc('500101000000Z') }],
  ['date: valid from before 1950', { notBefore: generalized('19400101000000Z') }],
  ['date: valid from year 0', { notBefore: generalized('00000101000000Z') }],
  ['date: year 49 is 2049', { notAfter: utc('491231235959Z') }],
  ['date: year 99 is 1999', { notAfter: utc('991231235959Z') }],
  ['date: without seconds', { notAfter: utc('4001010000Z') }],
  ['date: with a fraction', { notAfter: generalized('20400101000000.5Z') }],
  ['date: with an offset', { notAfter: utc('400101000000+0000') }],
  ['date: without Z', { notAfter: utc('400101000000') }],
  ['date: 13th month', { notAfter: utc('401301000000Z') }],
  ['date: 30th of February', { notAfter: utc('400230000000Z') }],
  ['date: 29th of February of no leap year', { notAfter: utc('410229000000Z') }],
  ['date: 29th of February of a leap year', { notAfter: utc('400229000000Z') }],
  ['date: 24th hour', { notAfter: utc('400101240000Z') }],
  ['date: 60th second', { notAfter: utc('400101000060Z') }],
  ['date: letters', { notAfter: utc('40010100000xZ') }],
  ['date: empty', { notAfter: utc('') }],
  ['date: a number', { notAfter: der.integer(1) }],
  ['date: only one', { validity: der.sequence(moment(-1)) }],
  ['date: three', { validity: der.sequence(moment(-1), moment(9), moment(10)) }],
];

const KEY_KINDS = [
  'rsa-512',
  'rsa-768',
  'rsa-1023',
  'rsa-1024',
  'rsa-1536',
  'rsa-2048',
  'rsa-2047',
  'rsa-2048 e3',
  'rsa-3072',
  'rsa-4096',
  'rsa-pss-2048',
  'prime256v1',
  'secp384r1',
  'secp521r1',
  'secp224r1',
  'secp256k1',
  'ed25519',
  'ed448',
  'x25519',
  'dsa-2048',
];

/** All the cases. Each call makes other keys and dates, and the same cases. */
function makeCertificateCases() {
  const P256 = 'prime256v1';
  const keyOf = (place, kind = P256) => `${kind}/${place}`;
  const DEFAULT = Symbol('as usual');
  /** Extensions of an authority. */
  const authorityExtensions = ({
    constraints = basicConstraints(true),
    usage = keyUsage(['keyCertSign', 'cRLSign']),
    more = [],
  } = {}) => [constraints, usage, ...more].filter(Boolean);

  const anchors = [];
  /** @param {string} name @param {any} [options] of {@link makeCertificate}; `trust` as certutil has it */
  const anchor = (name, { trust = 'C', extensions = authorityExtensions(), ...options } = {}) => {
    const made = makeCertificate({
      key: keyOf(name),
      subject: named(name),
      days: [-10, 3650],
      extensions,
      ...options,
    });
    anchors.push({ name, trust, der: made.der });
    return made;
  };

  const root = anchor('Trusted Root');
  const rsaRoot = anchor('Trusted RSA Root', { key: 'rsa-2048/root' });
  const unknown = makeCertificate({
    key: keyOf('unknown'),
    subject: named('Unknown Root'),
    extensions: authorityExtensions(),
  });

  /** @param {any} [options] of an authority below another one */
  const intermediate = ({
    issuer = root,
    name = 'Intermediate',
    extensions = authorityExtensions(),
    ...options
  } = {}) =>
    makeCertificate({
      key: keyOf(`below ${name}`),
      subject: named(name),
      issuer,
      extensions,
      ...options,
    });

  /** @param {any} [options] of an end entity: its extensions one by one, or those of makeCertificate */
  const leaf = ({
    constraints = DEFAULT,
    usage = DEFAULT,
    purposes = DEFAULT,
    names = [dns(HOST)],
    more = [],
    kind,
    ...options
  } = {}) => {
    const usual = (given, otherwise) => (given === DEFAULT ? otherwise : given);
    return makeCertificate({
      key: keyOf('leaf', kind),
      subject: named('Server'),
      issuer: root,
      extensions: [
        usual(constraints, basicConstraints(false)),
        usual(usage, keyUsage(['digitalSignature'])),
        usual(purposes, extendedKeyUsage(['serverAuth'])),
        names && alternativeNames(names),
        ...more,
      ].filter(Boolean),
      ...options,
    });
  };

  const cases = [];
  /** @param {string} name @param {any[]} chain what the server presents, the leaf first @param {object} [options] */
  const add = (name, chain, { host = HOST, key = chain[0].key, ...options } = {}) => {
    const presented = chain.map((one) => (Buffer.isBuffer(one) ? one : one.der));
    cases.push({ name, host, key, chain: presented, ...options });
  };
  /** A leaf, and the intermediate authority that is given. */
  const under = (name, middle, options) =>
    add(name, [leaf({ issuer: middle, ...options }), middle]);

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

  for (const [name, options] of DATES) add(name, [leaf(options)]);
  add('date: expired and another name', [leaf({ days: [-9, -1], names: [dns('a.localhost')] })]);
  add('date: expired and unknown authority', [leaf({ days: [-9, -1], issuer: unknown }), unknown]);
  add('date: expired, another name and unknown authority', [
    leaf({ days: [-9, -1], issuer: unknown, names: [dns('a.localhost')] }),
    unknown,
  ]);
  under('date: intermediate expired', intermediate({ days: [-20, -1] }));
  under('date: intermediate not valid yet', intermediate({ days: [1, 20] }));
  under('date: leaf and intermediate never valid together', intermediate({ days: [-20, -10] }), {
    days: [-5, 5],
  });
  under('date: leaf outlives its issuer', intermediate({ days: [-2, 2] }), { days: [-1, 800] });
  add('date: expired root', [leaf({ issuer: anchor('Expired Root', { days: [-20, -1] }) })]);
  add('date: root not valid yet', [leaf({ issuer: anchor('Future Root', { days: [1, 20] }) })]);
  add('date: expired root presented', [
    leaf({ issuer: anchor('Other Expired Root', { days: [-20, -1] }) }),
    anchors.at(-1).der,
  ]);

  // Chains
  const links = (count) => {
    const made = [];
    for (let index = 0; index < count; index += 1) {
      made.unshift(intermediate({ issuer: made[0] ?? root, name: `Link ${index}` }));
    }
    return made;
  };
  const middle = intermediate();
  add('chain: directly below the root', [leaf()]);
  for (const count of [1, 2, 3, 6, 7, 9, 12]) {
    const made = links(count);
    add(`chain: ${count} between`, [leaf({ issuer: made[0] }), ...made]);
  }
  add('chain: the one between is missing', [leaf({ issuer: middle })]);
  add('chain: the upper one of two is missing', [
    leaf({ issuer: intermediate({ issuer: middle, name: 'Lower' }) }),
  ]);
  const three = links(3);
  add('chain: in reverse order', [leaf({ issuer: three[0] }), ...[...three].reverse()]);
  add('chain: with its root', [leaf(), root]);
  add('chain: everything twice', [leaf({ issuer: middle }), middle, middle, root, root]);
  const twice = leaf({ issuer: middle });
  add('chain: the leaf twice', [twice, twice, middle]);
  add('chain: a stranger in it', [leaf({ issuer: middle }), unknown, middle]);
  add('chain: twenty strangers in it', [
    leaf({ issuer: middle }),
    ...Array.from({ length: 20 }, (_, index) =>
      intermediate({ issuer: unknown, name: `Stranger ${index}` }),
    ),
    middle,
  ]);
  add('chain: rubbish in it', [
    leaf({ issuer: middle }),
    Buffer.from('this is no certificate'),
    middle,
  ]);
  add('chain: an empty certificate in it', [leaf({ issuer: middle }), Buffer.alloc(0), middle]);
  add('chain: rubbish behind it', [
    leaf({ issuer: middle }),
    middle,
    Buffer.from('this is no certificate'),
  ]);
  add('chain: unknown root', [leaf({ issuer: unknown }), unknown]);
  add('chain: unknown root, not presented', [leaf({ issuer: unknown })]);
  add('chain: an authority below an unknown root', [
    leaf({ issuer: intermediate({ issuer: unknown, name: 'Lost' }) }),
    intermediate({ issuer: unknown, name: 'Lost' }),
  ]);
  const twoFaced = { key: keyFor(keyOf('two-faced')), subject: named('Two-faced') };
  const face = (options) =>
    makeCertificate({
      key: keyOf('two-faced'),
      subject: twoFaced.subject,
      extensions: authorityExtensions(),
      ...options,
    });
  add('chain: two ways, the first to an unknown root', [
    leaf({ issuer: twoFaced }),
    face({ issuer: unknown }),
    face({ issuer: root }),
  ]);
  add('chain: two ways, the first expired', [
    leaf({ issuer: twoFaced }),
    face({ issuer: root, days: [-9, -1] }),
    face({ issuer: root }),
  ]);
  add('chain: two ways, the first constrained', [
    leaf({ issuer: twoFaced }),
    face({
      issuer: root,
      extensions: authorityExtensions({
        more: [nameConstraints({ permitted: [dns('other.localhost')] })],
      }),
    }),
    face({ issuer: root }),
  ]);
  add('chain: two ways, the first self-signed', [
    leaf({ issuer: twoFaced }),
    face({}),
    face({ issuer: root }),
  ]);
  const namesake = intermediate();
  const other = makeCertificate({
    key: keyOf('namesake'),
    subject: namesake.subject,
    issuer: root,
    extensions: authorityExtensions(),
  });
  add('chain: a namesake of the issuer before it', [leaf({ issuer: namesake }), other, namesake]);
  add('chain: only a namesake of the issuer', [leaf({ issuer: namesake }), other]);
  add('chain: signed by the wrong key', [
    leaf({ issuer: { subject: root.subject, key: keyFor(keyOf('impostor')) } }),
  ]);
  add('chain: issuer signed by the wrong key', [
    leaf({ issuer: middle }),
    intermediate({ issuer: { subject: root.subject, key: keyFor(keyOf('impostor')) } }),
  ]);
  add('chain: issuer has another name', [
    leaf({ issuer: middle, issuerName: named('Somebody else') }),
    middle,
  ]);
  add('chain: issuer in another string type', [
    leaf({ issuer: middle, issuerName: named('Intermediate', der.printable) }),
    middle,
  ]);
  add('chain: issuer in capitals', [
    leaf({ issuer: middle, issuerName: named('INTERMEDIATE') }),
    middle,
  ]);
  add('chain: issuer with more spaces', [
    leaf({ issuer: middle, issuerName: named(' Intermediate ') }),
    middle,
  ]);
  add('chain: root in another string type', [
    leaf({ issuerName: named('Trusted Root', der.printable) }),
  ]);
  add('chain: issuer is an end entity', [
    leaf({ issuer: leaf(), subject: named('Below') }),
    leaf(),
  ]);
  const circle = [1, 2].map((number) => ({
    key: keyFor(keyOf(`circle ${number}`)),
    subject: named(`Circle ${number}`),
  }));
  const arc = (from, to) =>
    makeCertificate({
      key: keyOf(`circle ${to + 1}`),
      subject: circle[to].subject,
      issuer: circle[from],
      extensions: authorityExtensions(),
    });
  add('chain: a circle', [leaf({ issuer: circle[0] }), arc(0, 1), arc(1, 0)]);
  add('chain: a circle with a way out', [
    leaf({ issuer: circle[0] }),
    arc(0, 1),
    arc(1, 0),
    makeCertificate({
      key: keyOf('circle 2'),
      subject: circle[1].subject,
      issuer: root,
      extensions: authorityExtensions(),
    }),
  ]);
  add('chain: key identifiers do not fit', [
    leaf({
      more: [
        extension('2.5.29.35', false, der.sequence(der.implicit(0, Buffer.alloc(20, 1)))),
        extension('2.5.29.14', false, der.octets(Buffer.alloc(20, 2))),
      ],
    }),
  ]);
  add('chain: serial number of the issuer does not fit', [
    leaf({
      more: [
        extension(
          '2.5.29.35',
          false,
          der.sequence(der.value(0xa1, directory(root.subject)), der.implicit(2, Buffer.from([9]))),
        ),
      ],
    }),
  ]);
  add('chain: key identifier malformed', [
    leaf({ more: [extension('2.5.29.35', false, Buffer.from([0x30, 0x05, 1]))] }),
  ]);
  add('chain: leaf is the trusted root itself', [root]);
  add('chain: below a trusted intermediate', [
    leaf({ issuer: anchor('Trusted Intermediate', { issuer: unknown }) }),
  ]);
  add('chain: RSA root', [leaf({ issuer: rsaRoot })]);

  // Keys
  for (const kind of KEY_KINDS) {
    const usable = kind !== 'x25519';
    const made = leaf({ kind, issuer: root });
    // A key of 512 bits is too short for what TLS 1.3 signs with.
    const short = kind === 'rsa-512' && { version: 12, scheme: 0x0401 };
    add(`key: ${kind}`, [made], { key: usable ? made.key : keyFor(P256), ...short });
    if (!['x25519', 'dsa-2048', 'rsa-512', 'rsa-4096', 'rsa-2047'].includes(kind)) {
      under(
        `key: intermediate ${kind}`,
        intermediate({
          key: keyOf(kind.startsWith('rsa') ? 'leaf' : 'middle', kind),
          name: `Intermediate ${kind}`,
        }),
      );
    }
  }
  for (const kind of ['rsa-768', 'rsa-1024', 'secp521r1']) {
    add(`key: root ${kind}`, [
      leaf({ issuer: anchor(`Root ${kind}`, { key: keyOf('root', kind) }) }),
    ]);
  }
  for (const kind of ['rsa-1024', 'rsa-768', 'rsa-2048', 'secp384r1', 'secp521r1', 'ed25519']) {
    add(`key: ${kind}, TLS 1.2`, [leaf({ kind })], { version: 12 });
  }
  const spki = publicDer(keyFor(keyOf('leaf')));
  const rsaSpki = publicDer(keyFor('rsa-2048/leaf'));
  const withKey = (name, publicKey, kind) => add(name, [leaf({ publicKey, kind })]);
  const ecKey = (parameters, point) =>
    der.sequence(der.sequence(der.oid('1.2.840.10045.2.1'), parameters), der.bits(point));
  const curve = der.oid('1.2.840.10045.3.1.7');
  const point = spki.subarray(-65);
  withKey(
    'key: compressed point',
    ecKey(curve, Buffer.concat([Buffer.from([2 + (point[64] & 1)]), point.subarray(1, 33)])),
  );
  withKey(
    'key: point not on the curve',
    ecKey(curve, Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)])),
  );
  withKey('key: point at infinity', ecKey(curve, Buffer.from([0])));
  withKey('key: curve in explicit parameters', ecKey(der.sequence(der.integer(1)), point));
  withKey('key: curve left out', ecKey(Buffer.alloc(0), point));
  withKey(
    'key: unknown algorithm',
    der.sequence(der.sequence(der.oid('1.3.6.1.4.1.99999.3')), der.bits(point)),
  );
  withKey('key: something behind it', der.sequence(spki.subarray(2), der.none));
  withKey('key: empty', der.sequence());
  const rsaKey = (bits, parameters = der.none) =>
    der.sequence(der.sequence(der.oid('1.2.840.113549.1.1.1'), parameters), der.bits(bits));
  const modulus = Buffer.concat([
    Buffer.from([0]),
    Buffer.from(keyFor('rsa-2048/leaf').export({ format: 'jwk' }).n, 'base64url'),
  ]);
  const exponent = der.integer(65537);
  const rsaLeaf = (name, publicKey) => withKey(name, publicKey, 'rsa-2048');
  rsaLeaf(
    'key: RSA without parameters',
    rsaKey(der.sequence(der.integer(modulus), exponent), Buffer.alloc(0)),
  );
  rsaLeaf(
    'key: RSA, negative modulus',
    rsaKey(der.sequence(der.integer(modulus.subarray(1)), exponent)),
  );
  rsaLeaf('key: RSA, exponent 1', rsaKey(der.sequence(der.integer(modulus), der.integer(1))));
  rsaLeaf(
    'key: RSA, even exponent',
    rsaKey(der.sequence(der.integer(modulus), der.integer(65536))),
  );
  rsaLeaf(
    'key: RSA, exponent of 40 bits',
    rsaKey(der.sequence(der.integer(modulus), der.integer(2n ** 40n + 1n))),
  );
  rsaLeaf(
    'key: RSA, something behind the numbers',
    rsaKey(der.sequence(der.integer(modulus), exponent, der.integer(1))),
  );
  rsaLeaf('key: RSA, cut off', rsaKey(rsaSpki.subarray(-200)));

  // Key usage
  for (const usages of [
    ['digitalSignature'],
    ['keyEncipherment'],
    ['keyAgreement'],
    ['keyCertSign'],
    ['nonRepudiation'],
    ['digitalSignature', 'keyEncipherment'],
    ['dataEncipherment', 'encipherOnly'],
    [],
    [
      'digitalSignature',
      'nonRepudiation',
      'keyEncipherment',
      'dataEncipherment',
      'keyAgreement',
      'keyCertSign',
      'cRLSign',
    ],
  ]) {
    add(`key usage: ${usages.join(' and ') || 'nothing'}`, [leaf({ usage: keyUsage(usages) })]);
    if (usages.length <= 1) {
      for (const version of [12, 13]) {
        add(
          `key usage: RSA ${usages.join(' and ') || 'nothing'}, TLS 1.${version - 10}`,
          [leaf({ kind: 'rsa-2048', usage: keyUsage(usages) })],
          { version },
        );
      }
    }
  }
  add('key usage: none', [leaf({ usage: null })]);
  add('key usage: keyEncipherment, TLS 1.2', [leaf({ usage: keyUsage(['keyEncipherment']) })], {
    version: 12,
  });
  add('key usage: not critical', [leaf({ usage: keyUsage(['digitalSignature'], false) })]);
  add('key usage: not critical and wrong', [leaf({ usage: keyUsage(['keyAgreement'], false) })]);
  for (const version of [12, 13]) {
    const words = `TLS 1.${version - 10}`;
    add(
      `key usage: RSA wrong, and expired, ${words}`,
      [leaf({ kind: 'rsa-2048', usage: keyUsage(['keyAgreement']), days: [-9, -1] })],
      { version },
    );
    add(
      `key usage: RSA wrong, and another name, ${words}`,
      [leaf({ kind: 'rsa-2048', usage: keyUsage(['keyAgreement']), names: [dns('a.localhost')] })],
      { version },
    );
  }
  add('key usage: wrong, and expired', [
    leaf({ usage: keyUsage(['keyAgreement']), days: [-9, -1] }),
  ]);
  add('key usage: wrong, and unknown authority', [
    leaf({ usage: keyUsage(['keyAgreement']), issuer: unknown }),
  ]);
  const rawUsage = (...bytes) => extension('2.5.29.15', true, Buffer.from(bytes));
  add('key usage: not a bit string', [leaf({ usage: rawUsage(4, 1, 0x80) })]);
  add('key usage: no bytes', [leaf({ usage: rawUsage() })]);
  add('key usage: wrong number of unused bits', [leaf({ usage: rawUsage(3, 2, 9, 0x80) })]);
  add('key usage: unused bits that are set', [leaf({ usage: rawUsage(3, 2, 7, 0xff) })]);
  add('key usage: zeros at its end', [leaf({ usage: rawUsage(3, 2, 0, 0x80) })]);
  add('key usage: two bytes', [leaf({ usage: rawUsage(3, 3, 7, 0x80, 0x80) })]);
  add('key usage: something behind it', [leaf({ usage: rawUsage(3, 2, 7, 0x80, 0) })]);
  add('key usage: twice', [leaf({ more: [keyUsage(['digitalSignature'])] })]);
  for (const [name, usage] of [
    ['none', null],
    ['only cRLSign', keyUsage(['cRLSign'])],
    ['only digitalSignature', keyUsage(['digitalSignature'])],
    ['only keyCertSign', keyUsage(['keyCertSign'])],
    ['nothing', keyUsage([])],
  ]) {
    under(
      `key usage: intermediate, ${name}`,
      intermediate({ extensions: authorityExtensions({ usage }) }),
    );
    add(`key usage: root, ${name}`, [
      leaf({
        issuer: anchor(`Root with usage: ${name}`, { extensions: authorityExtensions({ usage }) }),
      }),
    ]);
  }

  // Extended key usage
  const purposeLists = [
    ['serverAuth'],
    ['clientAuth'],
    ['serverAuth', 'clientAuth'],
    ['any'],
    ['any', 'clientAuth'],
    ['emailProtection'],
    ['codeSigning'],
    ['ocspSigning'],
    ['netscape'],
    ['unknown'],
    ['unknown', 'serverAuth'],
    [],
  ];
  for (const list of purposeLists) {
    const words = list.join(' and ') || 'nothing';
    add(`purpose: ${words}`, [leaf({ purposes: extendedKeyUsage(list) })]);
    under(
      `purpose: intermediate, ${words}`,
      intermediate({ extensions: authorityExtensions({ more: [extendedKeyUsage(list)] }) }),
    );
  }
  for (const list of [['serverAuth'], ['clientAuth'], ['any'], ['emailProtection']]) {
    const words = list.join(' and ');
    add(`purpose: root, ${words}`, [
      leaf({
        issuer: anchor(`Root for ${words}`, {
          extensions: authorityExtensions({ more: [extendedKeyUsage(list)] }),
        }),
      }),
    ]);
  }
  add('purpose: none', [leaf({ purposes: null })]);
  add('purpose: critical', [leaf({ purposes: extendedKeyUsage(['serverAuth'], true) })]);
  add('purpose: critical and wrong', [leaf({ purposes: extendedKeyUsage(['clientAuth'], true) })]);
  add('purpose: wrong, and another name', [
    leaf({ purposes: extendedKeyUsage(['clientAuth']), names: [dns('a.localhost')] }),
  ]);
  add('purpose: wrong, and expired', [
    leaf({ purposes: extendedKeyUsage(['clientAuth']), days: [-9, -1] }),
  ]);
  add('purpose: wrong, and unknown authority', [
    leaf({ purposes: extendedKeyUsage(['clientAuth']), issuer: unknown }),
  ]);
  add('purpose: malformed', [
    leaf({ purposes: extension('2.5.29.37', false, Buffer.from([0x30, 9, 6])) }),
  ]);
  add('purpose: something behind it', [
    leaf({
      purposes: extension('2.5.29.37', false, der.sequence(der.oid('1.3.6.1.5.5.7.3.1')), der.none),
    }),
  ]);
  add('purpose: not a list', [
    leaf({ purposes: extension('2.5.29.37', false, der.oid('1.3.6.1.5.5.7.3.1')) }),
  ]);

  // Basic constraints
  const raw = (...parts) => extension('2.5.29.19', true, der.sequence(...parts));
  for (const [name, constraints] of [
    ['none', null],
    ['says that it is none', basicConstraints(false)],
    ['not critical', basicConstraints(true, undefined, false)],
    ['no path below it', basicConstraints(true, 0)],
    ['a path of one below it', basicConstraints(true, 1)],
    ['FALSE written out', raw(der.boolean(0))],
    ['TRUE as 1', raw(der.boolean(1))],
    ['path length without authority', raw(der.integer(0))],
    ['negative path length', raw(der.boolean(0xff), der.integer(Buffer.from([0xff])))],
    ['huge path length', raw(der.boolean(0xff), der.integer(2n ** 80n))],
    ['something behind it', raw(der.boolean(0xff), der.integer(3), der.none)],
    ['malformed', extension('2.5.29.19', true, Buffer.from([0x30, 3, 1]))],
  ]) {
    under(
      `constraints: intermediate, ${name}`,
      intermediate({ extensions: authorityExtensions({ constraints }) }),
    );
  }
  const closed = intermediate({
    extensions: authorityExtensions({ constraints: basicConstraints(true, 0) }),
    name: 'Closed',
  });
  const below = intermediate({ issuer: closed, name: 'Below' });
  add('constraints: path too long', [leaf({ issuer: below }), below, closed]);
  const selfIssued = makeCertificate({
    key: keyOf('self-issued'),
    subject: closed.subject,
    issuer: closed,
    extensions: authorityExtensions(),
  });
  add('constraints: path with a self-issued authority', [
    leaf({ issuer: selfIssued }),
    selfIssued,
    closed,
  ]);
  const closedRoot = anchor('Root with no path below it', {
    extensions: authorityExtensions({ constraints: basicConstraints(true, 0) }),
  });
  add('constraints: root allows no path, there is none', [leaf({ issuer: closedRoot })]);
  under(
    'constraints: root allows no path, there is one',
    intermediate({ issuer: closedRoot, name: 'Forbidden' }),
  );
  add('constraints: root has none', [
    leaf({
      issuer: anchor('Root without constraints', {
        extensions: authorityExtensions({ constraints: null }),
      }),
    }),
  ]);
  add('constraints: root says that it is none', [
    leaf({
      issuer: anchor('Root that is none', {
        extensions: authorityExtensions({ constraints: basicConstraints(false) }),
      }),
    }),
  ]);
  add('constraints: root of version 1', [
    leaf({ issuer: anchor('Root of version 1', { extensions: null, version: Buffer.alloc(0) }) }),
  ]);
  add('constraints: none', [leaf({ constraints: null })]);
  add('constraints: leaf is an authority', [leaf({ constraints: basicConstraints(true) })]);
  add('constraints: leaf is an authority with a path length', [
    leaf({ constraints: basicConstraints(true, 0) }),
  ]);
  under(
    'constraints: leaf is an authority below one that allows none',
    intermediate({ extensions: authorityExtensions({ constraints: basicConstraints(true, 0) }) }),
    { constraints: basicConstraints(true) },
  );
  add('constraints: leaf is an authority and expired', [
    leaf({ constraints: basicConstraints(true), days: [-9, -1] }),
  ]);
  add('constraints: leaf is an authority and for another name', [
    leaf({ constraints: basicConstraints(true), names: [dns('a.localhost')] }),
  ]);
  add('constraints: leaf is an unknown authority', [
    leaf({ constraints: basicConstraints(true), issuer: unknown }),
  ]);
  add('constraints: leaf with a path length and no authority', [
    leaf({ constraints: raw(der.integer(0)) }),
  ]);
  add('constraints: leaf, malformed', [
    leaf({ constraints: extension('2.5.29.19', true, Buffer.from([0x30, 3, 1])) }),
  ]);
  add('constraints: leaf, twice', [leaf({ more: [basicConstraints(false)] })]);

  // Name constraints
  const localhostAddress = [127, 0, 0, 1];
  for (const [name, trees, options = {}] of [
    ['permitted', { permitted: [dns('server.localhost')] }],
    ['permitted, written with a dot', { permitted: [dns('.server.localhost')] }],
    ['permitted, exactly', { permitted: [dns(HOST)] }],
    ['permitted, in capitals', { permitted: [dns('SERVER.localhost')] }],
    ['permitted, with a dot at its end', { permitted: [dns('server.localhost.')] }],
    ['permitted: everything', { permitted: [dns('')] }],
    ['permitted: another', { permitted: [dns('other.localhost')] }],
    ['permitted: one that ends alike', { permitted: [dns('erver.localhost')] }],
    ['permitted: addresses only', { permitted: [ip(10, 0, 0, 0, 255, 0, 0, 0)] }],
    ['permitted: mailboxes only', { permitted: [email('x@server.localhost')] }],
    [
      'permitted: the mailbox',
      { permitted: [email('server.localhost')] },
      { names: [dns(HOST), email('root@server.localhost')] },
    ],
    [
      'excluded: another mailbox',
      { excluded: [email('other.localhost')] },
      { names: [dns(HOST), email('root@server.localhost')] },
    ],
    ['permitted: URIs only', { permitted: [uri('server.localhost')] }],
    [
      'permitted: registered identifiers only',
      { permitted: [der.implicit(8, Buffer.from([0x2a, 3]))] },
    ],
    ['permitted: the subject', { permitted: [directory(named('Server'))] }],
    ['permitted: another subject', { permitted: [directory(named('Client'))] }],
    ['excluded', { excluded: [dns('server.localhost')] }],
    ['excluded: another', { excluded: [dns('other.localhost')] }],
    ['excluded: everything', { excluded: [dns('')] }],
    ['excluded: the subject', { excluded: [directory(named('Server'))] }],
    ['permitted and excluded', { permitted: [dns('localhost')], excluded: [dns(HOST)] }],
    [
      'permitted: the address',
      { permitted: [ip(127, 0, 0, 0, 255, 0, 0, 0)] },
      { names: [ip(...localhostAddress)], host: ADDRESS },
    ],
    [
      'permitted: another address',
      { permitted: [ip(10, 0, 0, 0, 255, 0, 0, 0)] },
      { names: [ip(...localhostAddress)], host: ADDRESS },
    ],
    [
      'excluded: the address',
      { excluded: [ip(127, 0, 0, 0, 255, 0, 0, 0)] },
      { names: [ip(...localhostAddress)], host: ADDRESS },
    ],
    [
      'address with a mask of holes',
      { permitted: [ip(127, 0, 0, 1, 255, 0, 0, 255)] },
      { names: [ip(...localhostAddress)], host: ADDRESS },
    ],
    [
      'address without a mask',
      { permitted: [ip(...localhostAddress)] },
      { names: [ip(...localhostAddress)], host: ADDRESS },
    ],
    [
      'permitted: names only, certificate has an address',
      { permitted: [dns('localhost')] },
      { names: [ip(...localhostAddress)], host: ADDRESS },
    ],
    [
      'excluded: names, certificate has an address',
      { excluded: [dns('')] },
      { names: [ip(...localhostAddress)], host: ADDRESS },
    ],
    [
      'permitted: common name only',
      { permitted: [dns('localhost')] },
      { names: null, subject: named(HOST) },
    ],
    [
      'excluded: what a wildcard could be',
      { excluded: [dns(HOST)] },
      { names: [dns('*.server.localhost')] },
    ],
    [
      'permitted: part of what a wildcard could be',
      { permitted: [dns(HOST)] },
      { names: [dns('*.server.localhost')] },
    ],
    [
      'one name of two is not permitted',
      { permitted: [dns('server.localhost')] },
      { names: [dns(HOST), dns('a.other.localhost')] },
    ],
    ['nothing', {}],
  ]) {
    const { host, ...rest } = options;
    const limited = intermediate({
      extensions: authorityExtensions({ more: [nameConstraints(trees)] }),
    });
    add(`name constraints: ${name}`, [leaf({ issuer: limited, ...rest }), limited], { host });
  }
  const constrained = (more) => intermediate({ extensions: authorityExtensions({ more: [more] }) });
  under(
    'name constraints: not critical, another',
    constrained(nameConstraints({ permitted: [dns('other.localhost')] }, false)),
  );
  under(
    'name constraints: malformed',
    constrained(extension('2.5.29.30', true, Buffer.from([0x30, 3, 1]))),
  );
  under(
    'name constraints: with a minimum',
    constrained(
      extension(
        '2.5.29.30',
        true,
        der.sequence(
          der.explicit(0, der.sequence(dns('localhost'), der.implicit(0, Buffer.from([1])))),
        ),
      ),
    ),
  );
  add('name constraints: of a root, permitted', [
    leaf({
      issuer: anchor('Root for server.localhost', {
        extensions: authorityExtensions({
          more: [nameConstraints({ permitted: [dns('server.localhost')] })],
        }),
      }),
    }),
  ]);
  add('name constraints: of a root, another', [
    leaf({
      issuer: anchor('Root for other.localhost', {
        extensions: authorityExtensions({
          more: [nameConstraints({ permitted: [dns('other.localhost')] })],
        }),
      }),
    }),
  ]);
  add('name constraints: of a leaf', [
    leaf({ more: [nameConstraints({ permitted: [dns('other.localhost')] })] }),
  ]);
  const elsewhere = nameConstraints({ permitted: [dns('www.server.localhost')] });
  const constraining = constrained(elsewhere);
  const rolledOver = (more = []) =>
    intermediate({
      issuer: constraining,
      name: 'Intermediate',
      key: keyOf('rolled over'),
      extensions: authorityExtensions({ more: [alternativeNames([dns('a.localhost')]), ...more] }),
    });
  for (const [name, issuer] of [
    ['an authority with a forbidden name', rolledOver()],
    ['an authority with a forbidden name, and the same constraints', rolledOver([elsewhere])],
  ]) {
    add(`name constraints: self-issued, ${name}`, [leaf({ issuer }), issuer, constraining]);
  }
  const upper = constrained(nameConstraints({ permitted: [dns('other.localhost')] }));
  const lower = intermediate({ issuer: upper, name: 'Lower' });
  add('name constraints: two authorities up', [leaf({ issuer: lower }), lower, upper]);

  // Policies and other extensions
  const policies = (...ids) =>
    extension('2.5.29.32', false, der.sequence(...ids.map((id) => der.sequence(der.oid(id)))));
  const policyConstraints = (critical, ...parts) =>
    extension('2.5.29.36', critical, der.sequence(...parts));
  const inhibit = extension('2.5.29.54', true, der.integer(0));
  const unknownExtension = (critical) => extension('1.3.6.1.4.1.99999.4', critical, der.none);
  add('extension: policies', [leaf({ more: [policies('2.23.140.1.2.1')] })]);
  add('extension: policies, critical', [
    leaf({
      more: [extension('2.5.29.32', true, der.sequence(der.sequence(der.oid('2.23.140.1.2.1'))))],
    }),
  ]);
  add('extension: the same policy twice', [
    leaf({ more: [policies('2.23.140.1.2.1', '2.23.140.1.2.1')] }),
  ]);
  add('extension: policies malformed', [
    leaf({ more: [extension('2.5.29.32', false, Buffer.from([0x30, 3, 1]))] }),
  ]);
  under(
    'extension: a policy required, leaf has none',
    constrained(policyConstraints(true, der.implicit(0, Buffer.from([0])))),
  );
  const requiring = intermediate({
    extensions: authorityExtensions({
      more: [
        policyConstraints(true, der.implicit(0, Buffer.from([0]))),
        policies('2.23.140.1.2.1'),
      ],
    }),
  });
  add('extension: a policy required, leaf has it', [
    leaf({ issuer: requiring, more: [policies('2.23.140.1.2.1')] }),
    requiring,
  ]);
  under('extension: inhibitAnyPolicy', constrained(inhibit));
  under(
    'extension: policy mappings',
    constrained(
      extension(
        '2.5.29.33',
        true,
        der.sequence(der.sequence(der.oid('1.2.3.4'), der.oid('1.2.3.5'))),
      ),
    ),
  );
  add('extension: policy constraints in the leaf', [
    leaf({ more: [policyConstraints(true, der.implicit(0, Buffer.from([0])))] }),
  ]);
  for (const critical of [true, false]) {
    const words = critical ? 'critical' : 'not critical';
    add(`extension: unknown, ${words}`, [leaf({ more: [unknownExtension(critical)] })]);
    under(
      `extension: unknown in the intermediate, ${words}`,
      constrained(unknownExtension(critical)),
    );
    add(`extension: unknown in the root, ${words}`, [
      leaf({
        issuer: anchor(`Root with an unknown extension, ${words}`, {
          extensions: authorityExtensions({ more: [unknownExtension(critical)] }),
        }),
      }),
    ]);
  }
  add('extension: unknown twice', [
    leaf({ more: [unknownExtension(false), unknownExtension(false)] }),
  ]);
  add('extension: unknown and critical, and unknown authority', [
    leaf({ more: [unknownExtension(true)], issuer: unknown }),
  ]);
  add('extension: unknown and critical, and expired', [
    leaf({ more: [unknownExtension(true)], days: [-9, -1] }),
  ]);
  add('extension: an answer about revocation must be stapled', [
    leaf({ more: [extension('1.3.6.1.5.5.7.1.24', false, der.sequence(der.integer(5)))] }),
  ]);
  add('extension: poison of certificate transparency', [
    leaf({ more: [extension('1.3.6.1.4.1.11129.2.4.3', true, der.none)] }),
  ]);
  add('extension: rubbish as certificate transparency', [
    leaf({
      more: [extension('1.3.6.1.4.1.11129.2.4.2', false, der.octets(Buffer.from('rubbish')))],
    }),
  ]);
  add('extension: authority information, no ASCII', [
    leaf({
      more: [
        extension(
          '1.3.6.1.5.5.7.1.1',
          false,
          der.sequence(der.sequence(der.oid('1.2.3.4'), uri('http://\u00e9.localhost/'))),
        ),
      ],
    }),
  ]);
  add('extension: authority information malformed', [
    leaf({ more: [extension('1.3.6.1.5.5.7.1.1', false, Buffer.from([0x30, 3, 1]))] }),
  ]);
  add('extension: critical FALSE written out', [
    leaf({ usage: extension('2.5.29.15', der.boolean(0), Buffer.from([3, 2, 7, 0x80])) }),
  ]);
  add('extension: critical TRUE as 1', [
    leaf({ usage: extension('2.5.29.15', der.boolean(1), Buffer.from([3, 2, 7, 0x80])) }),
  ]);
  add('extension: an empty list of them', [leaf({ extensions: [] })]);
  const staple = (name, revoked) => {
    const made = leaf();
    add(name, [made], { staple: ocspResponse(made, root, revoked) });
  };
  staple('revocation: stapled answer says good', false);
  staple('revocation: stapled answer says revoked', true);
  add('revocation: stapled answer is rubbish', [leaf()], { staple: Buffer.from('rubbish') });

  // Encodings
  const whole = leaf();
  const patched = (name, change) =>
    add(name, [change(Buffer.from(leaf().der))], { key: whole.key });
  patched('encoding: cut off', (bytes) => bytes.subarray(0, -1));
  patched('encoding: cut in half', (bytes) => bytes.subarray(0, bytes.length / 2));
  patched('encoding: a byte behind it', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]));
  patched('encoding: a value behind it', (bytes) => Buffer.concat([bytes, der.none]));
  patched('encoding: empty', () => Buffer.alloc(0));
  patched('encoding: rubbish', () => Buffer.from('this is no certificate'));
  patched('encoding: PEM', (bytes) => Buffer.from(pem(bytes)));
  patched('encoding: indefinite length', (bytes) =>
    Buffer.concat([Buffer.from([0x30, 0x80]), bytes.subarray(4), Buffer.alloc(2)]),
  );
  patched('encoding: length with a leading zero', (bytes) =>
    Buffer.concat([Buffer.from([0x30, 0x83, 0]), bytes.subarray(2)]),
  );
  patched('encoding: a set', (bytes) => Buffer.concat([Buffer.from([0x31]), bytes.subarray(1)]));
  add('encoding: something behind what is signed', [leaf({ rest: der.none })]);
  add('encoding: unique identifiers behind the extensions', [
    leaf({ rest: der.implicit(2, Buffer.from([0, 1])) }),
  ]);
  for (const [name, version] of [
    ['version 1', Buffer.alloc(0)],
    ['version 1 written out', der.explicit(0, der.integer(0))],
    ['version 2', der.explicit(0, der.integer(1))],
    ['version 4', der.explicit(0, der.integer(3))],
    ['version 0', der.explicit(0, der.integer(Buffer.from([0xff])))],
  ]) {
    add(`encoding: ${name} with extensions`, [leaf({ version })]);
    if (name === 'version 1') add('encoding: version 1', [leaf({ version, extensions: null })]);
  }
  under(
    'encoding: intermediate of version 1',
    intermediate({ version: Buffer.alloc(0), extensions: null }),
  );
  for (const [name, serial] of [
    ['0', der.integer(0)],
    ['negative', der.integer(Buffer.from([0x80]))],
    ['of 20 bytes', der.integer(Buffer.alloc(20, 0x11))],
    ['of 21 bytes', der.integer(Buffer.alloc(21, 0x11))],
    ['of 200 bytes', der.integer(Buffer.alloc(200, 0x11))],
    ['with a leading zero', der.integer(Buffer.from([0, 1]))],
    ['empty', der.integer(Buffer.alloc(0))],
    ['no number', der.utf8('1')],
  ]) {
    add(`encoding: serial number ${name}`, [leaf({ serial })]);
  }
  for (const [name, subject] of [
    ['of T61 characters', named('Sérver', (text) => der.t61(text, 'latin1'))],
    [
      'of BMP characters',
      named('Server', (text) => der.bmp([...text].map((one) => `\0${one}`).join(''), 'latin1')),
    ],
    ['of BMP characters, odd', named('Server', (text) => der.bmp(text.slice(1), 'latin1'))],
    ['of universal characters', named('S', () => der.universal('\0\0\0S', 'latin1'))],
    ['of IA5 characters', named('Server', der.ia5)],
    ['in invalid UTF-8', named('\xff\xfe', (text) => der.utf8(text, 'latin1'))],
    ['of printable characters that are none', named('a@b*c', der.printable)],
    ['that is a number', named('', () => der.integer(1))],
    ['with an empty part', der.sequence(der.set())],
    [
      'with a part of two',
      der.sequence(
        der.set(
          der.sequence(der.oid('2.5.4.3'), der.utf8('A')),
          der.sequence(der.oid('2.5.4.10'), der.utf8('B')),
        ),
      ),
    ],
    ['of 10,000 characters', named('a'.repeat(10_000))],
    ['malformed', der.sequence(der.none)],
  ]) {
    add(`encoding: subject ${name}`, [leaf({ subject })]);
  }
  add('encoding: issuer empty', [leaf({ issuerName: der.sequence() })]);

  // Signatures
  const signature = (name, algorithm, issuer, more = {}) =>
    add(`signature: ${name}`, [leaf({ issuer, algorithm, ...more })]);
  for (const algorithm of [
    'rsa-md5',
    'rsa-sha1',
    'rsa-sha224',
    'rsa-sha384',
    'rsa-sha512',
    'rsa-sha256 without parameters',
    'rsa-pss-sha256',
    'rsa-pss-sha384',
    'rsa-pss-sha1',
    'rsa-pss-sha256 with a salt of 20',
    'rsa-pss without parameters',
  ]) {
    signature(algorithm, algorithm, rsaRoot);
  }
  for (const algorithm of [
    'ecdsa-sha1',
    'ecdsa-sha224',
    'ecdsa-sha384',
    'ecdsa-sha512',
    'ecdsa-sha256 with parameters',
    'unknown',
  ]) {
    signature(algorithm, algorithm, root);
  }
  for (const [kind, algorithm] of [
    ['secp384r1', 'ecdsa-sha256'],
    ['secp384r1', 'ecdsa-sha384'],
    ['secp521r1', 'ecdsa-sha512'],
    ['secp521r1', 'ecdsa-sha1'],
    ['ed25519', 'ed25519'],
  ]) {
    under(
      `signature: ${algorithm} by an intermediate ${kind}`,
      intermediate({ key: keyOf('signer', kind), name: `Signer ${kind}` }),
      { algorithm },
    );
  }
  under(
    'signature: intermediate rsa-sha1',
    intermediate({ issuer: rsaRoot, algorithm: 'rsa-sha1' }),
  );
  under('signature: intermediate rsa-md5', intermediate({ issuer: rsaRoot, algorithm: 'rsa-md5' }));
  add('signature: root rsa-sha1', [
    leaf({
      issuer: anchor('Root signed with SHA-1', { key: 'rsa-2048/sha1', algorithm: 'rsa-sha1' }),
    }),
  ]);
  signature('rsa-sha1 and expired', 'rsa-sha1', rsaRoot, { days: [-9, -1] });
  signature('rsa-sha1 and another name', 'rsa-sha1', rsaRoot, { names: [dns('a.localhost')] });
  const unknownRsa = makeCertificate({
    key: 'rsa-2048/unknown',
    subject: named('Unknown RSA Root'),
    extensions: authorityExtensions(),
  });
  add('signature: rsa-sha1 and unknown authority', [
    leaf({ issuer: unknownRsa, algorithm: 'rsa-sha1' }),
  ]);
  signature('another algorithm named inside', 'ecdsa-sha256', root, { inner: 'ecdsa-sha384' });
  signature('RSA named inside, ECDSA outside', 'ecdsa-sha256', root, { inner: 'rsa-sha256' });
  signature('spoiled', 'ecdsa-sha256', root, {
    spoil: (bits) => Buffer.concat([bits.subarray(0, -1), Buffer.from([bits.at(-1) ^ 1])]),
  });
  signature('spoiled, RSA', 'rsa-sha256', rsaRoot, {
    spoil: (bits) => Buffer.concat([bits.subarray(0, -1), Buffer.from([bits.at(-1) ^ 1])]),
  });
  signature('empty', 'ecdsa-sha256', root, { spoil: () => der.bits(Buffer.alloc(0)) });
  signature('cut off', 'ecdsa-sha256', root, { spoil: (bits) => der.bits(bits.subarray(3, -1)) });
  signature('with something behind it', 'ecdsa-sha256', root, {
    spoil: (bits) => der.bits(Buffer.concat([bits.subarray(3), Buffer.alloc(1)])),
  });
  signature('with an unused bit that is set', 'ecdsa-sha256', root, {
    spoil: (bits) =>
      der.bits(Buffer.concat([bits.subarray(3, -1), Buffer.from([bits.at(-1) | 1])]), 1),
  });
  signature('of zeros', 'ecdsa-sha256', root, {
    spoil: () => der.bits(der.sequence(der.integer(0), der.integer(0))),
  });
  signature('spoiled, and expired', 'ecdsa-sha256', root, {
    days: [-9, -1],
    spoil: (bits) => Buffer.concat([bits.subarray(0, -1), Buffer.from([bits.at(-1) ^ 1])]),
  });

  // Self-signed and trusted as they are
  add('self-signed: end entity', [leaf({ issuer: undefined })]);
  const alone = (options) =>
    makeCertificate({
      key: keyOf('leaf'),
      subject: named('Server'),
      extensions: [basicConstraints(false), alternativeNames([dns(HOST)])],
      ...options,
    });
  add('self-signed: without an authority', [alone()]);
  add('self-signed: authority', [
    alone({
      extensions: authorityExtensions({ usage: null, more: [alternativeNames([dns(HOST)])] }),
    }),
  ]);
  add('self-signed: expired', [alone({ days: [-9, -1] })]);
  add('self-signed: for another name', [
    alone({ extensions: [alternativeNames([dns('a.localhost')])] }),
  ]);
  for (const [name, options = {}] of [
    ['end entity'],
    [
      'authority',
      {
        extensions: authorityExtensions({
          usage: keyUsage(['digitalSignature', 'keyCertSign']),
          more: [alternativeNames([dns(HOST)])],
        }),
      },
    ],
    ['without constraints', { extensions: [alternativeNames([dns(HOST)])] }],
    ['expired', { days: [-9, -1] }],
    ['for another name', { extensions: [alternativeNames([dns('a.localhost')])] }],
    [
      'for clients',
      { extensions: [alternativeNames([dns(HOST)]), extendedKeyUsage(['clientAuth'])] },
    ],
    ['issued by an unknown authority', { issuer: unknown }],
    ['with a key of 1024 bits', { key: 'rsa-1024/trusted' }],
    ['with a key of 768 bits', { key: 'rsa-768/trusted' }],
    ['signed with SHA-1', { key: 'rsa-2048/trusted', algorithm: 'rsa-sha1' }],
    [
      'with a spoiled signature',
      { spoil: (bits) => Buffer.concat([bits.subarray(0, -1), Buffer.from([bits.at(-1) ^ 1])]) },
    ],
    [
      'with an unknown critical extension',
      { extensions: [alternativeNames([dns(HOST)]), unknownExtension(true)] },
    ],
    ['of version 1', { version: Buffer.alloc(0), extensions: null }],
  ]) {
    const trusted = anchor(`Trusted as it is: ${name}`, {
      trust: 'CP',
      days: [-1, 89],
      extensions: [basicConstraints(false), alternativeNames([dns(HOST)])],
      ...options,
    });
    add(`trusted as it is: ${name}`, [trusted]);
  }

  // Size
  const many = (count) =>
    Array.from({ length: count }, (_, index) => dns(`host${index}.server.localhost`));
  const filling = (size) => extension('1.3.6.1.4.1.99999.5', false, der.octets(Buffer.alloc(size)));
  add('size: 1,000 names, the last is right', [leaf({ names: [...many(999), dns(HOST)] })]);
  add('size: 1,000 names, none is right', [leaf({ names: many(1000) })]);
  add('size: 2,000 names, the first is right', [leaf({ names: [dns(HOST), ...many(1999)] })]);
  add('size: 10,000 names', [leaf({ names: [dns(HOST), ...many(9999)] })]);
  for (const size of [10_000, 15_000, 17_000, 30_000, 60_000, 64_000, 66_000, 99_000, 110_000]) {
    add(`size: ${size.toLocaleString('en')} bytes in an extension`, [
      leaf({ more: [filling(size)] }),
    ]);
  }
  const fat = intermediate({ extensions: authorityExtensions({ more: [filling(30_000)] }) });
  under('size: large intermediate', fat);
  add('size: large chain', [leaf({ issuer: fat }), fat, fat]);
  const slim = intermediate({
    extensions: authorityExtensions({ more: [nameConstraints({ permitted: many(800) })] }),
  });
  add(
    'size: 800 names against 800 name constraints',
    [leaf({ issuer: slim, names: [dns('host799.server.localhost'), ...many(799)] }), slim],
    { host: 'host799.server.localhost' },
  );
  add('size: 60 authorities presented', [
    leaf({ issuer: middle }),
    ...Array.from({ length: 60 }, (_, index) =>
      intermediate({ name: `Spare ${index}`, key: keyOf('spare') }),
    ),
    middle,
  ]);

  return { anchors, cases };
}

module.exports = { makeCertificateCases };
