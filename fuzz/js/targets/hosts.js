'use strict';

/**
 * Host names (lib/renderer/canonical-host.js): for every input, the result is a string, arrives
 * within the time limit, is canonical, and equals that of a second implementation.
 */

const { domainToASCII } = require('node:url');
const { canonicalHost } = require('../../../lib/renderer/canonical-host.js');
const { addressOf } = require('../address.js');

/** The time limit of one host in milliseconds, on a busy machine. */
const MAX_MS = 400;

const CANONICAL = /^[!-~]*$/;
const FORBIDDEN_IN_HOSTS = /[\0-\x20\x7f/?#@:\\[\]A-Z%]/;

const PIECES = [
  ...['a', 'b', 'Z', '0', '1', '9', '-', '_', '.', '.', '..', '%', '*', 'xn--', 'XN--', '0x', '0X'],
  ...['example', 'localhost', 'com', 'tda', 'e1afmkfd', '53h', '127', '255', '256', '4294967295'],
  ...['%2e', '%31', '%C3%BC', '%ff', '%00', '%', '%zz', '\u3002', '\uff0e', '\uff61', '\u00ad'],
  ...[
    '\u00fc',
    '\u00df',
    '\u0130',
    '\u2615',
    '\u{1f600}',
    '\u{e0100}',
    '\ufdfa',
    '\u200b',
    '\u200d',
  ],
  ...['\u05d0', '\u0627', '\u0301', '\u2488', '\uff11', '\ud800', '\udc00', '\ufffd', '\u4e2d'],
  ...[
    ' ',
    '\t',
    '\0',
    '/',
    '?',
    '#',
    '@',
    ':',
    '\\',
    '[',
    ']',
    '::1',
    '<',
    '^',
    '|',
    '~',
    '!',
    "'",
  ],
];

const DIGITS = [...'abcdefghijklmnopqrstuvwxyz0123456789-'];
const NUMBERS = ['0', '1', '00', '08', '010', '0x', '0xff', '0x100', '255', '256', '65536'];
const MORE_NUMBERS = ['16777216', '4294967295', '4294967296', '1e3', '+1', '99999999999999999999'];

/**
 * @param {import('../fuzz.js').Choices} random
 * @returns {string}
 */
function host(random) {
  switch (random.below(8)) {
    case 0:
      return random.some(5, () => random.pick([...NUMBERS, ...MORE_NUMBERS])).join('.');
    case 1: {
      const digits = random.some(random.oneIn(50) ? 1000 : 20, () => random.pick(DIGITS)).join('');
      return `${random.pick(['', 'a.', '\u00fc.'])}xn--${digits}${random.pick(['', '.', '.b'])}`;
    }
    case 2:
      return String.fromCodePoint(...random.some(8, () => codePoint(random)));
    case 3:
      return random.oneIn(500) ? long(random) : pieces(random);
    default:
      return pieces(random);
  }
}

const pieces = (/** @type {import('../fuzz.js').Choices} */ random) =>
  random.some(8, () => random.pick(PIECES)).join('');

/** @param {import('../fuzz.js').Choices} random */
function codePoint(random) {
  const bits = random.pick([7, 8, 11, 16, 20]);
  return random.below(2 ** bits);
}

/**
 * As a hostile page would write it, to keep the main process busy.
 *
 * @param {import('../fuzz.js').Choices} random
 */
function long(random) {
  const length = 20_000 + random.below(20_000);
  const first = random.pick([0x61, 0xe0, 0x300, 0x4e00, 0x1f300, 0xfdfa]);
  const spread = random.pick([1, 20, 5000]);
  const separator = random.pick(['', '', '.']);
  const points = Array.from({ length }, () => String.fromCodePoint(first + random.below(spread)));
  const text = random.pick(['', 'xn--']) + points.join(separator);
  return random.oneIn(4) ? encodeURIComponent(text) : text;
}

/** @type {import('../fuzz.js').Target} */
module.exports = {
  about: 'host names, against a second reading of addresses and the inverse of the first',
  share: { seconds: 8, inputs: 15_000_000 },

  start: () => ({
    try(random, { expect }) {
      const written = host(random);
      const started = performance.now();
      const canonical = canonicalHost(written);
      const took = performance.now() - started;
      const shown = written.length > 200 ? `${written.slice(0, 200)}…` : written;
      expect(took < MAX_MS, () => `${JSON.stringify(shown)} took ${took.toFixed(0)} ms`);
      expect(typeof canonical === 'string', () => `${JSON.stringify(shown)} gave no string`);
      if (canonical !== written) {
        const odd = !CANONICAL.test(canonical) || FORBIDDEN_IN_HOSTS.test(canonical);
        expect(!odd, () => `${JSON.stringify(shown)} became ${JSON.stringify(canonical)}`);
        const again = canonicalHost(canonical);
        expect(
          again === canonical,
          () => `${JSON.stringify(shown)} became ${canonical}, then ${again}`,
        );
        const ascii = domainToASCII(canonical);
        expect(
          ascii === canonical,
          () => `${JSON.stringify(shown)} became ${canonical}, not ${ascii}`,
        );
      }
      if (/^[\w.]+$/.test(written)) {
        const address = addressOf(written);
        const said =
          address === undefined
            ? !/^[\d.]+$/.test(canonical) || canonical === written
            : canonical === address;
        expect(said, () => `${JSON.stringify(shown)} became ${canonical}, not ${address}`);
      }
    },
  }),
};
