'use strict';

/** The extension nameConstraints. */

const der = require('../der');
const {
  alternativeNames,
  directory,
  dns,
  email,
  extension,
  ip,
  nameConstraints,
  named,
  uri,
} = require('../certificate');
const { ADDRESS, HOST, authorityExtensions, keyOf } = require('./case-book');

const localhostAddress = [127, 0, 0, 1];
/** The constraints of an intermediate, and the changes of the leaf below it. */
const TREES = [
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
];

/** @param {import('./case-book').CaseBook} book */
function addNameConstraintCases({ add, anchor, constrained, intermediate, leaf, under }) {
  for (const [name, trees, options = {}] of TREES) {
    const { host, ...rest } = options;
    const limited = intermediate({
      extensions: authorityExtensions({ more: [nameConstraints(trees)] }),
    });
    add(`name constraints: ${name}`, [leaf({ issuer: limited, ...rest }), limited], { host });
  }
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
}

module.exports = { addNameConstraintCases };
