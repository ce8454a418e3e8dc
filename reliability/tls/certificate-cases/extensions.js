'use strict';

/** Policies, unknown extensions and stapled revocation responses. */

const der = require('../der');
const { extension, ocspResponse, uri } = require('../certificate');
const { authorityExtensions, unknownExtension } = require('./case-book');

/** @param {import('./case-book').CaseBook} book */
function addExtensionCases({ add, anchor, constrained, intermediate, leaf, root, under, unknown }) {
  const policies = (...ids) =>
    extension('2.5.29.32', false, der.sequence(...ids.map((id) => der.sequence(der.oid(id)))));
  const policyConstraints = (critical, ...parts) =>
    extension('2.5.29.36', critical, der.sequence(...parts));
  const inhibit = extension('2.5.29.54', true, der.integer(0));
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
}

module.exports = { addExtensionCases };
