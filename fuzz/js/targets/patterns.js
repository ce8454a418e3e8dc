'use strict';

/**
 * Manifests (lib/options/manifest.js): patterns against a second matcher, and the text of
 * manifests, which is either refused with an error or has the meaning of the object.
 */

const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { isIPv6 } = require('node:net');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { parseManifest } = require('../../../lib/options/manifest.js');
const { addressOf } = require('../address.js');

const LABELS = [
  '*',
  '',
  'a',
  'B',
  'com',
  'example',
  'localhost',
  '127',
  '0',
  '1',
  '0x7f',
  '256',
  '\u00e9',
];
const HOST_PIECES = [
  ...LABELS,
  ' ',
  '\t',
  '\v',
  '\u00a0',
  '*a',
  'a*',
  '[::1]',
  '[',
  ']',
  'xn--a',
  '/',
  '\n',
];
const PORTS = [
  '',
  '*',
  '0',
  '1',
  '80',
  '65535',
  '65536',
  '+80',
  '-1',
  '080',
  ' 80',
  '8 0',
  '1e3',
  '99999999999',
  '\u0661',
];
const REQUESTED = [
  '127.0.0.1',
  '127.1',
  '0.0.0.0',
  '2130706433',
  '[::1]',
  '[::a]',
  'a.',
  '.a',
  '..',
  'x.example.com',
];
const NUMBERS = [0, 1, 80, 443, 65535, 65536, 65616, -1, -65456, 0x7fffffff];

/** @typedef {import('../fuzz.js').Choices} Random */

/** @param {Random} random */
const host = (random) =>
  random.oneIn(4)
    ? random.some(4, () => random.pick(HOST_PIECES)).join('')
    : random.some(4, () => random.pick(LABELS)).join('.');

/** @param {Random} random */
function pattern(random) {
  const ports = random.oneIn(20) ? random.some(2, () => random.pick(PORTS)) : [random.pick(PORTS)];
  return random.oneIn(5) ? host(random) : [host(random), ...ports].join(':');
}

// ---- The matcher to compare with ------------------------------------------------------------------

const SPACES = new Set(['\t', '\n', '\v', '\f', '\r', ' ']);

/** @param {string} text */
function trimmed(text) {
  let [start, end] = [0, text.length];
  while (start < end && SPACES.has(text[start])) start += 1;
  while (start < end && SPACES.has(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

/** @param {string} text */
const lower = (text) =>
  Array.from(text, (c) =>
    c >= 'A' && c <= 'Z' ? String.fromCharCode(c.charCodeAt(0) + 32) : c,
  ).join('');

/**
 * @param {string} text
 * @returns {{ labels: string[], below: boolean, port: number } | undefined}
 */
function read(text) {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const portText = colon < 0 ? '*' : text.slice(colon + 1) || '*';
  if (portText.includes(':') || trimmed(name) !== name) return undefined;
  let port = 0;
  if (portText !== '*') {
    const digits = portText.startsWith('+') ? portText.slice(1) : portText;
    if (digits === '' || !Array.from(digits).every((c) => c >= '0' && c <= '9')) return undefined;
    port = Number(BigInt(digits) > 65535n ? 0n : BigInt(digits));
    if (port === 0) return undefined;
  }
  const labels = name.split('.').map(trimmed).map(lower);
  const below = labels[0] === '' || labels[0] === '*';
  if (below) labels.shift();
  return { labels, below, port };
}

/**
 * @param {string} text
 * @param {string} requested
 * @param {number} port
 * @returns {boolean | undefined} undefined: not a pattern.
 */
function allows(text, requested, port) {
  const parsed = read(text);
  if (!parsed) return undefined;
  if (parsed.port !== 0 && (port - parsed.port) % 65536 !== 0) return false;
  const name = parsed.labels.join('.');
  const wanted = lower(requested);
  if (wanted === name) return true;
  if (!parsed.below) return false;
  if (name === '') return true;
  const isAddress = /^\[.*\]$/s.test(wanted)
    ? isIPv6(wanted.slice(1, -1))
    : addressOf(wanted) !== undefined;
  return !isAddress && wanted.length > name.length + 1 && wanted.endsWith(`.${name}`);
}

// ---- Manifests ------------------------------------------------------------------------------------

const KINDS = {
  udp: ['bind', 'send', 'multicastMembership'],
  tcp: ['connect'],
  tcpServer: ['listen'],
};
const ODD = [null, true, 0, '', [], {}, [[]], [null], [''], { connect: null }, 'x'];
const TEXTS = [
  '{',
  '}',
  '"',
  ',',
  ':',
  '[',
  ']',
  '//',
  '/*',
  '*/',
  '\\',
  '\\x41',
  '\\v',
  '\n',
  '\ufeff',
  '\\u0',
  'null',
  '"sockets"',
  '1e9',
  '\0',
];

/** @param {Random} random */
const odd = (random) => structuredClone(random.pick(ODD));

/** @param {Random} random */
function manifest(random) {
  /** @type {any} */
  const sockets = random.oneIn(30) ? odd(random) : {};
  if (sockets && typeof sockets === 'object' && !Array.isArray(sockets)) {
    for (const [kind, operations] of Object.entries(KINDS)) {
      if (random.oneIn(3)) continue;
      sockets[kind] = random.oneIn(20) ? odd(random) : {};
      if (!sockets[kind] || typeof sockets[kind] !== 'object') continue;
      for (const operation of operations) {
        if (random.oneIn(2)) continue;
        sockets[kind][operation] = random.oneIn(10)
          ? random.pick(ODD)
          : random.some(3, () => pattern(random));
      }
    }
  }
  return random.oneIn(30) ? random.pick(ODD) : { name: 'x', sockets };
}

/**
 * @param {unknown} value
 * @returns {{ problem: any } | { permissions: import('../../../lib/options/manifest.js').Permissions }}
 */
function attempt(value) {
  try {
    return { permissions: parseManifest(value) };
  } catch (problem) {
    return { problem };
  }
}

/** @type {import('../fuzz.js').Target} */
module.exports = {
  about: 'manifest patterns, against a small matcher; the text of manifests',
  share: { seconds: 8, inputs: 40_000_000 },

  start() {
    const directory = mkdtempSync(path.join(tmpdir(), 'fuzz-manifest-'));
    const file = path.join(directory, 'manifest.json');

    /** @type {import('../fuzz.js').Try} */
    function tryText(random, { expect }) {
      const object = manifest(random);
      let text = JSON.stringify(object);
      const intact = random.oneIn(2);
      if (!intact) {
        for (let edits = random.below(4) + 1; edits > 0; edits--) {
          const at = random.below(text.length + 1);
          text = text.slice(0, at) + random.pick(TEXTS) + text.slice(at + random.below(3));
        }
      }
      writeFileSync(file, text);
      const read = attempt(file);
      const worded =
        !('problem' in read) ||
        (read.problem instanceof Error && read.problem.message.startsWith(`manifest ${file}: `));
      expect(
        worded,
        () =>
          `${JSON.stringify(text)} is refused with ${String(/** @type {any} */ (read).problem)}`,
      );
      if (!intact || typeof object !== 'object') return;
      const given = attempt(object);
      expect(
        'problem' in given === 'problem' in read,
        () => `${text} is judged differently as a file`,
      );
    }

    return {
      try(random, context) {
        // Writing a file costs a thousand times more than the rest.
        if (random.oneIn(5000)) {
          tryText(random, context);
          return;
        }
        const { expect } = context;
        const text = pattern(random);
        const requested = random.oneIn(3) ? random.pick(REQUESTED) : host(random);
        const port = random.pick(NUMBERS);
        const expected = allows(text, requested, port);
        const result = attempt({ sockets: { tcp: { connect: text } } });
        const found =
          'permissions' in result ? result.permissions.allowsConnect(requested, port) : undefined;
        expect(
          found === expected,
          () =>
            `${JSON.stringify(text)} on ${JSON.stringify(requested)} ${port}: ${found}, not ${expected}`,
        );
        if ('problem' in result) {
          expect(result.problem.message.startsWith('manifest: sockets.tcp.connect: '), () =>
            String(result.problem),
          );
        }
      },
      end: () => rmSync(directory, { recursive: true }),
    };
  },
};
