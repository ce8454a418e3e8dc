'use strict';

/** Issuers: several paths, names and keys that do not match, loops. */

const der = require('../der');
const {
  directory,
  dns,
  extension,
  keyFor,
  makeCertificate,
  nameConstraints,
  named,
} = require('../certificate');
const { authorityExtensions, keyOf } = require('./case-book');

/** @param {import('./case-book').CaseBook} book */
function addIssuerCases({ add, anchor, intermediate, leaf, root, rsaRoot, unknown }) {
  const middle = intermediate();
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
}

module.exports = { addIssuerCases };
