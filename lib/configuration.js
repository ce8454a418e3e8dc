'use strict';

const { createPrivateKey, X509Certificate } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { isUint8Array } = require('node:util/types');
const { parseManifest } = require('./manifest.js');

/**
 * @typedef {{ where: string, certificate: X509Certificate }} Found A certificate, and how to name it
 *   in an error.
 * @typedef {import('./instance.js').Instance} Instance
 * @typedef {import('./instance.js').TlsChoices} TlsChoices
 * @typedef {{ tls: TlsChoices, apply: ((instance: Instance) => void)[] }} Plan What a call of configure() will do.
 */

/**
 * One function per option: checks a value and notes what is to be done. `null` takes an option back.
 *
 * @type {Record<string, (value: any, plan: Plan) => void>}
 */
const options = {
  manifest(value, { apply }) {
    const permissions = value === null ? undefined : parseManifest(value);
    apply.push(({ settings }) => (settings.permissions = permissions));
  },

  ca(value, { tls }) {
    tls.ca = value === null ? [] : certificatesOf('ca', value);
  },

  clientCertificate(value, { tls }) {
    tls.identity = value === null ? undefined : identityOf(value);
  },

  keyLog(value, { tls }) {
    tls.keyLog = value === null || value === false ? undefined : keyLogPath(value);
  },

  connectTimeout(value, { apply }) {
    if (value !== null && !(Number.isInteger(value) && value >= 1 && value <= 0x7fffffff)) {
      const expected = 'an integer from 1 to 2147483647 (milliseconds) or null';
      throw new TypeError(`connectTimeout: expected ${expected}, found ${show(value)}`);
    }
    apply.push(({ native }) => native.limitConnect(value));
  },

  maxSockets(value, { apply }) {
    if (value !== null && !(Number.isInteger(value) && value >= 1 && value <= 0x7fffffff)) {
      const expected = 'an integer from 1 to 2147483647 or null';
      throw new TypeError(`maxSockets: expected ${expected}, found ${show(value)}`);
    }
    apply.push(({ native }) => native.limitSockets(value));
  },
};

/**
 * @param {Instance} instance
 * @param {object} configuration See ../configure.d.ts.
 * @throws {Error} What cannot be used, and what was expected; nothing is changed then.
 */
function configureInstance(instance, configuration) {
  plan(instance, configuration).forEach((apply) => apply(instance));
}

/**
 * Checks everything before anything is changed.
 *
 * @param {Instance} instance
 * @param {unknown} configuration
 * @returns {Plan['apply']} What cannot fail any more.
 */
function plan({ native, settings }, configuration) {
  if (typeof configuration !== 'object' || configuration === null) {
    throw new TypeError(`expected an object with options, found ${show(configuration)}`);
  }
  /** @type {Plan} */
  const planned = { tls: { ...settings.tls }, apply: [] };
  for (const [name, value] of Object.entries(configuration)) {
    if (!Object.hasOwn(options, name)) {
      const known = Object.keys(options).join(', ');
      throw new TypeError(`${name}: no such option, expected one of ${known}`);
    }
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
    identity?.key,
    keyLog,
  );
  if (problem === null) return;
  const { option, index, reason } = problem;
  const where = { ca: ca[index]?.where, keyLog: `keyLog: ${keyLog}` }[option] ?? option;
  const expected = option === 'keyLog' ? 'a file that can be written' : 'what TLS can use';
  throw new Error(`${where}: expected ${expected} (${reason})`);
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
    } catch (/** @type {any} */ error) {
      throw new Error(`${here}: expected a PEM certificate (${error.message})`, { cause: error });
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
    throw new TypeError(`${where}: expected ${expected}, found ${show(value)}`);
  }
  const name = `${where}: ${value}`;
  try {
    return { text: readFileSync(value, 'latin1'), name };
  } catch (/** @type {any} */ error) {
    throw new Error(`${name}: expected a file that can be read (${error.message})`, {
      cause: error,
    });
  }
}

const IDENTITY_MEMBERS = ['cert', 'key', 'passphrase'];

/**
 * @param {any} value
 * @returns {{ chain: Found[], key: Uint8Array }}
 */
function identityOf(value) {
  const option = 'clientCertificate';
  if (typeof value !== 'object') {
    throw new TypeError(`${option}: expected an object with cert and key, found ${show(value)}`);
  }
  const unknown = Object.keys(value).find((member) => !IDENTITY_MEMBERS.includes(member));
  if (unknown !== undefined) {
    const known = IDENTITY_MEMBERS.join(', ');
    throw new TypeError(`${option}.${unknown}: no such member, expected ${known}`);
  }
  const chain = certificatesOf(`${option}.cert`, value.cert);
  if (chain.length === 0) throw new Error(`${option}.cert: expected a certificate, found none`);
  const { text, name } = readPem(`${option}.key`, value.key);
  let key;
  try {
    key = createPrivateKey({ key: text, passphrase: value.passphrase });
  } catch (/** @type {any} */ error) {
    throw new Error(`${name}: expected a PEM private key (${error.message})`, { cause: error });
  }
  if (!chain[0].certificate.checkPrivateKey(key)) {
    throw new Error(`${name}: expected the private key of ${chain[0].where}`);
  }
  return { chain, key: key.export({ type: 'pkcs8', format: 'der' }) };
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function keyLogPath(value) {
  if (typeof value === 'string' && value !== '') return value;
  if (value !== true) {
    throw new TypeError(`keyLog: expected a path, true or false, found ${show(value)}`);
  }
  const { SSLKEYLOGFILE } = process.env;
  if (SSLKEYLOGFILE) return SSLKEYLOGFILE;
  throw new Error('keyLog: true needs the path in the environment variable SSLKEYLOGFILE');
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function show(value) {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

module.exports = { configureInstance };
