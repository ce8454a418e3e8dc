'use strict';

/** A slow trust store delays only the handshakes that need it. */

const { execFileSync, fork } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { writeFile } = require('node:fs/promises');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { certificate, echo, startServer, stopServers } = require('../support/servers.js');

const HANDSHAKES = 40;

let directory;
let child;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'trust-'))));
afterEach(async () => {
  child.kill('SIGKILL');
  await stopServers();
  rmSync(directory, { recursive: true });
});

// Windows has no named pipes in the file system.
(process.platform === 'win32' ? test.skip : test)(
  'other sockets continue while many handshakes wait for the trust store',
  async () => {
    const plain = await startServer({ onConnection: echo });
    const secure = await startServer({ tls: certificate() });
    const store = join(directory, 'store.pem');
    execFileSync('mkfifo', [store]);
    child = fork(
      join(__dirname, 'fixtures', 'many-handshakes.js'),
      [plain.port, secure.port, HANDSHAKES],
      { env: { ...process.env, SSL_CERT_FILE: store }, execArgv: [] },
    );
    const [echoes] = await once(child, 'message');
    expect(echoes).toBe('100 echoes');
    await writeFile(store, readFileSync(process.env.SSL_CERT_FILE));
    const [codes] = await once(child, 'message');
    expect(codes).toEqual(Array(HANDSHAKES).fill(0));
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  },
);
