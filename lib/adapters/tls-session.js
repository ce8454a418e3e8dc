'use strict';

/** The session of a stream that `connect()` has secured, as a TLSSocket describes it. */

const { X509Certificate } = require('node:crypto');
const { isIP } = require('node:net');

/** The longest name of a protocol, and the longest list of them with their lengths, in bytes. */
const MAX_PROTOCOL = 255;
const MAX_PROTOCOLS = 65_535;

/**
 * @param {unknown} value The option ALPNProtocols.
 * @returns {string[]}
 */
function checkProtocols(value) {
  const length = (/** @type {unknown} */ name) =>
    typeof name === 'string' ? Buffer.byteLength(name) : 0;
  const isName = (/** @type {unknown} */ name) => length(name) > 0 && length(name) <= MAX_PROTOCOL;
  if (!Array.isArray(value) || !value.every(isName)) {
    throw new TypeError(
      `ALPNProtocols: expected an array of strings of 1 to ${MAX_PROTOCOL} bytes`,
    );
  }
  if (value.reduce((sum, name) => sum + 1 + length(name), 0) > MAX_PROTOCOLS) {
    throw new TypeError(`ALPNProtocols: expected at most ${MAX_PROTOCOLS} bytes in all`);
  }
  return value;
}

/**
 * @param {string} name Of a cipher suite, IANA's.
 * @returns {string} OpenSSL's, which differs for the suites of TLS 1.2.
 */
function opensslName(name) {
  if (!name.includes('_WITH_')) return name;
  const words = name.replace('TLS_', '').replace('_WITH_', '_').replace(/AES_/, 'AES');
  const hyphenated = words.replaceAll('_', '-');
  return hyphenated.replace('CHACHA20-POLY1305-SHA256', 'CHACHA20-POLY1305');
}

/** The values before the handshake, then those of its result. */
class TlsSession {
  /** @type {string | false | null} */
  alpnProtocol = null;
  authorized = false;
  /** @type {string | false | null} */
  servername = null;
  /** @type {string | null} */
  version = null;
  #cipher = '';
  /** @type {X509Certificate | undefined} */
  #certificate;
  #host;

  /** @param {string} host */
  constructor(host) {
    this.#host = host;
  }

  /** @param {import('../../binding.js').TlsSession | null} session */
  succeed(session) {
    this.authorized = true;
    this.servername = isIP(this.#host) ? false : this.#host;
    if (!session) return;
    const { protocol, version, cipher, certificates } = session;
    this.alpnProtocol = protocol ? protocol.toString() : false;
    this.version = version;
    this.#cipher = cipher;
    this.#certificate = certificates[0] && new X509Certificate(certificates[0]);
  }

  get certificate() {
    return this.#certificate;
  }

  get cipher() {
    const { version } = this;
    const standardName = this.#cipher;
    return version === null ? {} : { name: opensslName(standardName), standardName, version };
  }
}

module.exports = { checkProtocols, TlsSession };
