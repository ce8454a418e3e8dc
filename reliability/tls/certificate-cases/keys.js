'use strict';

/** Public keys: kinds, lengths and encodings. */

const der = require('../der');
const { keyFor, publicDer } = require('../certificate');
const { P256, keyOf } = require('./case-book');

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

/** @param {import('./case-book').CaseBook} book */
function addKeyCases({ add, anchor, intermediate, leaf, root, under }) {
  for (const kind of KEY_KINDS) {
    const usable = kind !== 'x25519';
    const made = leaf({ kind, issuer: root });
    // A key of 512 bits is too short for the signature schemes of TLS 1.3.
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
}

module.exports = { addKeyCases };
