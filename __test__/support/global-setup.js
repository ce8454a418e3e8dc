'use strict';

const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
// Writes the preload file that the tests use.
require('../../scripts/preload.js');
// And the parser of the check command.
require('../../scripts/vendor.js');
const { createAuthority } = require('../../support/certificates.js');

/**
 * Makes a certificate authority that the module trusts while the tests run, and a server's
 * certificate that it has issued. Native code reads the environment of the process, which test
 * files cannot change: they see a copy of it.
 */
module.exports = async function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-test-'));
  const authority = await createAuthority();
  const server = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1', '::1'] });
  const other = await authority.issue({ names: ['example.com'] });
  const files = {
    'ca.pem': authority.certificatePem,
    'server.pem': server.chainPem,
    'server-key.pem': server.keyPem,
    'other.pem': other.chainPem,
    'other-key.pem': other.keyPem,
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  process.env.TEST_CERTIFICATES = folder;
  process.env.SSL_CERT_FILE = join(folder, 'ca.pem');
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
};
