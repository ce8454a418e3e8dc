'use strict';

/**
 * A network of two: the application at one end of a cable, its peer at the other, each in
 * namespaces of its own. The namespaces have no name and exist only as long as the two processes,
 * so no network remains however these end. Also the tools that inject faults.
 */

const { execFile, execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const { existsSync, readFileSync } = require('node:fs');
const { delimiter, join } = require('node:path');

/** Where the two are, if they have a network. The second address of the peer is for names. */
const APPLICATION = '10.77.0.1';
const PEER = '10.77.0.2';
const PEER_TOO = '10.77.0.12';
/** An address in the network that no machine has. */
const UNUSED_ADDRESS = '10.77.0.3';
const ADDRESSES = [PEER, PEER_TOO];
/** The cable's end in each of the namespaces. */
const DEVICE = 'cable';

/** The command that starts a process in its own namespaces. */
const APART = ['unshare', '--net', '--mount'];

/** @param {string} name of a program */
function isInstalled(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).concat('/usr/sbin', '/sbin');
  return folders.some((folder) => existsSync(join(folder, name)));
}

/** @param {string} command tried in namespaces of its own */
function works(command) {
  try {
    execFileSync(APART[0], [...APART.slice(1), 'sh', '-c', command], {
      stdio: 'ignore',
      timeout: 10_000,
    });
    return true;
  } catch {
    return false;
  }
}

/** Whether this process may look into one that is not its child. */
function mayTrace() {
  if (process.getuid?.() === 0) return true;
  try {
    return readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'utf8').trim() === '0';
  } catch {
    return true;
  }
}

/**
 * The requirements of faults, and how to check that this machine meets them.
 *
 * @type {Record<string, () => boolean>}
 */
const REQUIREMENTS = {
  namespaces: () =>
    ['ip', 'nsenter'].every(isInstalled) &&
    works('ip link add one type veth peer name other && mount --bind /etc/hosts /etc/hosts'),
  iptables: () =>
    works(
      'iptables -A INPUT -p tcp --syn -j DROP && iptables -A INPUT -p tcp -j REJECT --reject-with tcp-reset && ' +
        'iptables -A INPUT -m statistic --mode random --probability 0.1 -j DROP',
    ),
  'ss -K': () => works('ss -t -K dst 127.0.0.1'),
  'tc tbf': () => works('tc qdisc add dev lo root tbf rate 8mbit burst 16k latency 50ms'),
  strace: () => isInstalled('strace') && mayTrace(),
  prlimit: () => isInstalled('prlimit'),
  faketime: () => isInstalled('faketime'),
  cargo: () => isInstalled('cargo'),
  // Where processes are counted and stopped as here.
  Linux: () => process.platform === 'linux',
};

/** @type {Map<string, boolean>} */
const known = new Map();

/** @param {string} requirement */
function has(requirement) {
  let answer = known.get(requirement);
  if (answer === undefined) {
    answer = REQUIREMENTS[requirement]();
    known.set(requirement, answer);
  }
  return answer;
}

/**
 * @param {string} file
 * @param {string[]} args
 * @returns {Promise<string>} its standard output
 */
function run(file, args) {
  return new Promise((resolve, reject) => {
    execFile(file, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${file} ${args.join(' ')}: ${stderr.trim() || error.message}`));
      else resolve(stdout);
    });
  });
}

/** One end of the cable: the namespaces of one process. */
class End {
  /**
   * @param {number} pid
   * @param {string} address
   */
  constructor(pid, address) {
    this.pid = pid;
    this.address = address;
  }

  /**
   * Runs shell commands, one a line, in this end's network.
   *
   * @param {string} commands
   */
  sh(commands) {
    const inside = ['--target', String(this.pid), '--net', '--', 'sh', '-ec', commands];
    return run('nsenter', inside);
  }

  /** @param {string} rule */
  iptables(rule) {
    return this.sh(`iptables -w ${rule}`);
  }

  /** Forgets every rule. */
  flush() {
    return this.sh('iptables -w -F');
  }

  /**
   * @param {string} name
   * @param {string | number} value
   */
  sysctl(name, value) {
    return this.sh(`echo "${value}" > /proc/sys/net/${name}`);
  }

  /** Ends every connection with the other side as an administrator can: it breaks at once. */
  async destroyConnections() {
    await this.sh(`ss -t -K state connected src ${this.address}`);
  }
}

/**
 * Lays the cable between two processes that were started with {@link APART}.
 *
 * @param {number} application pid
 * @param {number} peer pid
 */
async function connectEnds(application, peer) {
  const ends = { near: new End(application, APPLICATION), far: new End(peer, PEER) };
  const device = `${DEVICE} gso_max_segs 1 netns`;
  await run('ip', [
    ...`link add ${device} ${application} type veth peer name ${device} ${peer}`.split(' '),
  ]);
  /** @param {string[]} addresses */
  const up = (addresses) =>
    [
      'ip link set lo up',
      ...addresses.map((address) => `ip address add ${address}/24 dev ${DEVICE}`),
      `ip link set ${DEVICE} up`,
    ].join('\n');
  await Promise.all([ends.near.sh(up([APPLICATION])), ends.far.sh(up(ADDRESSES))]);
  return ends;
}

/**
 * Makes system calls of a process fail.
 *
 * @param {number} pid
 * @param {string} injection as in strace's `inject=`
 * @returns {Promise<() => Promise<void>>} a function that ends it
 */
async function inject(pid, injection) {
  const calls = injection.split(':')[0];
  const child = spawn(
    'strace',
    ['-f', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', `inject=${injection}`, '-p', `${pid}`],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let text = '';
  await new Promise((resolve, reject) => {
    child.stderr.on('data', (data) => {
      text += data;
      if (text.includes('attached')) resolve(undefined);
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`strace: ${text.trim()}`)));
  });
  return async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGINT');
    await gone;
  };
}

/**
 * @param {number} pid
 * @param {string} limits as prlimit takes them
 */
const limit = (pid, limits) => run('prlimit', ['--pid', `${pid}`, ...limits.split(' ')]);

/**
 * The environment that makes a process take its clock from a file.
 *
 * @param {string} file
 */
function clockEnvironment(file) {
  const library = execFileSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], {
    encoding: 'utf8',
  });
  return {
    LD_PRELOAD: library.trim(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}

module.exports = {
  ADDRESSES,
  APART,
  APPLICATION,
  DEVICE,
  End,
  UNUSED_ADDRESS,
  PEER,
  PEER_TOO,
  clockEnvironment,
  connectEnds,
  has,
  inject,
  limit,
  run,
};
