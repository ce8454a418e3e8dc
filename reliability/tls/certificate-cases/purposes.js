'use strict';

/** The extension extendedKeyUsage. */

const der = require('../der');
const { dns, extendedKeyUsage, extension } = require('../certificate');
const { authorityExtensions } = require('./case-book');

/** @param {import('./case-book').CaseBook} book */
function addPurposeCases({ add, anchor, intermediate, leaf, under, unknown }) {
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
}

module.exports = { addPurposeCases };
