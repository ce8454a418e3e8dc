'use strict';

/** A megabyte each way, through the module's API, with servers of many makers. */

const { execFileSync, spawn, spawnSync } = require('node:child_process');
const { createHash, randomBytes } = require('node:crypto');
const { once } = require('node:events');
const { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { tmpdir } = require('node:os');
const { createInterface } = require('node:readline');
const { delimiter, join } = require('node:path');
const tcp = require('../..');
const { configure } = require('../../entry/configure');
const runtime = require('../../entry/runtime');
const { createAuthority } = require('../../support/certificates');

const SIZE = 1024 * 1024;
/** The size of one request. */
const HTTP_PART = 8192;
const TIMEOUT_MS = 20_000;
const PASSWORD = 'echo-echo';
const own = (name) => join(__dirname, 'stacks', name);
const rustlsPeer = join(__dirname, '../../support/peer/target/release/peer');

/** @param {string} program */
function has(program) {
  const places = program.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter);
  return places.some((place) => {
    try {
      accessSync(join(place, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function freePort() {
  const server = createServer().listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Waits until a server listens on the port. @param {number} port @param
 * {import('node:child_process').ChildProcess} child
 */
async function listening(port, child) {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const probe = connect({ host: '127.0.0.1', port });
    const answer = await new Promise((resolve) => {
      probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    probe.destroy();
    if (answer) return;
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('it does not listen');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The first number that a child prints. @param {import('node:child_process').ChildProcess} child */
function printedPort(child) {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (data) => {
      said += data;
      const [, port] = said.match(/^(\d+)$/m) ?? [];
      if (port) resolve(Number(port));
    });
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${said}`)));
  });
}

/** @param {string} command @param {string[]} args @param {object} [options] */
const run = (command, args, options) =>
  spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], ...options });

/** An echo that prints its port. */
async function printing(command, args, options) {
  const child = run(command, args, options);
  return { child, port: await printedPort(child) };
}

/**
 * @typedef {object} Running
 * @property {import('node:child_process').ChildProcess} child
 * @property {number} port
 * @property {'echo' | 'lines' | 'pipes' | 'http'} [kind] how bytes go to and fro; `echo` if left out
 */

/**
 * @typedef {object} Stack
 * @property {string} needs what has to be installed
 * @property {() => boolean} available
 * @property {('1.2' | '1.3')[]} [versions] both, if left out
 * @property {(version: '1.2' | '1.3', files: any) => Promise<Running>} start
 */

/** @type {Record<string, Stack>} */
const STACKS = {
  OpenSSL: {
    needs: 'openssl',
    available: () => has('openssl'),
    async start(version, { chain, key }) {
      const port = await freePort();
      const args = [
        's_server',
        '-quiet',
        '-accept',
        `127.0.0.1:${port}`,
        '-cert',
        chain,
        '-key',
        key,
      ];
      const child = run('openssl', [...args, `-tls${version.replace('.', '_')}`]);
      await listening(port, child);
      return { child, port, kind: 'pipes' };
    },
  },
  GnuTLS: {
    needs: 'gnutls-serv',
    available: () => has('gnutls-serv'),
    async start(version, { chain, key }) {
      const port = await freePort();
      const priority = `NORMAL:-VERS-ALL:+VERS-TLS${version}`;
      const args = ['--echo', '--quiet', '-p', String(port), '--priority', priority];
      const child = run('gnutls-serv', [...args, '--x509certfile', chain, '--x509keyfile', key]);
      await listening(port, child);
      return { child, port, kind: 'lines' };
    },
  },
  NSS: {
    needs: 'selfserv, certutil and pk12util',
    available: () => ['selfserv', 'certutil', 'pk12util', 'openssl'].every(has),
    async start(version, { directory, store }) {
      const database = `sql:${join(directory, `nss-${version}`)}`;
      mkdirSync(database.slice(4));
      execFileSync('certutil', ['-N', '--empty-password', '-d', database]);
      execFileSync('pk12util', ['-i', store, '-d', database, '-W', PASSWORD], { stdio: 'ignore' });
      const port = await freePort();
      const args = [
        '-d',
        database,
        '-n',
        'echo',
        '-p',
        String(port),
        '-V',
        `tls${version}:tls${version}`,
      ];
      const child = run('selfserv', args, { cwd: directory });
      await listening(port, child);
      return { child, port, kind: 'http' };
    },
  },
  Go: {
    needs: 'go',
    available: () => has('go'),
    async start(version, { directory, chain, key }) {
      const program = join(directory, 'echo-go');
      if (!has(program)) {
        const env = { ...process.env, GO111MODULE: 'off' };
        execFileSync('go', ['build', '-o', program, own('echo.go')], { env });
      }
      return printing(program, [chain, key, version]);
    },
  },
  'Node (OpenSSL)': {
    needs: 'node',
    available: () => true,
    start: (version, { chain, key }) =>
      printing(process.execPath, [own('echo.js'), chain, key, version]),
  },
  'Electron (BoringSSL)': {
    needs: 'an Electron in ELECTRON_PATH',
    available: () => has(process.env.ELECTRON_PATH || 'no/electron'),
    start: (version, { chain, key }) =>
      printing(process.env.ELECTRON_PATH, [own('echo.js'), chain, key, version], {
        env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      }),
  },
  Java: {
    needs: 'java, a JDK',
    available: () => has('java') && has('javac') && has('openssl'),
    start: (version, { store }) => printing('java', [own('Echo.java'), store, PASSWORD, version]),
  },
  Erlang: {
    needs: 'escript',
    available: () => has('escript'),
    start: (version, { chain, key }) =>
      printing('escript', [own('echo.escript'), chain, key, version]),
  },
  rustls: {
    needs: 'support/peer, built',
    available: () => has(rustlsPeer),
    versions: ['1.3'],
    async start(version, { chain, key }) {
      const child = run(rustlsPeer, [chain, key]);
      const [line] = await once(createInterface({ input: child.stdout }), 'line');
      return { child, port: JSON.parse(line).tls.echo };
    },
  },
};

const call = (method, ...args) =>
  new Promise((resolve) => {
    /** @type {any} */ (tcp)[method](...args, (result) => {
      void runtime.lastError;
      resolve(result);
    });
  });

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** A secured socket that stores the received data. */
async function secured(port, version) {
  const { socketId } = await call('create', { bufferSize: 65_536 });
  const received = [];
  let total = 0;
  let changed = () => {};
  const receive = ({ socketId: id, data }) => {
    if (id !== socketId) return;
    received.push(Buffer.from(data));
    total += data.byteLength;
    changed();
  };
  let end;
  const fail = ({ socketId: id, resultCode }) => {
    if (id !== socketId) return;
    end = resultCode;
    changed(end);
  };
  tcp.onReceive.addListener(receive);
  tcp.onReceiveError.addListener(fail);
  await call('setPaused', socketId, true);
  const connected = await call('connect', socketId, '127.0.0.1', port);
  const range = { min: `tls${version}`, max: `tls${version}` };
  const result =
    connected === 0 ? await call('secure', socketId, { tlsVersion: range }) : connected;
  await call('setPaused', socketId, false);
  return {
    result,
    bytes: () => Buffer.concat(received),
    async send(bytes) {
      for (let at = 0; at < bytes.length; at += 100_000) {
        const part = new Uint8Array(bytes.subarray(at, at + 100_000)).buffer;
        const { resultCode } = await call('send', socketId, part);
        if (resultCode !== 0) throw new Error(`send: ${resultCode}`);
      }
    },
    /** Waits for a number of bytes. */
    until: (count) =>
      new Promise((resolve, reject) => {
        changed = (code) => {
          if (total >= count) resolve(undefined);
          else if (code !== undefined) reject(new Error(`${code} after ${total} bytes`));
        };
        changed(end);
      }),
    ended: () =>
      new Promise((resolve) => {
        changed = (code) => code !== undefined && resolve(code);
        if (end !== undefined) resolve(end);
      }),
    async close() {
      await call('close', socketId);
      tcp.onReceive.removeListener(receive);
      tcp.onReceiveError.removeListener(fail);
    },
  };
}

/** For an echo of lines: a megabyte of them. */
function randomLines() {
  const text = randomBytes(SIZE * 0.75)
    .toString('base64')
    .replace(/(.{63})./g, '$1\n');
  return Buffer.from(`${text.slice(0, SIZE - 1)}\n`);
}

/**
 * With a server that shows a request of at most ten kilobytes, and sends files.
 * @returns {Promise<string>} what went wrong, or nothing
 */
async function exchangeOverHttp({ port }, version, { megabyte }) {
  const ask = async (words) => {
    const socket = await secured(port, version);
    try {
      if (socket.result !== 0) throw new Error(`secure: ${socket.result}`);
      await socket.send(Buffer.from(`GET ${words} HTTP/1.0\r\n\r\n`));
      await socket.ended();
      return socket.bytes();
    } finally {
      await socket.close();
    }
  };
  for (let left = SIZE; left > 0; left -= HTTP_PART) {
    const words = `/${randomBytes(HTTP_PART / 2).toString('hex')}`;
    if (!(await ask(words)).includes(words)) return 'another request';
  }
  const file = (await ask('megabyte')).subarray(-SIZE);
  return sha256(file) === sha256(megabyte) ? '' : 'another file';
}

/** A megabyte each way. @returns {Promise<string>} what went wrong, or nothing */
async function exchange({ port, child, kind = 'echo' }, version) {
  const socket = await secured(port, version);
  try {
    if (socket.result !== 0) return `secure: ${socket.result}`;
    const there = kind === 'lines' ? randomLines() : randomBytes(SIZE);
    if (kind === 'pipes') {
      const back = randomBytes(SIZE);
      const printed = [];
      let total = 0;
      const all = new Promise((resolve) => {
        child.stdout.on('data', (data) => {
          printed.push(data);
          if ((total += data.length) >= SIZE) resolve(undefined);
        });
      });
      await socket.send(there);
      await all;
      child.stdin.write(back);
      await socket.until(SIZE);
      const right = sha256(Buffer.concat(printed)) === sha256(there);
      return right && sha256(socket.bytes()) === sha256(back) ? '' : 'other bytes';
    }
    await socket.send(there);
    await socket.until(SIZE);
    return sha256(socket.bytes()) === sha256(there) ? '' : 'other bytes';
  } finally {
    await socket.close();
  }
}

async function prepareFiles() {
  const directory = mkdtempSync(join(tmpdir(), 'stacks-'));
  const root = await createAuthority();
  const { chainPem, keyPem } = await root.issue({ names: ['localhost'], ips: ['127.0.0.1'] });
  const write = (name, content) => {
    const path = join(directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const files = { directory, chain: write('chain.pem', chainPem), key: write('key.pem', keyPem) };
  const megabyte = randomBytes(SIZE);
  write('megabyte', megabyte);
  const store = join(directory, 'store.p12');
  if (has('openssl')) {
    const args = ['pkcs12', '-export', '-in', files.chain, '-inkey', files.key, '-out', store];
    spawnSync('openssl', [...args, '-name', 'echo', '-passout', `pass:${PASSWORD}`]);
  }
  configure({ ca: [root.certificatePem] });
  return { ...files, store, megabyte };
}

/** @returns {Promise<import('../suite').Row[]>} one row per stack */
async function judgeStacks() {
  const files = await prepareFiles();
  const rows = [];
  try {
    for (const [name, stack] of Object.entries(STACKS)) {
      const { versions = /** @type {const} */ (['1.2', '1.3']) } = stack;
      const what = `a megabyte each way with ${name}, TLS ${versions.join(' and ')}`;
      if (!stack.available()) {
        rows.push({ what, figure: '', ok: true, leftOut: `${stack.needs} is not installed` });
        continue;
      }
      const problems = [];
      const begun = Date.now();
      for (const version of versions) {
        problems.push(await judgeStack(stack, version, files));
      }
      const wrong = problems.filter(Boolean);
      const figure =
        wrong.join('; ') || `hashes equal, ${((Date.now() - begun) / 1000).toFixed(1)} s`;
      rows.push({ what, figure, ok: wrong.length === 0 });
    }
  } finally {
    rmSync(files.directory, { recursive: true, force: true });
    configure({ ca: null });
  }
  return rows;
}

async function judgeStack(stack, version, files) {
  let running;
  let timer;
  try {
    running = await stack.start(version, files);
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, TIMEOUT_MS, 'not done in time');
    });
    const result = await Promise.race([
      (running.kind === 'http' ? exchangeOverHttp : exchange)(running, version, files),
      late,
    ]);
    return result && `TLS ${version}: ${result}`;
  } catch (/** @type {any} */ error) {
    return `TLS ${version}: ${error.message}`;
  } finally {
    clearTimeout(timer);
    running?.child.kill('SIGKILL');
  }
}

module.exports = { judgeStacks };
