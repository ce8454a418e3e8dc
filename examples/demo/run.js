'use strict';

/**
 * The demo: starts the servers, then the Chrome App in a process of its own, as a user would run
 * it, with one line more than in Chrome: `--require chrome-sockets-tcp/register`. The module is that
 * of this checkout, or of the project whose folder is given as an argument.
 */

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { mkdtemp, rm, writeFile } = require('node:fs/promises');
const { tmpdir } = require('node:os');
const path = require('node:path');

const { createAuthority } = require('../../support/certificates.js');
const { startServers } = require('./servers.js');

async function main() {
  const authority = await createAuthority({ commonName: 'Demo authority' });
  const certificate = await authority.issue({ names: ['localhost'] });
  const servers = await startServers({ key: certificate.keyPem, cert: certificate.chainPem });
  const folder = await mkdtemp(path.join(tmpdir(), 'chrome-sockets-tcp-demo-'));
  try {
    const authorityFile = path.join(folder, 'authority.pem');
    await writeFile(authorityFile, authority.certificatePem);
    const paths = [process.argv[2] ?? __dirname];
    const register = require.resolve('chrome-sockets-tcp/register', { paths });
    const app = spawn(process.execPath, ['--require', register, path.join(__dirname, 'app.js')], {
      stdio: 'inherit',
      env: {
        ...process.env,
        NODE_EXTRA_CA_CERTS: authorityFile,
        DEMO_SETTINGS: JSON.stringify({ host: 'localhost', ports: servers.ports }),
      },
    });
    const [code, signal] = await once(app, 'exit');
    if (code !== 0) throw new Error(`the app ended with ${signal ?? code}`);
  } finally {
    servers.close();
    await rm(folder, { recursive: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
