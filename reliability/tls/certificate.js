'use strict';

/** Certificates made by hand, sense or not. Keys are made when first asked for. */

const crypto = require('node:crypto');
const der = require('./der');

const DAY = 24 * 60 * 60 * 1000;

const EC = ['prime256v1', 'secp384r1', 'secp521r1', 'secp224r1', 'secp256k1'];
const made = new Map();

/**
 * A private key, the same for the same words: `rsa-2048`, `rsa-2048 e3`, `secp384r1`, `ed25519`,
 * with anything behind a slash to have several.
 * @param {string} words
 */
function keyFor(words) {
  if (!made.has(words)) made.set(words, generate(words.split('/')[0]));
  return made.get(words);
}

/** @param {string} kind */
function generate(kind) {
  const [, family, length, exponent] = kind.match(/^(rsa|rsa-pss|dsa)-(\d+)(?: e(\d+))?$/) ?? [];
  const { privateKey } = EC.includes(kind)
    ? crypto.generateKeyPairSync('ec', { namedCurve: kind })
    : family
      ? crypto.generateKeyPairSync(/** @type {any} */ (family), {
          modulusLength: Number(length),
          ...(exponent && { publicExponent: Number(exponent) }),
          ...(family === 'dsa' && { divisorLength: 256 }),
        })
      : crypto.generateKeyPairSync(/** @type {any} */ (kind));
  return privateKey;
}

/** @param {crypto.KeyObject} key */
const publicDer = (key) => crypto.createPublicKey(key).export({ type: 'spki', format: 'der' });

const hashes = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha1: '1.3.14.3.2.26',
};

/** @param {string} hash @param {{ mask?: string, salt?: number }} [options] */
function pss(hash, { mask = hash, salt = 32 } = {}) {
  const hashed = (name) => der.sequence(der.oid(hashes[name]), der.none);
  return der.sequence(
    der.oid('1.2.840.113549.1.1.10'),
    der.sequence(
      der.explicit(0, hashed(hash)),
      der.explicit(1, der.sequence(der.oid('1.2.840.113549.1.1.8'), hashed(mask))),
      der.explicit(2, der.integer(salt)),
    ),
  );
}

const rsa = (arc) => der.sequence(der.oid(`1.2.840.113549.1.1.${arc}`), der.none);
const ecdsa = (arc) => der.sequence(der.oid(`1.2.840.10045.4.${arc}`));

/** Algorithm identifiers, and their names in `node:crypto`. */
const ALGORITHMS = {
  'rsa-md5': [rsa(4), 'md5'],
  'rsa-sha1': [rsa(5), 'sha1'],
  'rsa-sha224': [rsa(14), 'sha224'],
  'rsa-sha256': [rsa(11), 'sha256'],
  'rsa-sha384': [rsa(12), 'sha384'],
  'rsa-sha512': [rsa(13), 'sha512'],
  'rsa-sha256 without parameters': [der.sequence(der.oid('1.2.840.113549.1.1.11')), 'sha256'],
  'rsa-pss-sha256': [pss('sha256'), 'sha256', 32],
  'rsa-pss-sha384': [pss('sha384', { salt: 48 }), 'sha384', 48],
  'rsa-pss-sha1': [pss('sha1', { salt: 20 }), 'sha1', 20],
  'rsa-pss-sha256 with a salt of 20': [pss('sha256', { salt: 20 }), 'sha256', 20],
  'rsa-pss without parameters': [der.sequence(der.oid('1.2.840.113549.1.1.10')), 'sha1', 20],
  'ecdsa-sha1': [ecdsa(1), 'sha1'],
  'ecdsa-sha224': [ecdsa('3.1'), 'sha224'],
  'ecdsa-sha256': [ecdsa('3.2'), 'sha256'],
  'ecdsa-sha384': [ecdsa('3.3'), 'sha384'],
  'ecdsa-sha512': [ecdsa('3.4'), 'sha512'],
  'ecdsa-sha256 with parameters': [
    der.sequence(der.oid('1.2.840.10045.4.3.2'), der.none),
    'sha256',
  ],
  ed25519: [der.sequence(der.oid('1.3.101.112')), null],
  ed448: [der.sequence(der.oid('1.3.101.113')), null],
  unknown: [der.sequence(der.oid('1.3.6.1.4.1.99999.1')), 'sha256'],
};

/** @param {crypto.KeyObject} key @returns {string} */
const usualAlgorithm = (key) =>
  ({ ec: 'ecdsa-sha256', ed25519: 'ed25519', ed448: 'ed448', 'rsa-pss': 'rsa-pss-sha256' })[
    key.asymmetricKeyType
  ] ?? 'rsa-sha256';

/** @param {string} algorithm @param {crypto.KeyObject} key @param {Buffer} content */
function signed(algorithm, key, content) {
  const [, hash, saltLength] = ALGORITHMS[algorithm];
  const padding = crypto.constants.RSA_PKCS1_PSS_PADDING;
  return crypto.sign(hash, content, saltLength ? { key, padding, saltLength } : key);
}

/** A name of one common name. @param {string} text */
const named = (text, string = der.utf8) =>
  der.sequence(der.set(der.sequence(der.oid('2.5.4.3'), string(text))));

/** @param {string} id @param {boolean | Buffer} critical a Buffer is the value as it is */
function extension(id, critical, ...value) {
  const flag = Buffer.isBuffer(critical)
    ? critical
    : critical
      ? der.boolean(0xff)
      : Buffer.alloc(0);
  return der.sequence(der.oid(id), flag, der.octets(...value));
}

const USAGE = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
  encipherOnly: 7,
};
const PURPOSE = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  any: '2.5.29.37.0',
  netscape: '2.16.840.1.113730.4.1',
  unknown: '1.3.6.1.4.1.99999.2',
};

/** @param {string[]} usages */
function usageBits(usages) {
  const byte = usages.reduce((sum, usage) => sum | (0x80 >> USAGE[usage]), 0);
  const unused = byte === 0 ? 0 : Math.log2(byte & -byte);
  return der.bits(Buffer.from(byte === 0 ? [] : [byte]), unused);
}

const keyUsage = (usages, critical = true) => extension('2.5.29.15', critical, usageBits(usages));

const extendedKeyUsage = (purposes, critical = false) =>
  extension('2.5.29.37', critical, der.sequence(...purposes.map((name) => der.oid(PURPOSE[name]))));

/** @param {boolean} ca @param {number} [length] */
function basicConstraints(ca, length, critical = true) {
  const parts = [ca && der.boolean(0xff), length !== undefined && der.integer(length)];
  return extension('2.5.29.19', critical, der.sequence(...parts.filter(Boolean)));
}

const dns = (name, encoding) => der.implicit(2, Buffer.from(name, encoding));
const email = (name) => der.implicit(1, Buffer.from(name));
const uri = (name) => der.implicit(6, Buffer.from(name));
const ip = (...bytes) => der.implicit(7, Buffer.from(bytes));
const directory = (name) => der.explicit(4, name);
const alternativeNames = (names, critical = false) =>
  extension('2.5.29.17', critical, der.sequence(...names));

/** @param {{ permitted?: Buffer[], excluded?: Buffer[] }} trees */
function nameConstraints({ permitted, excluded }, critical = true) {
  const tree = (number, bases) =>
    bases ? [der.explicit(number, ...bases.map((base) => der.sequence(base)))] : [];
  return extension(
    '2.5.29.30',
    critical,
    der.sequence(...tree(0, permitted), ...tree(1, excluded)),
  );
}

/**
 * @typedef {object} Issuer
 * @property {Buffer} subject
 * @property {crypto.KeyObject} key
 */

/**
 * @typedef {Issuer & { der: Buffer, serial: Buffer }} Certificate
 */

/**
 * @param {object} options
 * @param {string} options.key words for {@link keyFor}
 * @param {Buffer} [options.subject]
 * @param {Issuer} [options.issuer] itself if left out
 * @param {Buffer} [options.issuerName]
 * @param {[number, number]} [options.days] from now
 * @param {Buffer} [options.notBefore]
 * @param {Buffer} [options.notAfter]
 * @param {Buffer} [options.validity]
 * @param {Buffer[] | null} [options.extensions] null: not even an empty list
 * @param {string} [options.algorithm]
 * @param {string} [options.inner] the algorithm that the signed part names
 * @param {Buffer} [options.version]
 * @param {Buffer} [options.serial]
 * @param {Buffer} [options.publicKey]
 * @param {Buffer} [options.rest] behind everything that is signed
 * @param {(signature: Buffer) => Buffer} [options.spoil] what becomes of the signature's bit string
 * @returns {Certificate}
 */
function makeCertificate(options) {
  const key = keyFor(options.key);
  const subject = options.subject ?? named('Somebody');
  const issuer = options.issuer ?? { subject, key };
  const algorithm = options.algorithm ?? usualAlgorithm(issuer.key);
  const [from, to] = options.days ?? [-1, 89];
  const serial =
    options.serial ?? der.integer(BigInt(`0x4${crypto.randomBytes(15).toString('hex')}`));
  const { extensions = [] } = options;
  const moment = (days) => der.time(new Date(Date.now() + days * DAY));
  const content = der.sequence(
    options.version ?? der.explicit(0, der.integer(2)),
    serial,
    ALGORITHMS[options.inner ?? algorithm][0],
    options.issuerName ?? issuer.subject,
    options.validity ??
      der.sequence(options.notBefore ?? moment(from), options.notAfter ?? moment(to)),
    subject,
    options.publicKey ?? publicDer(key),
    ...(extensions === null ? [] : [der.explicit(3, der.sequence(...extensions))]),
    options.rest ?? Buffer.alloc(0),
  );
  const { spoil = (signature) => signature } = options;
  const signature = spoil(der.bits(signed(algorithm, issuer.key, content)));
  return { der: der.sequence(content, ALGORITHMS[algorithm][0], signature), subject, key, serial };
}

/** @param {Buffer} certificate */
function pem(certificate) {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/**
 * An OCSP response about an issued certificate, for stapling.
 * @param {Certificate} certificate @param {Certificate} issuer @param {boolean} revoked
 */
function ocspResponse(certificate, issuer, revoked) {
  const sha1 = (bytes) => der.octets(crypto.createHash('sha1').update(bytes).digest());
  const hour = (hours) => der.time(new Date(Date.now() + hours * 3_600_000), 'generalized');
  const spki = crypto.createPublicKey(issuer.key).export({ type: 'spki', format: 'der' });
  // An uncompressed point of P-256, or all that follows the headers of a key of another kind.
  const bits = spki.subarray(-65);
  const id = der.sequence(
    der.sequence(der.oid(hashes.sha1), der.none),
    sha1(issuer.subject),
    sha1(bits),
    certificate.serial,
  );
  const status = revoked ? der.explicit(1, hour(-3)) : der.implicit(0, Buffer.alloc(0));
  const data = der.sequence(
    der.explicit(1, issuer.subject),
    hour(-2),
    der.sequence(der.sequence(id, status, hour(-2), der.explicit(0, hour(48)))),
  );
  const [algorithm, hash] = ALGORITHMS['ecdsa-sha256'];
  const basic = der.sequence(data, algorithm, der.bits(crypto.sign(hash, data, issuer.key)));
  return der.sequence(
    der.value(0x0a, Buffer.from([0])),
    der.explicit(0, der.sequence(der.oid('1.3.6.1.5.5.7.48.1.1'), der.octets(basic))),
  );
}

module.exports = {
  alternativeNames,
  basicConstraints,
  directory,
  dns,
  email,
  extendedKeyUsage,
  extension,
  ip,
  keyFor,
  keyUsage,
  makeCertificate,
  nameConstraints,
  named,
  ocspResponse,
  pem,
  publicDer,
  uri,
};
