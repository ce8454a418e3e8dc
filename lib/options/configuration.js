'use strict';

/* eslint-disable preserve-caught-error -- a cause would show what these errors leave out */

const { createPrivateKey, X509Certificate } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { isUint8Array } = require('node:util/types');
const { parseManifest } = require('./manifest.js');
const { escaped, fileProblem, kindOf, shownPath, shownNumber } = require('../base/shown.js');

/**
 * Errors name options, members and files. They never quote a value that could be a key or a passphrase,
 * whichever option it was given to by mistake, and have no `cause`: the errors of `fs` and `crypto`
 * quote their arguments.
 *
 * @typedef {{ where: string, certificate: X509Certificate }} Found A certificate, and how to name it
 *   in an error.
 * @typedef {import('../native/instance.js').Instance} Instance
 * @typedef {import('../native/instance.js').TlsChoices} TlsChoices
 * @typedef {NonNullable<TlsChoices['identity']>} Identity
 * @typedef {{ tls: TlsChoices, apply: ((instance: Instance) => void)[] }} Plan What a call of configure() will do.
 */

/**
 * One function per option: checks a value and plans the change. `null` resets an option.
 *
 * @type {Record<string, (value: any, plan: Plan) => void>}
 */
const options = {
  manifest(value, { apply }) {
    const permissions = value === null ? undefined : parseManifest(value);
    apply.push(({ settings }) => (settings.permissions = permissions));
  },

  manifestVersion(value, { apply }) {
    if (value !== null && value !== 2 && value !== 3) {
      throw new TypeError(`manifestVersion: expected 2, 3 or null, found ${shownNumber(value)}`);
    }
    apply.push(({ settings }) => (settings.manifestVersion = value ?? undefined));
  },

  ca(value, { tls }) {
    tls.ca = value === null ? [] : certificatesOf('ca', value);
  },

  clientCertificate(value, { tls }) {
    tls.identity = value === null ? undefined : identityOf(value);
  },

  keyLog(value, { tls }) {
    tls.keyLog = value === null || value === false ? undefined : keyLogOf(value);
  },

  connectTimeout(value, { apply }) {
    if (value !== null && !(Number.isInteger(value) && value >= 1 && value <= 0x7fffffff)) {
      const expected = 'an integer from 1 to 2147483647 (milliseconds) or null';
      throw new TypeError(`connectTimeout: expected ${expected}, found ${shownNumber(value)}`);
    }
    apply.push(({ native }) => native.limitConnect(value));
  },

  maxSockets(value, { apply }) {
    if (value !== null && !(Number.isInteger(value) && value >= 1 && value <= 0x7fffffff)) {
      const expected = 'an integer from 1 to 2147483647 or null';
      throw new TypeError(`maxSockets: expected ${expected}, found ${shownNumber(value)}`);
    }
    apply.push(({ native }) => native.limitSockets(value));
  },
};

const OPTION_NAMES = Object.keys(options);

/**
 * @param {Instance} instance
 * @param {object} configuration See ../configure.d.ts.
 * @throws {Error} The invalid option and the expected value; the configuration then stays unchanged.
 */
function configureInstance(instance, configuration) {
  plan(instance, configuration).forEach((apply) => apply(instance));
}

/**
 * Checks everything before any change.
 *
 * @param {Instance} instance
 * @param {unknown} configuration
 * @returns {Plan['apply']} Changes that cannot fail.
 */
function plan({ native, settings }, configuration) {
  if (!isObject(configuration)) {
    throw new TypeError(`expected an object with options, found ${kindOf(configuration)}`);
  }
  refuseUnknown(configuration, OPTION_NAMES);
  /** @type {Plan} */
  const planned = { tls: { ...settings.tls }, apply: [] };
  for (const [name, value] of Object.entries(configuration)) {
    if (value !== undefined) options[name](value, planned);
  }
  const { tls, apply } = planned;
  const changed = Object.entries(tls).some(
    ([name, value]) => /** @type {any} */ (settings.tls)[name] !== value,
  );
  if (changed) {
    configureTls(native, tls);
    apply.push(({ settings }) => (settings.tls = tls));
  }
  return apply;
}

/**
 * Native code has the last word on certificates, and opens the log.
 *
 * @param {Instance['native']} native
 * @param {TlsChoices} tls
 */
function configureTls(native, { ca, identity, keyLog }) {
  const problem = native.configureTls(
    ca.map(({ certificate }) => certificate.raw),
    identity?.chain.map(({ certificate }) => certificate.raw) ?? [],
    identity?.key.export({ type: 'pkcs8', format: 'der' }),
    keyLog?.path,
  );
  if (problem === null) return;
  const { option, index, reason } = problem;
  if (option === 'clientCertificate.key' && identity) {
    const found = describeKey(identity.key);
    throw new Error(`${identity.where}: expected ${USABLE_KEYS}, found ${found}`);
  }
  const where = { ca: ca[index]?.where, keyLog: keyLog?.where }[option] ?? option;
  const expected = option === 'keyLog' ? 'a file that can be written' : 'what TLS can use';
  throw new Error(`${where}: expected ${expected} (${reason})`);
}

// ---- Names that are no option -------------------------------------------------------------------

/**
 * Names that Node and other libraries use for such options. An error can quote them: they are no
 * keys.
 */
const FAMILIAR = new Set([
  ...[
    'cert',
    'certs',
    'certificate',
    'certificates',
    'certificateAuthority',
    'chain',
    'pem',
    'pfx',
  ],
  ...['privateKey', 'pass', 'password', 'secret', 'crl', 'ciphers', 'dhparam', 'ecdhCurve'],
  ...['ALPNProtocols', 'minVersion', 'maxVersion', 'secureContext', 'secureProtocol', 'servername'],
  ...['checkServerIdentity', 'insecure', 'rejectUnauthorized', 'strictSSL', 'verify', 'session'],
  ...['host', 'hostname', 'port', 'timeout', 'maxConnections', 'permissions', 'key', 'passphrase'],
]);

/**
 * @param {object} object
 * @param {string[]} known
 * @returns {{ shown: string | undefined, position: string } | undefined} The first name that is not
 *   known: quoted if it is a familiar or a misspelt one, otherwise by its position, as it may be a key.
 */
function findUnknown(object, known) {
  const names = Object.keys(object);
  const index = names.findIndex((name) => !known.includes(name));
  if (index === -1) return undefined;
  const name = names[index];
  if (FAMILIAR.has(name) || known.some((other) => isMisspelt(name, other))) {
    return { shown: escaped(name), position: '' };
  }
  return { shown: undefined, position: ` (number ${index + 1} of ${names.length})` };
}

/**
 * @param {object} configuration
 * @param {string[]} names
 * @throws {TypeError} If an option has another name than these.
 */
function refuseUnknown(configuration, names) {
  const unknown = findUnknown(configuration, names);
  if (!unknown) return;
  const start = unknown.shown === undefined ? '' : `${unknown.shown}: `;
  const expected = `expected one of ${names.join(', ')}`;
  throw new TypeError(`${start}no such option${unknown.position}, ${expected}`);
}

const MAX_EDITS = 2;

/**
 * @param {string} name
 * @param {string} known
 * @returns {boolean} Whether few insertions, deletions and substitutions make one of the other.
 */
function isMisspelt(name, known) {
  if (Math.abs(name.length - known.length) > MAX_EDITS) return false;
  const wanted = known.toLowerCase();
  let row = Array.from({ length: wanted.length + 1 }, (_, index) => index);
  for (const [i, character] of [...name.toLowerCase()].entries()) {
    const next = [i + 1];
    for (let j = 0; j < wanted.length; j += 1) {
      const substituted = row[j] + (character === wanted[j] ? 0 : 1);
      next.push(Math.min(substituted, row[j + 1] + 1, next[j] + 1));
    }
    row = next;
  }
  return row[wanted.length] <= MAX_EDITS;
}

// ---- Certificates and keys ----------------------------------------------------------------------

const BEGIN = '-----BEGIN ';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * @param {string} where
 * @param {unknown} value
 * @returns {Found[]}
 */
function certificatesOf(where, value) {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => certificatesOf(`${where}[${index}]`, item));
  }
  const { text, name } = readPem(where, value);
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) {
    throw new Error(`${name}: expected a PEM certificate (-----BEGIN CERTIFICATE-----)`);
  }
  return blocks.map((block, index) => {
    const here = blocks.length > 1 ? `${name}: certificate ${index + 1}` : name;
    try {
      return { where: here, certificate: new X509Certificate(block) };
    } catch (error) {
      throw new Error(`${here}: expected a PEM certificate (${cryptoProblem(error)})`);
    }
  });
}

/**
 * @param {string} where
 * @param {unknown} value The PEM text, or the path of a file with it.
 * @returns {{ text: string, name: string }} The text, and how to name where it came from.
 */
function readPem(where, value) {
  if (isUint8Array(value)) {
    return { text: Buffer.from(value).toString('latin1'), name: where };
  }
  if (typeof value === 'string' && value.includes(BEGIN)) return { text: value, name: where };
  if ((typeof value !== 'string' && !(value instanceof URL)) || value === '') {
    const expected = 'PEM text (a string or Buffer) or the path of a file';
    throw new TypeError(`${where}: expected ${expected}, found ${kindOf(value)}`);
  }
  const isSecret = where.startsWith(CLIENT_CERTIFICATE);
  try {
    const text = readFileSync(value, 'latin1');
    // It is a path, then, and no key.
    return { text, name: `${where}: ${escaped(value)}` };
  } catch (error) {
    const problem = fileProblem(error);
    const path = isSecret ? undefined : shownPath(value);
    if (path === undefined) {
      const expected = 'PEM text or the path of a file that can be read';
      throw new Error(`${where}: expected ${expected}, found neither (${problem})`);
    }
    throw new Error(`${where}: ${path}: expected a file that can be read (${problem})`);
  }
}

const CLIENT_CERTIFICATE = 'clientCertificate';
const IDENTITY_MEMBERS = ['cert', 'key', 'passphrase'];

/**
 * @param {any} value
 * @returns {Identity}
 */
function identityOf(value) {
  const option = CLIENT_CERTIFICATE;
  if (!isObject(value)) {
    throw new TypeError(`${option}: expected an object with cert and key, found ${kindOf(value)}`);
  }
  const unknown = findUnknown(value, IDENTITY_MEMBERS);
  if (unknown) {
    const start = unknown.shown === undefined ? option : `${option}.${unknown.shown}`;
    const expected = `expected ${IDENTITY_MEMBERS.join(', ')}`;
    throw new TypeError(`${start}: no such member${unknown.position}, ${expected}`);
  }
  const { cert, key: keyValue, passphrase } = /** @type {Record<string, unknown>} */ (value);
  if (passphrase !== undefined && typeof passphrase !== 'string' && !isUint8Array(passphrase)) {
    const expected = 'a string or Buffer';
    throw new TypeError(`${option}.passphrase: expected ${expected}, found ${kindOf(passphrase)}`);
  }
  const chain = certificatesOf(`${option}.cert`, cert);
  if (chain.length === 0) throw new Error(`${option}.cert: expected a certificate, found none`);
  const { text, name } = readPem(`${option}.key`, keyValue);
  let key;
  try {
    key = createPrivateKey({ key: text, passphrase: /** @type {any} */ (passphrase) });
  } catch (error) {
    throw new Error(`${name}: ${keyProblem(text, passphrase !== undefined, error)}`);
  }
  if (!chain[0].certificate.checkPrivateKey(key)) {
    throw new Error(`${name}: expected the private key of ${chain[0].where}`);
  }
  return { chain, key, where: name };
}

const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;
const PRIVATE_KEY = /-----BEGIN (?:\w+ )?PRIVATE KEY-----/;
const NO_PRIVATE_KEY = /-----BEGIN (CERTIFICATE|PUBLIC KEY|OPENSSH PRIVATE KEY)-----/;

/**
 * @param {string} text The text that should be a private key.
 * @param {boolean} withPassphrase
 * @param {unknown} error Node's error.
 * @returns {string}
 */
function keyProblem(text, withPassphrase, error) {
  if (ENCRYPTED.test(text)) {
    return withPassphrase
      ? `expected a key that ${CLIENT_CERTIFICATE}.passphrase decrypts (${cryptoProblem(error)})`
      : `expected ${CLIENT_CERTIFICATE}.passphrase, as the key is encrypted, found none`;
  }
  const [, label] = NO_PRIVATE_KEY.exec(text) ?? [];
  const isKey = PRIVATE_KEY.test(text);
  const reason = isKey ? cryptoProblem(error) : 'no -----BEGIN PRIVATE KEY----- in it';
  return `expected a PEM private key (${label ? `found ${label}` : reason})`;
}

/**
 * @param {any} error The error of a function of node:crypto.
 * @returns {string} OpenSSL's reason or Node's code. Its message may quote the input.
 */
function cryptoProblem({ reason, code }) {
  return String(reason ?? code ?? 'cannot be parsed');
}

/** The keys with which rustls can sign. */
const USABLE_KEYS =
  'an RSA key of 2048 to 8192 bits, an ECDSA key on P-256, P-384 or P-521, or an Ed25519 key';

const CURVES = /** @type {Record<string, string>} */ ({ prime256v1: 'P-256', secp384r1: 'P-384' });

/**
 * @param {import('node:crypto').KeyObject} key
 * @returns {string}
 */
function describeKey({ asymmetricKeyType: type, asymmetricKeyDetails: details = {} }) {
  const { modulusLength, namedCurve = '' } = details;
  if (type === 'rsa') return `an RSA key of ${modulusLength} bits`;
  if (type === 'ec') return `an ECDSA key on ${CURVES[namedCurve] ?? namedCurve}`;
  return `a key of type ${type}`;
}

/**
 * @param {unknown} value
 * @returns {TlsChoices['keyLog']}
 */
function keyLogOf(value) {
  if (typeof value === 'string' && value !== '') {
    const shown = shownPath(value);
    return { path: value, where: shown === undefined ? 'keyLog' : `keyLog: ${shown}` };
  }
  if (value !== true) {
    throw new TypeError(`keyLog: expected a path, true or false, found ${kindOf(value)}`);
  }
  const { SSLKEYLOGFILE } = process.env;
  if (SSLKEYLOGFILE) {
    return { path: SSLKEYLOGFILE, where: 'keyLog: the file that SSLKEYLOGFILE names' };
  }
  throw new Error('keyLog: true needs the path in the environment variable SSLKEYLOGFILE');
}

/**
 * @param {unknown} value
 * @returns {value is object}
 */
function isObject(value) {
  return kindOf(value) === 'an object';
}

module.exports = { configureInstance, refuseUnknown, OPTION_NAMES };
