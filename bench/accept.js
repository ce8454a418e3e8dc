'use strict';

/**
 * Accepting connections: `chrome.sockets.tcpServer` beside `net.Server`. Prints accepts per second, the CPU time
 * of the server's process for one, and the memory of an open accepted connection, as medians of the rounds.
 *
 *     node bench/accept.js [rounds]
 */

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const { pairedRatio, spread } = require('./statistics.js');

const CONNECTIONS = 4000;
const MEMORY_CONNECTIONS = 2000;
const AT_ONCE = 64;
const DIALERS = 2;

/** Each starts a server, which calls back with every accepted connection and a function that closes it. */
const SIDES = {
  net(onConnection) {
    const server = net.createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
      socket.on('error', () => {});
      onConnection(() => socket.destroy());
    });
    return new Promise((resolve) => {
      server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
        resolve(server.address().port);
      });
    });
  },

  module(onConnection) {
    const tcp = require('../index.js');
    const server = require('../entry/server.js');
    server.onAccept.addListener(({ clientSocketId }) => {
      onConnection(() => tcp.close(clientSocketId, () => {}));
    });
    return new Promise((resolve) => {
      server.create({}, ({ socketId }) => {
        server.listen(socketId, '127.0.0.1', 0, () => {
          server.getInfo(socketId, ({ localPort }) => resolve(localPort));
        });
      });
    });
  },
};

/** Connects so many times, `AT_ONCE` at a time, and leaves the connections open until the server ends them. */
async function dial(port, count) {
  let left = count;
  const one = async () => {
    while (left > 0) {
      left -= 1;
      const socket = net.connect({ port, host: '127.0.0.1' });
      socket.on('error', () => {}).resume();
      await once(socket, 'connect');
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** Has other processes connect `count` times together. */
function dialFromOutside(port, count) {
  const share = count / DIALERS;
  const dialers = Array.from({ length: DIALERS }, () =>
    spawn(process.execPath, [__filename, 'dial', port, share], { stdio: 'inherit' }),
  );
  dialers.forEach((dialer) => running.add(dialer));
}

const running = new Set();

async function measure(side) {
  const closers = [];
  let seen = 0;
  let first = 0n;
  let cpu = process.cpuUsage();
  let wake = () => {};
  let keep = false;
  const port = await SIDES[side]((close) => {
    if (seen === 0) {
      first = process.hrtime.bigint();
      cpu = process.cpuUsage();
    }
    seen += 1;
    if (keep) closers.push(close);
    else close();
    wake();
  });
  const until = async (count) => {
    while (seen < count) await new Promise((resolve) => (wake = resolve));
  };
  dialFromOutside(port, CONNECTIONS);
  await until(CONNECTIONS);
  const seconds = Number(process.hrtime.bigint() - first) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  keep = true;
  globalThis.gc();
  const before = process.memoryUsage().rss;
  dialFromOutside(port, MEMORY_CONNECTIONS);
  await until(CONNECTIONS + MEMORY_CONNECTIONS);
  globalThis.gc();
  const memory = (process.memoryUsage().rss - before) / MEMORY_CONNECTIONS;
  const result = { rate: CONNECTIONS / seconds, cpu: (user + system) / CONNECTIONS, memory };
  process.stdout.write(JSON.stringify(result), () => {
    for (const dialer of running) dialer.kill();
    process.exit();
  });
}

async function run(side) {
  const child = spawn(process.execPath, ['--expose-gc', __filename, 'measure', side], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (data) => (out += data));
  await once(child, 'close');
  return JSON.parse(out);
}

async function main(rounds) {
  const results = { net: [], module: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const side of Object.keys(SIDES)) results[side].push(await run(side));
  }
  const column = (side, key) => results[side].map((result) => result[key]);
  const row = (name, key, inverse, digits) => {
    const [net, own] = [column('net', key), column('module', key)];
    const { median: ratio } = inverse ? pairedRatio(net, own) : pairedRatio(own, net);
    const shown = [net, own].map((values) => spread(values).median.toFixed(digits));
    return `| ${name} | ${shown.join(' | ')} | ${ratio.toFixed(2)} |`;
  };
  console.log('| accepting | net | module | ratio |\n| --- | ---: | ---: | ---: |');
  console.log(row('accepts per second', 'rate', false, 0));
  console.log(row('CPU per accept, µs', 'cpu', true, 1));
  console.log(row('memory per open connection, bytes', 'memory', true, 0));
}

const [mode, ...args] = process.argv.slice(2);
if (mode === 'dial') {
  void dial(Number(args[0]), Number(args[1]));
} else if (mode === 'measure') {
  void measure(args[0]);
} else {
  void main(Number(mode ?? 5));
}
