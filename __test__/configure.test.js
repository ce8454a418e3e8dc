'use strict';

const { once } = require('node:events');
const {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
} = require('node:crypto');
const {
  chmodSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { configure } = require('../entry/configure.js');
const { createAuthority } = require('../support/certificates.js');
const { runNode } = require('./support/child.js');
const { call, closeSockets, connected, Inbox, result, tcp } = require('./support/client.js');
const { startFullServer } = require('../support/full-backlog.js');
const { certificate, echo, startServer, stopServers } = require('../support/servers.js');

const NOTHING = {
  manifest: null,
  ca: null,
  clientCertificate: null,
  keyLog: null,
  connectTimeout: null,
  maxSockets: null,
};

let directory;
let stranger;
let client;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'configure-'));
  stranger = await createAuthority();
  client = await stranger.issue({ commonName: 'visitor', extendedKeyUsage: ['clientAuth'] });
});
afterAll(() => rmSync(directory, { recursive: true }));

afterEach(async () => {
  configure(NOTHING);
  await closeSockets();
  await stopServers();
});

const file = (name, content) => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};

/** Connects and secures; returns the code, the socket and a record of its data. */
async function secure(port) {
  const { socketId, inbox } = await connected(port, { paused: true, host: 'localhost' });
  return { code: await result('secure', socketId), socketId, inbox };
}

describe('configure({manifest})', () => {
  // Chromium's denials are recorded: conformance/scenarios/permissions.mjs.
  test('denies connections that the manifest does not allow until the manifest is removed', async () => {
    const { port } = await startServer();
    configure({ manifest: { sockets: { tcp: { connect: `localhost:${port}` } } } });
    const { socketId } = await tcp.create();
    expect(await call('connect', socketId, '127.0.0.1', port)).toEqual({
      args: [],
      lastError: 'Does not have permission',
    });
    configure({ connectTimeout: 5000, manifest: undefined });
    expect(await call('connect', socketId, '127.0.0.1', port)).toMatchObject({ args: [] });
    expect(await result('connect', socketId, 'localhost', port)).toBe(0);
    configure({ manifest: null });
    await connected(port);
  });

  test('compares the host as written and the port narrowed to 16 bits', async () => {
    const { port } = await startServer();
    configure({ manifest: { sockets: { tcp: { connect: `127.1:${port}` } } } });
    const { socketId } = await tcp.create();
    expect(await result('connect', socketId, '127.1', port + 65536)).toBe(0);
  });
});

describe('configure({ca})', () => {
  const forms = {
    'PEM text': (pem) => pem,
    'a Buffer': (pem) => Buffer.from(pem),
    'a path': (pem) => file('ca.pem', pem),
    'a file URL': (pem) => pathToFileURL(file('ca.pem', pem)),
    'one of a list': (pem) => [file('ca.pem', pem), readFileSync(process.env.SSL_CERT_FILE)],
    'one of a bundle': (pem) => `# ours\n${readFileSync(process.env.SSL_CERT_FILE)}\n${pem}`,
  };

  test.each(Object.entries(forms))('trusts an authority given as %s', async (_name, form) => {
    const { chainPem, keyPem } = await stranger.issue({ names: ['localhost'] });
    const options = { cert: chainPem, key: keyPem };
    const { port } = await startServer({ onConnection: echo, tls: options });
    expect((await secure(port)).code).toBe(-202);
    configure({ ca: form(stranger.certificatePem) });
    expect((await secure(port)).code).toBe(0);
    configure({ ca: null });
    expect((await secure(port)).code).toBe(-202);
  });

  test('keeps the other authorities trusted', async () => {
    const { port } = await startServer({ tls: certificate() });
    configure({ ca: stranger.certificatePem });
    expect((await secure(port)).code).toBe(0);
  });
});

describe('a server that requests a client certificate', () => {
  const versions = ['TLSv1.2', 'TLSv1.3'];
  const start = (version, more) =>
    startServer({
      onConnection: echo,
      tls: {
        ...certificate(),
        ca: stranger.certificatePem,
        requestCert: true,
        minVersion: version,
        maxVersion: version,
        ...more,
      },
    });

  test.each(versions)('receives the configured one in %s', async (version) => {
    const server = await start(version, { rejectUnauthorized: true });
    configure({ clientCertificate: { cert: client.chainPem, key: client.keyPem } });
    expect((await secure(server.port)).code).toBe(0);
    const peer = await server.accepted();
    expect(peer.getPeerCertificate().subject.CN).toBe('visitor');
  });

  test.each(versions)('but does not require it gets none (deviation g) in %s', async (version) => {
    const server = await start(version, { rejectUnauthorized: false });
    const { code, socketId, inbox } = await secure(server.port);
    expect(code).toBe(0);
    await tcp.setPaused(socketId, false);
    tcp.send(socketId, Buffer.from('hello'), () => {});
    expect((await inbox.untilReceived(5)).toString()).toBe('hello');
  });

  test('and requires it ends the handshake with -110 in TLS 1.2', async () => {
    const server = await start('TLSv1.2', { rejectUnauthorized: true });
    expect((await secure(server.port)).code).toBe(-110);
  });

  test('and requires it ends the connection after the handshake in TLS 1.3', async () => {
    const server = await start('TLSv1.3', { rejectUnauthorized: true });
    const { code, socketId, inbox } = await secure(server.port);
    expect(code).toBe(0);
    await tcp.setPaused(socketId, false);
    expect(await inbox.untilError()).toBe(-100);
  });
});

/** Splits DER into its elements. */
function elementsOf(der) {
  const elements = [];
  for (let rest = der; rest.length > 0;) {
    const octets = rest[1] < 0x80 ? 0 : rest[1] & 0x7f;
    const length = octets === 0 ? rest[1] : rest.readUIntBE(2, octets);
    const header = 2 + octets;
    elements.push({
      whole: rest.subarray(0, header + length),
      content: rest.subarray(header, header + length),
    });
    rest = rest.subarray(header + length);
  }
  return elements;
}

const sequence = (...parts) => {
  const content = Buffer.concat(parts);
  return Buffer.concat([
    Buffer.from([0x30, 0x82, content.length >> 8, content.length & 0xff]),
    content,
  ]);
};

/** A key of any kind, and the client's certificate with that key in it. */
function certified(type, options) {
  const { publicKey, privateKey } = generateKeyPairSync(type, options);
  const [{ content }] = elementsOf(new X509Certificate(client.certificatePem).raw);
  const [body, ...signature] = elementsOf(content);
  const members = elementsOf(body.content).map(({ whole }) => whole);
  members[6] = publicKey.export({ format: 'der', type: 'spki' });
  const der = sequence(sequence(...members), ...signature.map(({ whole }) => whole));
  return {
    cert: new X509Certificate(der).toString(),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
  };
}

describe('the error for a private key names the file and the reason', () => {
  const EXPECTED =
    'expected an RSA key of 2048 to 8192 bits, an ECDSA key on P-256, P-384 or P-521, or an Ed25519 ' +
    'key, found ';
  const unusable = {
    'RSA of 1024 bits': ['rsa', { modulusLength: 1024 }, 'an RSA key of 1024 bits'],
    'RSA of 2040 bits': ['rsa', { modulusLength: 2040 }, 'an RSA key of 2040 bits'],
    'RSA-PSS': ['rsa-pss', { modulusLength: 2048 }, 'a key of type rsa-pss'],
    secp256k1: ['ec', { namedCurve: 'secp256k1' }, 'an ECDSA key on secp256k1'],
    Ed448: ['ed448', {}, 'a key of type ed448'],
  };

  test.each(Object.keys(unusable))('%s', (name) => {
    const [type, options, found] = unusable[name];
    const { cert, key } = certified(type, options);
    const path = file('unusable.pem', key);
    const message = `configure: clientCertificate.key: ${path}: ${EXPECTED}${found}`;
    expect(() => configure({ clientCertificate: { cert, key: path } })).toThrow(new Error(message));
    expect(() => configure({ clientCertificate: { cert, key } })).toThrow(
      new Error(message.replace(`${path}: `, '')),
    );
  });

  const usable = {
    'RSA of 2048 bits': ['rsa', { modulusLength: 2048 }],
    'P-256': ['ec', { namedCurve: 'P-256' }],
    'P-384': ['ec', { namedCurve: 'P-384' }],
    'P-521': ['ec', { namedCurve: 'P-521' }],
    Ed25519: ['ed25519', {}],
  };

  test.each(Object.keys(usable))('%s can be used', (name) => {
    configure({ clientCertificate: certified(...usable[name]) });
  });

  const encrypted = (format) =>
    createPrivateKey(client.keyPem).export({
      format: 'pem',
      type: format,
      cipher: 'aes-128-cbc',
      passphrase: 'open sesame',
    });

  test.each(['pkcs8', 'sec1'])('if the key is encrypted (%s)', (format) => {
    const path = file('encrypted.pem', encrypted(format));
    const use = (passphrase) => () =>
      configure({ clientCertificate: { cert: client.chainPem, key: path, passphrase } });
    const start = `configure: clientCertificate.key: ${path}: expected `;
    expect(use()).toThrow(
      new Error(`${start}clientCertificate.passphrase, as the key is encrypted, found none`),
    );
    for (const wrong of ['', 'open', 'x'.repeat(5000)]) {
      expect(use(wrong)).toThrow(`${start}a key that clientCertificate.passphrase decrypts (`);
    }
    use('open sesame')();
    use(Buffer.from('open sesame'))();
  });

  test.each([
    ['CERTIFICATE', () => client.chainPem],
    ['no -----BEGIN PRIVATE KEY----- in it', () => 'hello'],
    ['PUBLIC KEY', () => createPublicKey(client.chainPem).export({ format: 'pem', type: 'spki' })],
    [
      'OPENSSH PRIVATE KEY',
      () => '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n',
    ],
  ])('if the file holds no key: %s', (label, content) => {
    const path = file('other.pem', content());
    expect(() => configure({ clientCertificate: { cert: client.chainPem, key: path } })).toThrow(
      `configure: clientCertificate.key: ${path}: expected a PEM private key ` +
        `(${label.startsWith('no ') ? label : `found ${label}`})`,
    );
  });
});

describe('configure({keyLog})', () => {
  const modeOf = (path) => statSync(path).mode & 0o777;

  test('makes a new or existing file private', () => {
    const path = join(directory, 'private.log');
    configure({ keyLog: path });
    expect(modeOf(path)).toBe(0o600);
    configure(NOTHING);
    chmodSync(path, 0o666);
    configure({ keyLog: path });
    expect(modeOf(path)).toBe(0o600);
  });

  test('refuses links and other irregular files, and names the reason', () => {
    const refusal = (path, reason) =>
      expect(() => configure({ keyLog: path })).toThrow(
        new Error(`configure: keyLog: ${path}: expected a file that can be written (${reason})`),
      );
    const target = file('readable-by-others', 'others read this');
    for (const to of [target, join(directory, 'not-there-yet')]) {
      const link = join(directory, 'link');
      symlinkSync(to, link);
      refusal(link, 'it is a link, which is not followed');
      rmSync(link);
    }
    expect(readFileSync(target, 'utf8')).toBe('others read this');
    expect(existsSync(join(directory, 'not-there-yet'))).toBe(false);
    linkSync(target, join(directory, 'other-name'));
    refusal(target, 'it has several names (hard links)');
    expect(() => configure({ keyLog: directory })).toThrow(`configure: keyLog: ${directory}: `);
    refusal('/dev/null', 'it is not a regular file');
  });

  test('writes the secrets of TLS connections to a file', async () => {
    const { port } = await startServer({ tls: { ...certificate(), maxVersion: 'TLSv1.2' } });
    const path = join(directory, 'keys.log');
    configure({ keyLog: path });
    expect((await secure(port)).code).toBe(0);
    expect(readFileSync(path, 'utf8')).toMatch(/^CLIENT_RANDOM [\da-f]{64} [\da-f]{96}\n$/);
    configure({ keyLog: false });
    expect((await secure(port)).code).toBe(0);
    expect(readFileSync(path, 'utf8').match(/\n/g)).toHaveLength(1);
  });

  const SECURE_ONCE = `
    const { createServer } = require('node:net');
    const tcp = require('./index.js');
    const runtime = require('./entry/runtime.js');
    const lastError = () => runtime.lastError;
    const { configure } = require('./entry/configure.js');
    if (process.argv[1]) configure({ keyLog: true });
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1', async () => {
      const { socketId } = await tcp.create();
      await tcp.setPaused(socketId, true);
      await new Promise((done) => tcp.connect(socketId, '127.0.0.1', server.address().port, done));
      await new Promise((done) => tcp.secure(socketId, () => done(lastError())));
      server.close();
    });`;

  test.each([
    ['writes to the path in SSLKEYLOGFILE if it is true', ['yes'], true],
    ['ignores SSLKEYLOGFILE if it is not set', [], false],
  ])('%s', async (_name, args, written) => {
    const SSLKEYLOGFILE = join(directory, `environment-${written}.log`);
    const { code, stderr } = await runNode(['--eval', SECURE_ONCE, ...args], {
      env: { ...process.env, SSLKEYLOGFILE },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(existsSync(SSLKEYLOGFILE)).toBe(written);
  });
});

describe('configure({connectTimeout})', () => {
  let full;
  beforeAll(async () => (full = await startFullServer()));
  afterAll(() => full.stop());

  test('ends a slow connect with -118', async () => {
    configure({ connectTimeout: 100 });
    const { socketId } = await tcp.create();
    const begin = performance.now();
    expect(await call('connect', socketId, '127.0.0.1', full.port)).toEqual({
      args: [-118],
      lastError: 'net::ERR_CONNECTION_TIMED_OUT',
    });
    expect(performance.now() - begin).toBeGreaterThan(95);
    const { port } = await startServer();
    expect(await result('connect', socketId, '127.0.0.1', port)).toBe(0);
  });

  test('ends a slow handshake with -118 and destroys the socket', async () => {
    const { port } = await startServer(); // says nothing
    const { socketId } = await connected(port, { paused: true });
    configure({ connectTimeout: 100 });
    const begin = performance.now();
    expect(await call('secure', socketId, {})).toEqual({
      args: [-118],
      lastError: 'net::ERR_CONNECTION_TIMED_OUT',
    });
    expect(performance.now() - begin).toBeGreaterThan(95);
    expect(await tcp.getSockets()).toEqual([]);
  });

  test('permits a handshake within the limit', async () => {
    const { port } = await startServer({ tls: certificate() });
    configure({ connectTimeout: 10_000 });
    const { socketId } = await connected(port, { host: 'localhost', paused: true });
    expect(await result('secure', socketId)).toBe(0);
  });

  test('does not limit an established connection', async () => {
    const server = await startServer();
    configure({ connectTimeout: 50 });
    const { socketId } = await tcp.create();
    const inbox = new Inbox(socketId);
    expect(await result('connect', socketId, 'localhost', server.port)).toBe(0);
    const peer = await server.accepted();
    // The limit of a connect that began later has passed, so that of this one has, too.
    const other = await tcp.create();
    expect(await result('connect', other.socketId, '127.0.0.1', full.port)).toBe(-118);
    peer.write('still there');
    expect((await inbox.untilReceived(11)).toString()).toBe('still there');
  });
});

describe('configure({maxSockets})', () => {
  const refused = { args: [], lastError: 'Too many sockets' };

  test('refuses sockets beyond the limit until others are closed', async () => {
    configure({ maxSockets: 2 });
    const [first] = [await tcp.create(), await tcp.create({ persistent: true })];
    expect(await call('create', {})).toEqual(refused);
    await expect(tcp.create()).rejects.toThrow(refused.lastError);
    expect(await tcp.getSockets()).toHaveLength(2);
    await tcp.close(first.socketId);
    expect(await call('create', {})).toMatchObject({ lastError: undefined });
    expect(await call('create', {})).toEqual(refused);
    configure({ maxSockets: null });
    expect(await call('create', {})).toMatchObject({ lastError: undefined });
  });

  test('keeps existing sockets, even beyond the limit', async () => {
    const server = await startServer({ onConnection: echo });
    const clients = [await connected(server.port), await connected(server.port)];
    configure({ maxSockets: 1 });
    await result('send', clients[1].socketId, new Uint8Array(3).buffer);
    expect(await clients[1].inbox.untilReceived(3)).toHaveLength(3);
    await tcp.close(clients[0].socketId);
    expect(await call('create', {})).toEqual(refused);
  });

  test('counts only the sockets of its own environment', async () => {
    const { Worker } = require('node:worker_threads');
    configure({ maxSockets: 1 });
    await tcp.create();
    const code = `
      const { parentPort } = require('node:worker_threads');
      const tcp = require(${JSON.stringify(require.resolve('../index.js'))});
      tcp.create({}, (info) => parentPort.postMessage(typeof info.socketId));`;
    const worker = new Worker(code, { eval: true });
    expect(await once(worker, 'message')).toEqual(['number']);
    await worker.terminate();
  });
});

describe('configure() refuses an invalid option and', () => {
  const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const identity = (more) => ({ cert: client.chainPem, key: client.keyPem, ...more });

  test.each(
    [
      [() => undefined, 'configure: expected an object with options, found undefined'],
      [() => 'ca.pem', 'configure: expected an object with options, found a string'],
      [
        () => ({ certs: '' }),
        'configure: certs: no such option, expected one of manifest, manifestVersion, ca, clientCertificate, keyLog, ' +
          'connectTimeout, maxSockets',
      ],
      [
        () => ({ manifest: { sockets: { tcp: { connect: 'a:b' } } } }),
        'configure: manifest: sockets.tcp.connect: Invalid host:port pattern "a:b", expected a port ' +
          "from 1 to 65535 or '*' behind the colon",
      ],
      [
        () => ({ ca: 5 }),
        'configure: ca: expected PEM text (a string or Buffer) or the path of a file, found a number',
      ],
      [
        () => ({ ca: ['', 5] }),
        /^configure: ca\[0\]: expected PEM text .+, found an empty string$/,
      ],
      [
        () => ({ ca: join(directory, 'none.pem') }),
        /^configure: ca: .+none\.pem: expected a file that can be read \(ENOENT/,
      ],
      [
        () => ({ ca: file('empty.pem', 'hello') }),
        /^configure: ca: .+empty\.pem: expected a PEM certificate \(-----BEGIN/,
      ],
      [
        () => ({ ca: [client.chainPem, client.chainPem + PEM] }),
        /^configure: ca\[1\]: certificate 2: expected a PEM certificate \(.+\)$/,
      ],
      [
        () => ({ clientCertificate: 'x' }),
        'configure: clientCertificate: expected an object with cert and key, found a string',
      ],
      [
        () => ({ clientCertificate: identity({ pfx: '' }) }),
        'configure: clientCertificate.pfx: no such member, expected cert, key, passphrase',
      ],
      [
        () => ({ clientCertificate: identity({ cert: [[], []] }) }),
        'configure: clientCertificate.cert: expected a certificate, found none',
      ],
      [
        () => ({ clientCertificate: { cert: client.chainPem } }),
        /^configure: clientCertificate\.key: expected PEM text .+, found undefined$/,
      ],
      [
        () => ({ clientCertificate: identity({ key: file('key.pem', PEM) }) }),
        /^configure: clientCertificate\.key: .+key\.pem: expected a PEM private key \(.+\)$/,
      ],
      [
        () => ({ clientCertificate: identity({ key: certificate().key }) }),
        'configure: clientCertificate.key: expected the private key of clientCertificate.cert',
      ],
      [
        () => ({ keyLog: join(directory, 'none', 'keys') }),
        /^configure: keyLog: .+keys: expected a file that can be written \(.+\)$/,
      ],
      [() => ({ keyLog: 1 }), 'configure: keyLog: expected a path, true or false, found a number'],
      [
        () => ({ keyLog: true }),
        'configure: keyLog: true needs the path in the environment variable SSLKEYLOGFILE',
      ],
      ...[0, 1.5, -1, NaN, 2 ** 31, '5'].map((value) => [
        () => ({ connectTimeout: value }),
        /^configure: connectTimeout: expected an integer from 1 to 2147483647 \(milliseconds\) or null, found /,
      ]),
      ...[0, 1.5, -1, Infinity, '5', {}].map((value) => [
        () => ({ maxSockets: value }),
        /^configure: maxSockets: expected an integer from 1 to 2147483647 or null, found /,
      ]),
    ].map(([configuration, message]) => [message, configuration]),
  )('reports %s', (message, configuration) => {
    const expected = message instanceof RegExp ? message : new Error(message);
    expect(() => configure(configuration())).toThrow(expected);
  });

  test('changes nothing, even if other options are valid', async () => {
    const { port } = await startServer({ tls: certificate() });
    const manifest = { sockets: {} };
    expect(() => configure({ manifest, ca: client.chainPem, keyLog: 1 })).toThrow('keyLog');
    expect(() => configure({ manifest, keyLog: join(directory, 'none', 'keys') })).toThrow();
    expect((await secure(port)).code).toBe(0);
  });
});

test('each environment has a configuration of its own', async () => {
  const { Worker } = require('node:worker_threads');
  const { port } = await startServer();
  configure({ manifest: { sockets: {} } });
  const code = `
    const { parentPort } = require('node:worker_threads');
    const tcp = require(${JSON.stringify(require.resolve('../index.js'))});
    tcp.create({}, ({ socketId }) =>
      tcp.connect(socketId, '127.0.0.1', ${port}, (code) => parentPort.postMessage(code)));`;
  const worker = new Worker(code, { eval: true });
  expect(await once(worker, 'message')).toEqual([0]);
  await worker.terminate();
});
