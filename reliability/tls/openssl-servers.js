'use strict';

/** The subject "servers": `openssl s_server` in many configurations. */

const { execFileSync, spawn } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const {
  alternativeNames,
  basicConstraints,
  dns,
  keyUsage,
  makeCertificate,
  named,
  pem,
} = require('./certificate');

const HOST = 'www.server.localhost';
const KINDS = {
  rsa: 'rsa-2048',
  ecdsa: 'prime256v1',
  p384: 'secp384r1',
  p521: 'secp521r1',
  ed25519: 'ed25519',
  pss: 'rsa-pss-2048',
  short: 'rsa-1024',
};

const SUITES_12 = {
  rsa: [
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-RSA-CHACHA20-POLY1305',
    'ECDHE-RSA-AES128-SHA256',
    'ECDHE-RSA-AES256-SHA384',
    'ECDHE-RSA-AES128-SHA',
    'ECDHE-RSA-AES256-SHA',
    'ECDHE-RSA-CAMELLIA128-SHA256',
    'ECDHE-RSA-ARIA128-GCM-SHA256',
    'ECDHE-RSA-NULL-SHA',
    'DHE-RSA-AES128-GCM-SHA256',
    'DHE-RSA-AES256-GCM-SHA384',
    'DHE-RSA-CHACHA20-POLY1305',
    'DHE-RSA-AES128-SHA256',
    'DHE-RSA-AES128-SHA',
    'DHE-RSA-AES128-CCM',
    'DHE-RSA-CAMELLIA128-SHA',
    'AES128-GCM-SHA256',
    'AES256-GCM-SHA384',
    'AES128-SHA256',
    'AES256-SHA256',
    'AES128-SHA',
    'AES256-SHA',
    'AES128-CCM',
    'AES256-CCM8',
    'CAMELLIA128-SHA',
    'NULL-SHA256',
    'NULL-MD5',
  ],
  ecdsa: [
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-AES128-SHA256',
    'ECDHE-ECDSA-AES256-SHA384',
    'ECDHE-ECDSA-AES128-SHA',
    'ECDHE-ECDSA-AES256-SHA',
    'ECDHE-ECDSA-AES128-CCM',
    'ECDHE-ECDSA-AES128-CCM8',
    'ECDHE-ECDSA-AES256-CCM',
    'ECDHE-ECDSA-CAMELLIA128-SHA256',
    'ECDHE-ECDSA-ARIA128-GCM-SHA256',
    'ECDHE-ECDSA-NULL-SHA',
  ],
};
const ANONYMOUS = ['AECDH-AES128-SHA', 'ADH-AES128-GCM-SHA256', 'ADH-AES256-SHA'];
const SUITES_13 = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_CCM_SHA256',
  'TLS_AES_128_CCM_8_SHA256',
];
const GROUPS = [
  'X25519',
  'P-256',
  'P-384',
  'P-521',
  'X448',
  'brainpoolP256r1',
  'secp256k1',
  'ffdhe2048',
  'ffdhe3072',
  'ffdhe4096',
];
const VERSIONS = {
  'TLS 1.0': '-tls1',
  'TLS 1.1': '-tls1_1',
  'TLS 1.2': '-tls1_2',
  'TLS 1.3': '-tls1_3',
};
const SIGNATURES = {
  rsa: [
    'RSA+SHA1',
    'RSA+SHA224',
    'RSA+SHA256',
    'RSA+SHA384',
    'RSA+SHA512',
    'rsa_pss_rsae_sha256',
    'rsa_pss_rsae_sha384',
    'rsa_pss_rsae_sha512',
  ],
  ecdsa: ['ECDSA+SHA1', 'ECDSA+SHA224', 'ECDSA+SHA256', 'ECDSA+SHA384', 'ECDSA+SHA512'],
  p384: ['ECDSA+SHA256', 'ECDSA+SHA384'],
  p521: ['ECDSA+SHA512'],
  ed25519: ['ed25519'],
  pss: ['rsa_pss_pss_sha256', 'rsa_pss_pss_sha512'],
};

/** @returns {{ name: string, kind: string, args: string[] }[]} */
function configurations() {
  const all = [];
  const add = (name, kind, ...args) => all.push({ name, kind, args });
  for (const [version, flag] of Object.entries(VERSIONS)) {
    for (const kind of Object.keys(KINDS)) add(`${version}, key ${kind}`, kind, flag);
  }
  for (const kind of ['rsa', 'ecdsa']) {
    for (const suite of SUITES_12[kind]) {
      add(`TLS 1.2, ${suite}`, kind, '-tls1_2', '-cipher', `${suite}:@SECLEVEL=0`);
    }
  }
  for (const suite of ANONYMOUS) {
    add(`TLS 1.2, ${suite}`, 'none', '-tls1_2', '-cipher', `${suite}:@SECLEVEL=0`, '-nocert');
  }
  for (const suite of SUITES_13) {
    add(`TLS 1.3, ${suite}`, 'ecdsa', '-tls1_3', '-ciphersuites', suite);
  }
  for (const group of GROUPS) {
    for (const version of ['TLS 1.2', 'TLS 1.3']) {
      add(
        `${version}, group ${group}`,
        'rsa',
        VERSIONS[version],
        '-groups',
        group,
        '-cipher',
        'ECDHE:@SECLEVEL=0',
      );
    }
  }
  for (const [kind, algorithms] of Object.entries(SIGNATURES)) {
    for (const algorithm of algorithms) {
      for (const version of ['TLS 1.2', 'TLS 1.3']) {
        add(
          `${version}, key ${kind}, signing with ${algorithm}`,
          kind,
          VERSIONS[version],
          '-sigalgs',
          algorithm,
        );
      }
    }
  }
  for (const version of ['TLS 1.2', 'TLS 1.3']) {
    const flag = VERSIONS[version];
    add(
      `${version}, small fragments`,
      'rsa',
      flag,
      '-max_send_frag',
      '512',
      '-split_send_frag',
      '512',
    );
    add(`${version}, no tickets`, 'rsa', flag, '-no_ticket');
    add(`${version}, ten tickets`, 'rsa', flag, '-num_tickets', '10');
    add(`${version}, legacy renegotiation`, 'rsa', flag, '-legacy_renegotiation');
    add(`${version}, server's preference`, 'rsa', flag, '-serverpref');
    add(
      `${version}, chacha for those who prefer it`,
      'rsa',
      flag,
      '-serverpref',
      '-prioritize_chacha',
    );
    add(`${version}, no session identifiers`, 'rsa', flag, '-no_cache');
    add(`${version}, a client certificate wanted`, 'rsa', flag, '-verify', '1');
    add(`${version}, a client certificate demanded`, 'rsa', flag, '-Verify', '1');
    add(`${version}, protocols for those who ask`, 'rsa', flag, '-alpn', 'h2,http/1.1');
    add(`${version}, strict`, 'rsa', flag, '-strict');
    add(`${version}, all bugs tolerated`, 'rsa', flag, '-bugs');
    add(`${version}, compression`, 'rsa', flag, '-comp');
    add(`${version}, early data`, 'rsa', flag, '-early_data');
    add(`${version}, no middlebox changes`, 'rsa', flag, '-no_middlebox');
    add(`${version}, stateless`, 'rsa', flag, '-stateless');
    add(`${version}, HTTP`, 'rsa', flag, '-www');
    add(`${version}, padded records`, 'rsa', flag, '-record_padding', '4096');
  }
  add('TLS 1.0 and up', 'rsa', '-cipher', 'DEFAULT:@SECLEVEL=0');
  add('TLS 1.0 and up, but for TLS 1.3', 'rsa', '-no_tls1_3', '-cipher', 'DEFAULT:@SECLEVEL=0');
  add('TLS 1.0 and 1.1', 'rsa', '-no_tls1_3', '-no_tls1_2', '-cipher', 'DEFAULT:@SECLEVEL=0');
  add('TLS 1.3 and 1.1', 'rsa', '-no_tls1_2', '-cipher', 'DEFAULT:@SECLEVEL=0');
  return all;
}

/** @param {string[]} args @returns {Promise<{ child: import('node:child_process').ChildProcess, port?: number }>} */
function start(args) {
  const child = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', ...args], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return new Promise((resolve, reject) => {
    let said = '';
    child.on('error', reject);
    child.stdout.on('data', (data) => {
      said += data;
      const [, port] = said.match(/^ACCEPT .*:(\d+)$/m) ?? [];
      if (port) resolve({ child, port: Number(port) });
    });
    child.on('exit', () => resolve({ child }));
  });
}

const CONCURRENCY = 4;

async function prepare() {
  let version;
  try {
    version = execFileSync('openssl', ['version'], { encoding: 'utf8' }).trim();
  } catch {
    return {
      anchors: [],
      cases: [],
      problems: [],
      leftOut: 'openssl is not installed',
      close: () => {},
    };
  }
  const directory = mkdtempSync(join(tmpdir(), 'openssl-servers-'));
  const root = makeCertificate({
    key: 'prime256v1/root',
    subject: named('Trusted Root'),
    extensions: [basicConstraints(true), keyUsage(['keyCertSign'])],
  });
  const rootFile = join(directory, 'root.pem');
  writeFileSync(rootFile, pem(root.der));
  for (const [kind, key] of Object.entries(KINDS)) {
    const made = makeCertificate({
      key: `${key}/leaf`,
      subject: named('Server'),
      issuer: root,
      extensions: [basicConstraints(false), alternativeNames([dns(HOST)])],
    });
    const keyPem = made.key.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(join(directory, kind), `${pem(made.der)}${keyPem}`);
  }

  const cases = [];
  const children = [];
  const missing = [];
  const left = configurations();
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const { name, kind, args } = next;
      const file = join(directory, kind);
      const identity = kind === 'none' ? [] : ['-cert', file, '-key', file];
      const level = args.some((arg) => arg.includes('@SECLEVEL'))
        ? []
        : ['-cipher', 'DEFAULT:@SECLEVEL=0'];
      const { child, port } = await start([...identity, ...level, '-CAfile', rootFile, ...args]);
      children.push(child);
      if (port) cases.push({ name, port, host: HOST });
      else missing.push(name);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  const order = configurations().map(({ name }) => name);
  cases.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return {
    anchors: [{ name: 'Trusted Root', trust: 'C', der: root.der }],
    cases,
    problems: [],
    ...(missing.length > 0 && { leftOut: `${version} does not know: ${missing.join('; ')}` }),
    async close() {
      for (const child of children) child.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

module.exports = { prepare };
