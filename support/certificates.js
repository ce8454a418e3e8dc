'use strict';

/**
 * Certificate authorities and server certificates for tests, the conformance suite and the demo,
 * made at run time so that no key is ever committed.
 */

require('reflect-metadata');
const { randomBytes, webcrypto } = require('node:crypto');
const x509 = require('@peculiar/x509');

x509.cryptoProvider.set(/** @type {any} */ (webcrypto));

const DAY = 24 * 60 * 60 * 1000;

/**
 * @typedef {'ecdsa-p256' | 'ecdsa-p384' | 'ecdsa-p521' | 'rsa-2048' | 'rsa-1024' | 'ed25519'} KeyAlgorithm
 */

/**
 * @typedef {object} CertificateOptions
 * @property {string} [commonName] subject common name; never used to verify a host. Default: the
 *   first name, else the first address, else "Test"
 * @property {string[]} [names] DNS names of the subject alternative name
 * @property {string[]} [ips] addresses of the subject alternative name
 * @property {Date} [notBefore] default: yesterday
 * @property {Date} [notAfter] default: 90 days after notBefore
 * @property {Array<'serverAuth' | 'clientAuth' | 'anyExtendedKeyUsage'> | null} [extendedKeyUsage]
 *   default `['serverAuth']` for an end entity; `null` leaves the extension out
 * @property {Array<'digitalSignature' | 'keyEncipherment' | 'keyAgreement' | 'keyCertSign' | 'cRLSign'> | null} [keyUsage]
 *   default `['digitalSignature']` for an end entity, `['keyCertSign', 'cRLSign']` for an
 *   authority; `null` leaves the extension out
 * @property {KeyAlgorithm} [keyAlgorithm] default `'ecdsa-p256'`
 * @property {'SHA-256' | 'SHA-384' | 'SHA-1'} [hash] of the signature; default `'SHA-256'`
 * @property {boolean} [ca] value of the basic constraints; default false for {@link Authority.issue}
 * @property {number} [pathLength] longest chain of authorities below this one
 */

/**
 * @typedef {object} Certificate
 * @property {string} certificatePem the certificate alone
 * @property {string} keyPem its private key, PKCS #8
 * @property {string} chainPem the certificate followed by its intermediates, without the root: the
 *   list that a server presents
 */

/**
 * @typedef {object} IssuingMethods
 * @property {(options?: CertificateOptions) => Promise<Certificate>} issue an end entity
 *   certificate signed by this authority
 * @property {(options?: CertificateOptions) => Promise<Authority>} createIntermediate an
 *   authority signed by this one
 */

/** @typedef {Certificate & IssuingMethods} Authority */

/** @typedef {{ subject: string, keys: CryptoKeyPair, chainPem: string, isRoot: boolean }} Signer */
/** @typedef {webcrypto.CryptoKeyPair} CryptoKeyPair */

/** @type {Record<KeyAlgorithm, any>} */
const KEY_PARAMETERS = {
  'ecdsa-p256': { name: 'ECDSA', namedCurve: 'P-256' },
  'ecdsa-p384': { name: 'ECDSA', namedCurve: 'P-384' },
  'ecdsa-p521': { name: 'ECDSA', namedCurve: 'P-521' },
  'rsa-2048': rsa(2048),
  'rsa-1024': rsa(1024),
  ed25519: { name: 'Ed25519' },
};

/** @param {number} modulusLength */
function rsa(modulusLength) {
  return {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength,
  };
}

const EXTENDED_KEY_USAGES = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  anyExtendedKeyUsage: '2.5.29.37.0',
};

/**
 * @param {KeyAlgorithm} algorithm
 * @returns {Promise<CryptoKeyPair>}
 */
async function generateKeys(algorithm) {
  const keys = await webcrypto.subtle.generateKey(KEY_PARAMETERS[algorithm], true, [
    'sign',
    'verify',
  ]);
  return /** @type {CryptoKeyPair} */ (keys);
}

/** @param {webcrypto.CryptoKey} key */
async function exportKey(key) {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
}

/**
 * @param {CertificateOptions} options
 * @param {CryptoKeyPair} keys
 * @param {CryptoKeyPair} signingKeys
 */
async function extensionsOf(options, keys, signingKeys) {
  const { names = [], ips = [], ca = false } = options;
  /** @type {x509.Extension[]} */
  const extensions = [
    new x509.BasicConstraintsExtension(ca, options.pathLength, true),
    await x509.SubjectKeyIdentifierExtension.create(/** @type {any} */ (keys.publicKey)),
    await x509.AuthorityKeyIdentifierExtension.create(/** @type {any} */ (signingKeys.publicKey)),
  ];

  const keyUsage =
    options.keyUsage === undefined
      ? ca
        ? /** @type {const} */ (['keyCertSign', 'cRLSign'])
        : /** @type {const} */ (['digitalSignature'])
      : options.keyUsage;
  if (keyUsage !== null) {
    const bits = keyUsage.reduce((sum, usage) => sum | x509.KeyUsageFlags[usage], 0);
    extensions.push(new x509.KeyUsagesExtension(bits, true));
  }

  const extendedKeyUsage =
    options.extendedKeyUsage === undefined
      ? ca
        ? null
        : /** @type {const} */ (['serverAuth'])
      : options.extendedKeyUsage;
  if (extendedKeyUsage !== null) {
    const oids = extendedKeyUsage.map((usage) => EXTENDED_KEY_USAGES[usage]);
    extensions.push(new x509.ExtendedKeyUsageExtension(oids));
  }

  if (names.length + ips.length > 0) {
    extensions.push(
      new x509.SubjectAlternativeNameExtension([
        ...names.map((value) => ({ type: /** @type {const} */ ('dns'), value })),
        ...ips.map((value) => ({ type: /** @type {const} */ ('ip'), value })),
      ]),
    );
  }
  return extensions;
}

/**
 * @param {CertificateOptions} options
 * @param {Signer | null} signer null for a certificate that signs itself
 */
async function sign(options, signer) {
  const keys = await generateKeys(options.keyAlgorithm ?? 'ecdsa-p256');
  const signingKeys = signer?.keys ?? keys;
  const notBefore = options.notBefore ?? new Date(Date.now() - DAY);
  const commonName = options.commonName ?? options.names?.[0] ?? options.ips?.[0] ?? 'Test';
  const subject = `CN=${commonName}`;
  const serialNumber = randomBytes(15);
  const certificate = await x509.X509CertificateGenerator.create({
    // A leading 01 keeps the number positive and of constant length.
    serialNumber: `01${serialNumber.toString('hex')}`,
    subject,
    issuer: signer?.subject ?? subject,
    notBefore,
    notAfter: options.notAfter ?? new Date(notBefore.getTime() + 90 * DAY),
    signingAlgorithm: {
      ...signingKeys.privateKey.algorithm,
      hash: options.hash ?? 'SHA-256',
    },
    publicKey: /** @type {any} */ (keys.publicKey),
    signingKey: /** @type {any} */ (signingKeys.privateKey),
    extensions: await extensionsOf(options, keys, signingKeys),
  });
  const certificatePem = `${certificate.toString('pem')}\n`;
  const above = signer === null || signer.isRoot ? '' : signer.chainPem;
  return {
    subject,
    keys,
    certificatePem,
    keyPem: await exportKey(keys.privateKey),
    chainPem: certificatePem + above,
  };
}

/**
 * A self-signed certificate.
 *
 * @param {CertificateOptions} [options]
 * @returns {Promise<Certificate>}
 */
async function issueSelfSigned(options = {}) {
  const { certificatePem, keyPem, chainPem } = await sign(options, null);
  return { certificatePem, keyPem, chainPem };
}

/**
 * @param {CertificateOptions} options
 * @param {Signer | null} above
 * @returns {Promise<Authority>}
 */
async function authority(options, above) {
  const own = await sign({ ...options, ca: options.ca ?? true }, above);
  const signer = {
    subject: own.subject,
    keys: own.keys,
    chainPem: own.chainPem,
    isRoot: above === null,
  };
  return {
    certificatePem: own.certificatePem,
    keyPem: own.keyPem,
    chainPem: own.chainPem,
    async issue(leaf = {}) {
      const { certificatePem, keyPem, chainPem } = await sign(leaf, signer);
      return { certificatePem, keyPem, chainPem };
    },
    createIntermediate: (below = {}) => authority(below, signer),
  };
}

/**
 * A root authority.
 *
 * @param {CertificateOptions} [options] `commonName` defaults to "Test Authority", the validity to
 *   ten years
 * @returns {Promise<Authority>}
 */
function createAuthority(options = {}) {
  const notBefore = options.notBefore ?? new Date(Date.now() - DAY);
  return authority(
    {
      commonName: 'Test Authority',
      notBefore,
      notAfter: new Date(notBefore.getTime() + 3650 * DAY),
      ...options,
    },
    null,
  );
}

module.exports = { createAuthority, issueSelfSigned };
