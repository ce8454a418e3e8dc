'use strict';

// No key and no passphrase appears in an error, a warning, a debug line or a diagnostics message,
// wherever an application passes it by mistake.

const { createPrivateKey, generateKeyPairSync, randomBytes } = require('node:crypto');
const { mkdtempSync, readdirSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { inspect } = require('node:util');
const fc = require('fast-check');
const { configure } = require('../entry/configure.js');
const { createAuthority } = require('../support/certificates.js');
const { runNode } = require('./support/child.js');
const { certificate, startServer, stopServers } = require('../support/servers.js');

const PASSPHRASE = `${randomBytes(20).toString('base64url')} ${randomBytes(9).toString('hex')}`;

const keys = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  ed25519: generateKeyPairSync('ed25519').privateKey,
};

/** Encrypted, but with a passphrase that may be weak. */
const encrypted = keys.ec.export({
  format: 'pem',
  type: 'pkcs8',
  cipher: 'aes-128-cbc',
  passphrase: PASSPHRASE,
});

const PIECE = 8;

/** Every piece of 8 characters of a secret, in each notation in which it could be printed. */
function piecesOf(secret) {
  const bytes = Buffer.from(secret);
  const plain = [...['latin1', 'base64', 'base64url'].map((encoding) => bytes.toString(encoding))];
  const hex = plain.map((text) => Buffer.from(text, 'latin1').toString('hex'));
  const pieces = new Set();
  for (const text of [...plain, ...hex, ...hex.map((text) => text.toUpperCase())]) {
    for (let i = 0; i + PIECE <= text.length; i += 1) pieces.add(text.slice(i, i + PIECE));
  }
  return pieces;
}

const secretPieces = new Set(
  [
    ...Object.values(keys).flatMap((key) => {
      const jwk = key.export({ format: 'jwk' });
      return [key.export({ format: 'der', type: 'pkcs8' }), ...Object.values(jwk)];
    }),
    keys.rsa.export({ format: 'der', type: 'pkcs1' }),
    keys.ec.export({ format: 'der', type: 'sec1' }),
    PASSPHRASE,
    Buffer.from(encrypted.replace(/-.*-/g, ''), 'base64'),
  ].flatMap((secret) => [...piecesOf(secret)]),
);

/** @returns {string | undefined} The first piece of a secret in a text. */
function leakIn(text) {
  // Numbers of a list of bytes, as Rust and util.inspect() print them.
  const lists = [...text.matchAll(/\d+(?:, ?\d+){7,}/g)].map(([list]) =>
    Buffer.from(list.split(',').map(Number)).toString('hex'),
  );
  const lines = new Set(text.split('\n'));
  for (const shown of [...lines, text.replace(/\\n|\s/g, ''), ...lists]) {
    for (let i = 0; i + PIECE <= shown.length; i += 1) {
      const piece = shown.slice(i, i + PIECE);
      if (secretPieces.has(piece)) return piece;
    }
  }
  return undefined;
}

/** Everything of an error that could reach a log. */
function everythingOf(error, seen = new Set()) {
  if (typeof error !== 'object' || error === null || seen.has(error)) return String(error);
  seen.add(error);
  const own = Object.getOwnPropertyNames(error).map((name) => everythingOf(error[name], seen));
  const lines = [
    inspect(error, { depth: null, showHidden: true, getters: true, maxStringLength: null }),
    error.message,
    error.stack,
    ...own,
  ].flatMap((text) => String(text).split('\n'));
  return [...new Set(lines)].join('\n');
}

// ---- Forms and positions ------------------------------------------------------------------------

const text = (key) => key.export({ format: 'pem', type: 'pkcs8' });
const der = (key) => key.export({ format: 'der', type: 'pkcs8' });
const body = (key) => text(key).split('\n').slice(1, -2).join('');

const strings = {
  PEM: text,
  'PEM, encrypted': () => encrypted,
  'PEM without its first dash': (key) => text(key).slice(1),
  'PEM without its first line': (key) => text(key).replace(/^.*\n/, ''),
  'PEM whose first line has no end': (key) => text(key).replace('KEY-----\n', 'KEY'),
  'PEM with the key in its label': (key) => `-----BEGIN ${body(key)}-----\n`,
  'PEM in lower case': (key) => text(key).replace('BEGIN', 'begin'),
  'PEM with escaped line ends': (key) => text(key).replaceAll('\n', '\\n').slice(2),
  'PEM as certificate': (key) => text(key).replaceAll('PRIVATE KEY', 'CERTIFICATE'),
  'PEM in quotes': (key) => JSON.stringify(text(key).replace('BEGIN ', 'BEGIN')),
  base64: body,
  'base64 in lines': (key) => body(key).replace(/.{64}/g, '$&\r\n'),
  base64url: (key) => der(key).toString('base64url'),
  hex: (key) => der(key).toString('hex'),
  'hex, upper case': (key) => `0x${der(key).toString('hex').toUpperCase()}`,
  latin1: (key) => der(key).toString('latin1'),
  'with NUL': (key) => `${body(key)}\0`,
  'a piece': (key) => body(key).slice(-60, -12),
  passphrase: () => PASSPHRASE,
};

const others = {
  'a Buffer': (value) => Buffer.from(value),
  'a Uint8Array': (value) => new Uint8Array(Buffer.from(value)),
  'an ArrayBuffer': (value) => new Uint8Array(Buffer.from(value)).buffer,
  'a DataView': (value) => new DataView(new Uint8Array(Buffer.from(value)).buffer),
  'an array': (value) => [value],
  'an array in an array': (value) => [[value]],
  characters: (value) => [...value],
  'an object': (value) => ({ key: value }),
  'a member name': (value) => ({ [value]: value }),
  'a String object': (value) => new String(value),
  'an object with toString': (value) => ({
    toString: () => value,
    [Symbol.toPrimitive]: () => value,
  }),
  'a Symbol': (value) => Symbol(value),
  'a function': (value) => Object.defineProperty(() => value, 'name', { value }),
  'an Error': (value) => new Error(value),
  'a Map': (value) => new Map([[value, value]]),
  'a bigint': (value) => BigInt(`0x${Buffer.from(value).toString('hex')}`),
  'a file URL': (value) => new URL(`file:///${encodeURIComponent(value)}`),
  'a data URL': (value) => new URL(`data:text/plain,${encodeURIComponent(value)}`),
  'a promise': (value) => Promise.resolve(value),
};

/** Only values of `clientCertificate` are secret wherever they stand in a path. */
const paths = {
  'a file': (value) => `/etc/${value}.pem`,
  'a relative file': (value) => `./${value.replaceAll('/', '_')}`,
  'a file in it': (value) => join(tmpdir(), value, 'key.pem'),
};

let good;
let directory;
let home;

const identity = (more) => ({ cert: good.chainPem, key: good.keyPem, ...more });

const memberName = (value) => (typeof value === 'object' ? 'other' : String(value));

const positions = {
  configuration: (value) => value,
  manifest: (value) => ({ manifest: value }),
  ca: (value) => ({ ca: value }),
  'ca[1]': (value) => ({ ca: [good.chainPem, value] }),
  keyLog: (value) => ({ keyLog: value }),
  connectTimeout: (value) => ({ connectTimeout: value }),
  maxSockets: (value) => ({ maxSockets: value }),
  option: (value) => ({ [memberName(value)]: value }),
};

const secretPositions = {
  clientCertificate: (value) => ({ clientCertificate: value }),
  cert: (value) => ({ clientCertificate: identity({ cert: value }) }),
  'cert[1]': (value) => ({ clientCertificate: identity({ cert: [good.chainPem, value] }) }),
  key: (value) => ({ clientCertificate: identity({ key: value }) }),
  'key alone': (value) => ({ clientCertificate: { key: value } }),
  passphrase: (value) => ({ clientCertificate: identity({ passphrase: value }) }),
  'passphrase of an encrypted key': (value) => ({
    clientCertificate: identity({ key: encrypted, passphrase: value }),
  }),
  member: (value) => ({ clientCertificate: identity({ [memberName(value)]: value }) }),
};

const RESET = {
  manifest: null,
  ca: null,
  clientCertificate: null,
  keyLog: null,
  connectTimeout: null,
  maxSockets: null,
};

beforeAll(async () => {
  good = await (await createAuthority()).issue({ commonName: 'visitor' });
  // Its own key is a secret as well.
  for (const piece of piecesOf(der(createPrivateKey(good.keyPem)))) secretPieces.add(piece);
  // A base64 key without a slash is the name of a file that keyLog can create.
  directory = mkdtempSync(join(tmpdir(), 'secrets-'));
  home = process.cwd();
  process.chdir(directory);
});
afterAll(() => {
  process.chdir(home);
  rmSync(directory, { recursive: true });
});
afterEach(async () => {
  configure(RESET);
  await stopServers();
});

const key = fc.constantFrom(...Object.keys(keys));
const form = fc.constantFrom(...Object.keys(strings));
const wrapped = fc.constantFrom('plain', ...Object.keys(others));

/** Configures, and returns all output. */
function outputOf(action) {
  const said = [];
  const methods = ['log', 'warn', 'error'];
  const spies = methods.map((method) =>
    jest.spyOn(console, method).mockImplementation((...args) => said.push(...args.map(String))),
  );
  spies.push(
    jest
      .spyOn(process, 'emitWarning')
      .mockImplementation((...args) => said.push(...args.map((arg) => everythingOf(arg)))),
  );
  try {
    action();
  } catch (error) {
    said.push(everythingOf(error));
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return said.join('\n');
}

const valueOf = (keyName, formName, wrapping) => {
  const value = strings[formName](keys[keyName]);
  return (others[wrapping] ?? paths[wrapping] ?? ((plain) => plain))(value);
};

test('the search finds a key in every form', () => {
  for (const name of Object.keys(strings)) {
    for (const wrapping of ['plain', 'an object']) {
      const value = valueOf('ec', name, wrapping);
      expect([name, wrapping, leakIn(everythingOf(new Error('x', { cause: value })))]).toEqual([
        name,
        wrapping,
        expect.any(String),
      ]);
    }
  }
  expect(leakIn(`[${[...der(keys.ec)].join(', ')}]`)).toEqual(expect.any(String));
  expect(leakIn('configure: clientCertificate.key: expected a PEM private key')).toBeUndefined();
});

test('no option quotes a key or passphrase that it was given', () => {
  const position = fc.constantFrom(...Object.keys(positions));
  fc.assert(
    fc.property(key, form, wrapped, position, (keyName, formName, wrapping, where) => {
      const value = valueOf(keyName, formName, wrapping);
      expect(leakIn(outputOf(() => configure(positions[where](value))))).toBeUndefined();
      // `keyLog` creates a file of that name if it can. An error may quote the name of a file that
      // exists, and on Windows a file exists until it is closed.
      configure({ keyLog: null });
      for (const name of readdirSync('.')) rmSync(name);
    }),
    {
      numRuns: 400,
      // The key log has the passphrase as its name. No file of that name may exist when `ca` is read.
      examples: ['keyLog', 'ca'].map((where) => ['rsa', 'passphrase', 'plain', where]),
    },
  );
});

test('no value or member name of clientCertificate is quoted', () => {
  const wrappings = fc.oneof(wrapped, fc.constantFrom(...Object.keys(paths)));
  const position = fc.constantFrom(...Object.keys(secretPositions));
  fc.assert(
    fc.property(key, form, wrappings, position, (keyName, formName, wrapping, where) => {
      const value = valueOf(keyName, formName, wrapping);
      expect(leakIn(outputOf(() => configure(secretPositions[where](value))))).toBeUndefined();
    }),
    { numRuns: 400 },
  );
});

test('a connection with a client certificate logs no secret', async () => {
  const server = await startServer({ tls: { ...certificate(), requestCert: true } });
  const code = `
    const { channel } = require('node:diagnostics_channel');
    for (const name of ['connect.start', 'connect.end', 'secure.start', 'secure.end']) {
      channel('chrome-sockets-tcp.' + name).subscribe((message) => console.log(message));
    }
    process.on('warning', (warning) => console.log(warning));
    const { configure } = require('./entry/configure.js');
    const tcp = require('./index.js');
    const [, port, cert, key, passphrase] = process.argv;
    configure({ clientCertificate: { cert, key, passphrase } });
    for (const wrong of [{ cert, key }, { cert: key, key }, { cert, key: key.slice(1) }, { cert, key, passphrase: [passphrase] }]) {
      try { configure({ clientCertificate: wrong }); } catch (error) { console.error(error); }
    }
    tcp.create({}, ({ socketId }) => tcp.setPaused(socketId, true, () =>
      tcp.connect(socketId, 'localhost', Number(port), () =>
        tcp.secure(socketId, (result) => {
          console.log('secured', result);
          tcp.send(socketId, Buffer.from(passphrase), () => tcp.close(socketId));
        }))));`;
  const key = createPrivateKey(good.keyPem).export({
    format: 'pem',
    type: 'pkcs8',
    cipher: 'aes-128-cbc',
    passphrase: PASSPHRASE,
  });
  for (const piece of piecesOf(Buffer.from(key.replace(/-.*-/g, ''), 'base64'))) {
    secretPieces.add(piece);
  }
  const env = { ...process.env, NODE_DEBUG: 'chrome-sockets-tcp' };
  const args = ['--eval', code, String(server.port), good.chainPem, key, PASSPHRASE];
  const { stdout, stderr } = await runNode(args, { env });
  expect(stdout).toContain('secured 0');
  expect(stderr).toContain('clientCertificate.passphrase');
  expect(stderr).toMatch(/socket 1: send \d+ bytes/);
  expect(leakIn(stdout + stderr)).toBeUndefined();
});
