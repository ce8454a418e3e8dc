'use strict';

/** Signatures: algorithms, and damaged ones. */

const der = require('../der');
const { dns, makeCertificate, named } = require('../certificate');
const { authorityExtensions, keyOf } = require('./case-book');

/** @param {import('./case-book').CaseBook} book */
function addSignatureCases({ add, anchor, intermediate, leaf, root, rsaRoot, under }) {
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
}

module.exports = { addSignatureCases };
