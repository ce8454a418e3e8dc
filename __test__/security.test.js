'use strict';

// The promises of SECURITY.md about verification and secrets.

const { existsSync, mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { configure } = require('../entry/configure.js');
const { createAuthority } = require('../support/certificates.js');
const { ROOT, runNode } = require('./support/child.js');
const { tcp } = require('./support/client.js');
const { certificate, startServer, stopServers } = require('../support/servers.js');

let folder;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-security-'))));

afterEach(async () => {
  await stopServers();
  rmSync(folder, { recursive: true });
});

/** A conversation over TLS with a server on localhost; prints the result of secure(). */
const CONVERSATION = `
  const tcp = require('./index.js');
  const [, port, said] = process.argv;
  tcp.onReceive.addListener(({ socketId }) => tcp.close(socketId));
  tcp.onReceiveError.addListener(({ socketId }) => tcp.close(socketId));
  tcp.create({}, ({ socketId }) => tcp.setPaused(socketId, true, () =>
    tcp.connect(socketId, 'localhost', Number(port), () =>
      tcp.secure(socketId, (result) => {
        console.log('secured', result, chrome.runtime.lastError?.message);
        if (result !== 0) return;
        tcp.setPaused(socketId, false);
        tcp.send(socketId, Buffer.from(said), () => {});
      }))));`;

const REGISTER = `require('./entry/register.js');`;

describe('certificate verification', () => {
  test('ignores the options and variables that disable it in other software', async () => {
    const stranger = await (await createAuthority()).issue({ names: ['localhost'] });
    const { port } = await startServer({ tls: { cert: stranger.chainPem, key: stranger.keyPem } });
    const env = {
      ...process.env,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      NODE_NO_WARNINGS: '1',
      GIT_SSL_NO_VERIFY: '1',
      npm_config_strict_ssl: 'false',
      PYTHONHTTPSVERIFY: '0',
      SSL_NO_VERIFY: '1',
    };
    const args = ['--eval', REGISTER + CONVERSATION, String(port), 'x', '--insecure', '-k'];
    const { stdout } = await runNode(args, { env });
    expect(stdout).toBe('secured -202 net::ERR_CERT_AUTHORITY_INVALID\n');
  });

  test.each(['rejectUnauthorized', 'checkServerIdentity', 'insecure', 'verify', 'strictSSL'])(
    'has no option %s to disable it',
    async (option) => {
      for (const value of [false, true, () => undefined]) {
        expect(() => configure({ [option]: value })).toThrow(`${option}: no such option`);
        const args = [1, { [option]: value }, () => {}];
        expect(() => tcp.secure(...args)).toThrow(`Unexpected property: '${option}'`);
      }
    },
  );

  test('has no switch in the native module and no build without it', () => {
    const binding = require('../lib/native/binding.js').loadBinding();
    expect(Object.keys(binding).sort()).toEqual([
      'EventKind',
      'TcpSockets',
      'netErrors',
      'settle',
      'takeTrustWarnings',
    ]);
    const methods = Object.getOwnPropertyNames(binding.TcpSockets.prototype).sort();
    // configureTls takes authorities, a client certificate, its key, and the path of a key log.
    expect(methods).toEqual(
      `close closeServer configureTls connect constructor create createServer
       denyConnect denyListen describeServers describeSockets disconnect disconnectServer end
       functions getInfo getServerInfo holdLoop keepsLoop limitConnect
       limitSockets listenOn negotiate pauseServer secure setKeepAlive setNoDelay
       setPaused setReferenced setWaker spareDescriptors stats suspend suspendServer takeAccepted
       takeFailure takeSession throttle update updateServer`.split(/\s+/),
    );
    const functions = Object.keys(new binding.TcpSockets().functions());
    expect(functions.sort()).toEqual(['next', 'send', 'sendGathered', 'sendSmall', 'take']);
    expect(readFileSync(join(ROOT, 'Cargo.toml'), 'utf8')).not.toMatch(/^\[features\]/m);
  });
});

test('secrets are written only to the configured key log', async () => {
  const server = await startServer({
    tls: { ...certificate(), requestCert: true, rejectUnauthorized: false },
    onConnection: (socket) => socket.once('data', () => socket.write('the answer of the server')),
  });
  const said = 'what the application says';
  const [keyLog, unasked] = [join(folder, 'keys.log'), join(folder, 'unasked.log')];
  const client = certificate('other');
  const listen = `
    const { channel } = require('node:diagnostics_channel');
    for (const name of ['connect.start', 'connect.end', 'secure.start', 'secure.end', 'receive-error']) {
      const say = (message) => console.log(name, message, JSON.stringify(message));
      channel('chrome-sockets-tcp.' + name).subscribe(say);
    }
    require('./entry/configure.js').configure({
      keyLog: ${JSON.stringify(keyLog)},
      clientCertificate: ${JSON.stringify({ cert: String(client.cert), key: String(client.key) })},
    });`;
  const { code, stdout, stderr } = await runNode(
    ['--eval', REGISTER + listen + CONVERSATION, String(server.port), said],
    {
      env: {
        ...process.env,
        NODE_DEBUG: 'chrome-sockets-tcp',
        RUST_LOG: 'trace',
        SSLKEYLOGFILE: unasked,
      },
    },
  );
  const printed = stdout + stderr;
  expect(code).toBe(0);
  expect(printed).toContain('secured 0');
  expect(printed).toContain('secure.end');
  expect(printed).toMatch(/send 25 bytes[^]*received 24 bytes/);
  expect(existsSync(unasked)).toBe(false);

  const secrets = readFileSync(keyLog, 'utf8').match(/(?<= )[0-9a-f]{64,}$/gm);
  expect(secrets.length).toBeGreaterThanOrEqual(4);
  const texts = [said, 'the answer of the server'].map((text) => Buffer.from(text));
  const keys = String(client.key).match(/^[A-Za-z0-9+/=]{20,}$/gm);
  expect(keys.length).toBeGreaterThan(1);
  for (const bytes of [...texts, ...secrets.map((secret) => Buffer.from(secret, 'hex'))]) {
    for (const form of ['latin1', 'hex', 'base64']) {
      expect(printed).not.toContain(bytes.toString(form).replace(/=+$/, ''));
    }
    expect(printed).not.toContain([...bytes.subarray(0, 8)].join(', '));
  }
  for (const line of keys) expect(printed).not.toContain(line);
});
