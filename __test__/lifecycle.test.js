'use strict';

const { echo, startServer, stopServers } = require('./support/servers.js');
const { runNode } = require('./support/child.js');

afterEach(stopServers);

/**
 * Runs a program that has the module as `tcp`, the port of a server that echoes as `port`, and
 * `connect(callback)`.
 */
async function run(program) {
  const { port } = await startServer({ onConnection: echo });
  return runNode([
    '--eval',
    `const tcp = require('./index.js');
     const port = ${port};
     const connect = (callback) =>
       tcp.create({}, ({ socketId }) =>
         tcp.connect(socketId, '127.0.0.1', port, (result) => {
           if (result !== 0) throw new Error('connect gave ' + result);
           callback(socketId);
         }));
     ${program}`,
  ]);
}

const silent = (stdout) => ({ code: 0, stdout, stderr: '' });

describe('the process ends by itself', () => {
  test('when nothing was done', async () => {
    expect(await run('')).toEqual(silent(''));
  });

  test('when there is only an unconnected socket', async () => {
    const program = `tcp.create({}, () => console.log('created'));`;
    expect(await run(program)).toEqual(silent('created\n'));
  });

  test.each(['close', 'disconnect'])('after %s', async (end) => {
    const program = `connect((id) => tcp.${end}(id, () => console.log('ended')));`;
    expect(await run(program)).toEqual(silent('ended\n'));
  });

  test('after the peer has closed', async () => {
    const program = `
      tcp.onReceiveError.addListener(({ resultCode }) => console.log(resultCode));
      require('node:net').createServer((peer) => peer.end()).listen(0, '127.0.0.1', function () {
        tcp.create({}, ({ socketId }) =>
          tcp.connect(socketId, '127.0.0.1', this.address().port, () => this.close()));
      });`;
    expect(await run(program)).toEqual(silent('-100\n'));
  });
});

describe('the process stays alive', () => {
  // A timer without a reference runs only if something else keeps the loop going.
  test.each([
    ['connected', ''],
    ['connected and paused', 'tcp.setPaused(id, true);'],
  ])('while a socket is %s', async (_title, before) => {
    const program = `
      connect((id) => {
        ${before}
        setTimeout(() => tcp.close(id, () => console.log('closed')), 200).unref();
      });`;
    expect(await run(program)).toEqual(silent('closed\n'));
  });

  test('while a call is pending', async () => {
    const program = `
      connect((id) => {
        tcp.send(id, new ArrayBuffer(10), ({ bytesSent }) => {
          console.log(bytesSent);
          tcp.close(id, () => {});
        });
      });`;
    expect(await run(program)).toEqual(silent('10\n'));
  });

  test('again, after nothing kept it', async () => {
    const program = `
      let rounds = 0;
      process.on('beforeExit', () => {
        if (rounds++ < 3) connect((id) => tcp.close(id, () => console.log('round', rounds)));
      });`;
    expect(await run(program)).toEqual(silent('round 1\nround 2\nround 3\n'));
  });
});

test('process.exit() ends it at any time', async () => {
  const program = `
    connect((id) => {
      tcp.send(id, new ArrayBuffer(1e6), () => {});
      process.exit(7);
    });`;
  expect(await run(program)).toEqual({ code: 7, stdout: '', stderr: '' });
});

test('worker threads have sockets of their own, and may end at any time', async () => {
  const program = `
    const { Worker } = require('node:worker_threads');
    const source = \`
      const tcp = require('./index.js');
      const { parentPort } = require('node:worker_threads');
      tcp.create({}, ({ socketId }) =>
        tcp.connect(socketId, '127.0.0.1', \${port}, () =>
          tcp.getSockets((infos) => parentPort.postMessage(infos))));
    \`;
    (async () => {
      for (let round = 0; round < 5; round++) {
        const worker = new Worker(source, { eval: true });
        const infos = await new Promise((resolve) => worker.on('message', resolve));
        await worker.terminate();
        console.log(infos.map(({ connected }) => connected));
      }
    })();`;
  expect(await run(program)).toEqual(silent('[ true ]\n'.repeat(5)));
});
