'use strict';

/** The extension keyUsage. */

const { dns, extension, keyUsage } = require('../certificate');
const { authorityExtensions } = require('./case-book');

/** @param {import('./case-book').CaseBook} book */
function addKeyUsageCases({ add, anchor, intermediate, leaf, under, unknown }) {
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
}

module.exports = { addKeyUsageCases };
