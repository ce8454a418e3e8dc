'use strict';

/** The extension basicConstraints. */

const der = require('../der');
const { basicConstraints, dns, extension, makeCertificate } = require('../certificate');
const { authorityExtensions, keyOf } = require('./case-book');

/** @param {import('./case-book').CaseBook} book */
function addConstraintCases({ add, anchor, intermediate, leaf, under, unknown }) {
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
}

module.exports = { addConstraintCases };
