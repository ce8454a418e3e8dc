'use strict';

/** Builds and runs the two programs of support/peer: the servers and the floor. */

const { execFileSync, spawn } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { createConnection } = require('node:net');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { createAuthority } = require('./certificates.js');

const crate = join(__dirname, 'peer');
const suffix = process.platform === 'win32' ? '.exe' : '';

/** @param {string} name */
const binary = (name) => join(crate, 'target', 'release', `${name}${suffix}`);

/**
 * @typedef {'echo' | 'source' | 'sink' | 'fleeting' | 'transfer'} Role See peer/src/bin/peer.rs.
 *
 * @typedef {object} Peer
 * @property {number | undefined} pid
 * @property {string[]} addresses that it listens on
 * @property {Record<'plain' | 'tls', Record<Role, number>>} ports
 * @property {string} authority path of the certificate authority's PEM file
 * @property {() => Promise<any>} negotiated the result of the last TLS handshake
 * @property {() => void} close
 */

function build() {
  const target = join(crate, 'target');
  execFileSync('cargo', ['build', '--release', '--locked', '--target-dir', target], {
    cwd: crate,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

/**
 * glibc copies large blocks by an instruction that is slow on some processors where blocks are
 * unluckily aligned; neither the servers nor the floor shall be slow by chance.
 */
const EVEN_COPIES = { GLIBC_TUNABLES: 'glibc.cpu.x86_rep_movsb_threshold=100000000' };

/** @returns {Promise<Peer>} */
async function startPeer() {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const root = await createAuthority();
  const ips = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'];
  const { chainPem, keyPem } = await root.issue({ ips });
  const write = (/** @type {string} */ name, /** @type {string} */ text) => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const authority = write('authority.pem', root.certificatePem);
  const files = [write('chain.pem', chainPem), write('key.pem', keyPem)];
  // It ends with its standard input, so it never outlives this process.
  const child = spawn(binary('peer'), files, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...EVEN_COPIES },
  });
  const close = () => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const { addresses, plain, tls, status } = JSON.parse(await firstLine(child));
    const negotiated = async () => JSON.parse(await readAll(status, addresses[0]));
    return { pid: child.pid, addresses, ports: { plain, tls }, authority, negotiated, close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<string>}
 */
function firstLine(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the peer ended with ${code}`)));
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(text);
    });
  });
}

/**
 * @param {number} port
 * @param {string} host
 * @returns {Promise<string>}
 */
async function readAll(port, host) {
  let text = '';
  for await (const chunk of createConnection(port, host)) text += chunk;
  return text;
}

module.exports = { build, startPeer, EVEN_COPIES, floorBinary: binary('floor') };
