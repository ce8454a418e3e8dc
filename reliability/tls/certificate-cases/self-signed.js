'use strict';

/** Self-signed certificates, untrusted and trusted as they are. */

const {
  alternativeNames,
  basicConstraints,
  dns,
  extendedKeyUsage,
  keyUsage,
  makeCertificate,
  named,
} = require('../certificate');
const { HOST, authorityExtensions, keyOf, unknownExtension } = require('./case-book');

/** @param {import('./case-book').CaseBook} book */
function addSelfSignedCases({ add, anchor, leaf, unknown }) {
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
}

module.exports = { addSelfSignedCases };
