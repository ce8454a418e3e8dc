'use strict';

/**
 * Options of configure() (lib/options/configuration.js): PEM that was cut, mixed and changed, and
 * other values. An invalid option must throw an error that names it, and must change nothing.
 */

const { createPrivateKey, X509Certificate } = require('node:crypto');
const { configureInstance } = require('../../../lib/options/configuration.js');
const { createInstance } = require('../../../lib/native/instance.js');
const { createAuthority } = require('../../../support/certificates.js');

/** @typedef {import('../fuzz.js').Choices} Random */

const OPTIONS = ['manifest', 'ca', 'clientCertificate', 'keyLog', 'connectTimeout'];
const LINES = [
  '-----BEGIN CERTIFICATE-----',
  '-----END CERTIFICATE-----',
  '-----BEGIN PRIVATE KEY-----',
  '-----END PRIVATE KEY-----',
  '-----BEGIN X-----',
  '',
  '====',
  '-----',
  'Proc-Type: 4,ENCRYPTED',
];
const ODD = [
  undefined,
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  NaN,
  2 ** 31,
  1n,
  '',
  'x',
  '/',
  'no/such/file',
  '\0',
  [],
  [[]],
  {},
  new Map(),
  Symbol('s'),
  () => {},
  new Uint8Array(3),
  new ArrayBuffer(3),
  new URL('file:///no/such/file'),
  new URL('http://localhost/'),
];

/**
 * @param {Random} random
 * @param {string[]} texts PEM.
 * @returns {string}
 */
function changed(random, texts) {
  let text = random.some(3, () => random.pick(texts)).join('');
  for (let edits = random.below(4); edits > 0; edits--) {
    const at = random.below(text.length + 1);
    switch (random.below(5)) {
      case 0:
        text = text.slice(0, at);
        break;
      case 1:
        text = `${text.slice(0, at)}${String.fromCharCode(random.below(random.pick([128, 256, 65536])))}${text.slice(at + 1)}`;
        break;
      case 2:
        text = `${text.slice(0, at)}\n${random.pick(LINES)}\n${text.slice(at)}`;
        break;
      case 3:
        text = text.slice(0, at) + text.slice(at + random.below(100));
        break;
      default:
        text = derChanged(random, text);
    }
  }
  return text;
}

/**
 * Changes bytes of the first block rather than letters of its text.
 *
 * @param {Random} random
 * @param {string} text
 */
function derChanged(random, text) {
  return text.replace(/(-----BEGIN [A-Z ]+-----\n)([^-]*)/, (_, begin, base64) => {
    const der = Buffer.from(base64, 'base64');
    for (let edits = random.below(3) + 1; edits > 0 && der.length > 0; edits--) {
      der[random.below(der.length)] = random.pick([
        0,
        1,
        0x30,
        0x7f,
        0x80,
        0x84,
        0xff,
        random.below(256),
      ]);
    }
    return `${begin}${der.toString('base64')}\n`;
  });
}

/** @type {import('../fuzz.js').Target} */
module.exports = {
  about: 'PEM and everything else that configure() is given',
  share: { seconds: 5, inputs: 1_000_000 },

  async start() {
    const authority = await createAuthority();
    const { chainPem, keyPem } = await authority.issue({ names: ['localhost'] });
    const certificates = [authority.certificatePem, chainPem];
    const keys = [
      keyPem,
      keyPem,
      createPrivateKey(keyPem).export({ format: 'pem', type: 'sec1' }).toString(),
    ];
    const instance = createInstance();
    let accepted = 0;

    /** @param {Random} random */
    const pem = (random) => {
      if (random.oneIn(20)) return random.pick(ODD);
      const text = changed(random, random.oneIn(10) ? keys : certificates);
      return random.oneIn(4) ? Buffer.from(text, 'latin1') : text;
    };

    /** @param {Random} random */
    const identity = (random) => {
      /** @type {Record<string, unknown>} */
      const result = { cert: pem(random), key: random.oneIn(3) ? keyPem : changed(random, keys) };
      if (random.oneIn(10)) {
        result[random.pick(['key', 'passphrase', 'pfx', 'cert'])] = random.pick(ODD);
      }
      return result;
    };

    /** @param {Random} random */
    const configuration = (random) => {
      /** @type {Record<string, unknown>} */
      const result = {};
      if (random.oneIn(2)) {
        result.ca = random.oneIn(3) ? random.some(3, () => pem(random)) : pem(random);
      }
      if (random.oneIn(3)) result.clientCertificate = identity(random);
      if (random.oneIn(10)) result.connectTimeout = random.pick(ODD);
      if (random.oneIn(20)) {
        result[random.pick(['manifest', 'ca', 'clientCertificate', 'x'])] = random.pick(ODD);
      }
      return result;
    };

    return {
      try(random, { expect }) {
        const given = random.oneIn(100) ? random.pick(ODD) : configuration(random);
        const before = { ...instance.settings };
        const about = () =>
          JSON.stringify(given, (_, value) =>
            typeof value === 'bigint' || typeof value === 'symbol' ? String(value) : value,
          );
        try {
          configureInstance(instance, /** @type {any} */ (given));
        } catch (/** @type {any} */ error) {
          const named =
            error instanceof Error &&
            (OPTIONS.some((option) => error.message.startsWith(option)) ||
              /^expected an object|^(?:\w+: )?no such option/.test(error.message));
          expect(named, () => `${about()} is refused with ${error?.stack ?? String(error)}`);
          const { tls, permissions } = instance.settings;
          const unchanged = tls === before.tls && permissions === before.permissions;
          expect(unchanged, () => `${about()} is refused, and something has changed`);
          return;
        }
        accepted += 1;
        const { ca, identity } = instance.settings.tls;
        const all = [...ca, ...(identity?.chain ?? [])];
        const known = all.every(({ certificate }) => certificate instanceof X509Certificate);
        expect(known, () => `${about()} is accepted`);
        configureInstance(instance, { ca: null, clientCertificate: null });
      },
      figures: () => `${accepted} accepted`,
    };
  },
};
