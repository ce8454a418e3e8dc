'use strict';

const { runNode } = require('./support/child.js');
const { startFullServer } = require('../support/full-backlog.js');
const { certificate, echo, startServer, stopServers } = require('../support/servers.js');

afterEach(stopServers);

/**
 * Runs a program that has the module as `tcp`, the port of a server, which echoes unless something
 * else is asked for, as `port`, and `create(callback)` and `connect(callback)`.
 */
async function run(program, options = { onConnection: echo }) {
  const { port } = await startServer(options);
  return runNode([
    '--eval',
    `const tcp = require('./index.js');
     const net = require('node:net');
     const tls = require('node:tls');
     const port = ${port};
     const checked = () => require('./entry/runtime.js').lastError;
     const create = (callback) => tcp.create({}, ({ socketId }) => callback(socketId));
     const connect = (callback) =>
       create((socketId) =>
         tcp.connect(socketId, '127.0.0.1', port, (result) => {
           if (result !== 0) throw new Error('connect gave ' + result);
           callback(socketId);
         }));
     ${program}`,
  ]);
}

const silent = (stdout) => ({ code: 0, stdout, stderr: '' });

describe('the process ends by itself', () => {
  test('when no call was made', async () => {
    expect(await run('')).toEqual(silent(''));
  });

  test('when it has only an unconnected socket', async () => {
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
  // A timer without a reference runs only if the loop is alive for another reason.
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

  test('again, after a time without sockets', async () => {
    const program = `
      let rounds = 0;
      process.on('beforeExit', () => {
        if (rounds++ < 3) connect((id) => tcp.close(id, () => console.log('round', rounds)));
      });`;
    expect(await run(program)).toEqual(silent('round 1\nround 2\nround 3\n'));
  });
});

describe('the process lives as long as with a net.Socket', () => {
  // The timer without a reference runs only if something else keeps the loop going. Copying what is sent
  // takes 300 ms in an emulator.
  const observe = `
    setTimeout(() => { console.log('alive'); process.exit(); }, 1000).unref();`;
  const ours = {
    unconnected: `tcp.create({}, () => {});`,
    connecting: `create((id) => tcp.connect(id, '127.0.0.1', full, checked));`,
    connected: `connect(() => {});`,
    'sending to a peer that does not read': `
      connect((id) => tcp.send(id, new ArrayBuffer(3e7), checked));`,
    refused: `create((id) => tcp.connect(id, '127.0.0.1', 1, checked));`,
    closed: `connect((id) => tcp.close(id));`,
    'closed while it was connecting': `
      create((id) => { tcp.connect(id, '127.0.0.1', full, checked); tcp.close(id); });`,
    'closed while it was sending': `
      connect((id) => { tcp.send(id, new ArrayBuffer(3e7), checked); tcp.close(id); });`,
    'shaking hands with a silent server': `
      create((id) => tcp.setPaused(id, true, () => tcp.connect(id, '127.0.0.1', port, () =>
        tcp.secure(id, checked))));`,
  };
  const nodes = {
    unconnected: `new net.Socket();`,
    connecting: `net.connect(full, '127.0.0.1');`,
    connected: `net.connect(port, '127.0.0.1');`,
    'sending to a peer that does not read': `
      net.connect(port, '127.0.0.1').write(Buffer.alloc(3e7));`,
    refused: `net.connect(1, '127.0.0.1').on('error', () => {});`,
    closed: `const s = net.connect(port, '127.0.0.1', () => s.destroy());`,
    'closed while it was connecting': `net.connect(full, '127.0.0.1').destroy();`,
    'closed while it was sending': `
      const s = net.connect(port, '127.0.0.1', () => { s.write(Buffer.alloc(3e7)); s.destroy(); });`,
    'shaking hands with a silent server': `tls.connect(port, '127.0.0.1');`,
  };

  test.each(Object.keys(ours))('that is %s', async (state) => {
    const full = await startFullServer();
    try {
      const program = (statement) => `const full = ${full.port}; ${statement} ${observe}`;
      const options = { onConnection: (peer) => peer.pause() };
      const [own, node] = await Promise.all([
        run(program(ours[state]), options),
        run(program(nodes[state]), options),
      ]);
      expect(own).toEqual(node);
      expect(own.code).toBe(0);
    } finally {
      await full.stop();
    }
  });

  test('and not longer for a persistent socket without an owner', async () => {
    const program = `
      const { Worker } = require('node:worker_threads');
      const worker = new Worker(\`
        const tcp = require('./index.js');
        const { parentPort } = require('node:worker_threads');
        tcp.create({ persistent: true }, ({ socketId }) =>
          tcp.connect(socketId, '127.0.0.1', \${port}, (result) => parentPort.postMessage(result)));
      \`, { eval: true });
      worker.once('message', async () => {
        await worker.terminate();
        tcp.getSockets(([{ connected, socketId }]) => console.log(connected));
      });`;
    expect(await run(program)).toEqual(silent('true\n'));
  });
});

describe('process.exit()', () => {
  const open = {
    connecting: `create((id) => { tcp.connect(id, '127.0.0.1', port, () => {}); leave(); });`,
    'resolving a name': `create((id) => { tcp.connect(id, 'localhost', port, () => {}); leave(); });`,
    receiving: `
      tcp.onReceive.addListener(() => leave());
      connect((id) => tcp.send(id, new ArrayBuffer(1e5), () => {}));`,
    sending: `connect((id) => { tcp.send(id, new ArrayBuffer(1e8), () => {}); leave(); });`,
    'shaking hands': `
      create((id) => tcp.setPaused(id, true, () => tcp.connect(id, '127.0.0.1', port, () => {
        tcp.secure(id, () => {});
        setImmediate(leave);
      })));`,
    'of workers': `
      const { Worker } = require('node:worker_threads');
      const worker = new Worker(\`
        const tcp = require('./index.js');
        const { parentPort } = require('node:worker_threads');
        tcp.create({}, ({ socketId }) =>
          tcp.connect(socketId, '127.0.0.1', \${port}, () => {
            tcp.send(socketId, new ArrayBuffer(1e8), () => {});
            parentPort.postMessage('connected');
          }));
      \`, { eval: true });
      worker.once('message', leave);`,
  };
  // Where a sanitizer watches, its search for leaks comes first.
  const limit = process.env.SANITIZED_ADDON ? 10_000 : 2000;
  test.each(Object.entries(open))(
    'ends a process with sockets that are %s',
    async (_state, does) => {
      const leave = `const leave = () => { console.log(Date.now()); process.exit(7); };`;
      const { code, stdout, stderr } = await run(leave + does);
      expect({ code, stderr }).toEqual({ code: 7, stderr: '' });
      expect(Date.now() - Number(stdout)).toBeLessThan(limit);
    },
  );

  test.each([
    ['in the clear', 'small', false, 900, 500],
    ['in the clear', 'large', false, 3_000_000, 3],
    ['encrypted', 'small', true, 900, 500],
    ['encrypted', 'large', true, 3_000_000, 3],
  ])('delivers bytes that were sent %s in %s sends', async (_how, _size, secure, size, count) => {
    let received = 0;
    let peerEnded;
    const ended = new Promise((resolve) => (peerEnded = resolve));
    const onConnection = (peer) => {
      peer.on('data', ({ length }) => (received += length));
      peer.on('close', peerEnded);
      // A process that has not read everything resets its connections.
      peer.on('error', () => {});
    };
    // The process ends when the last callback but one has fired.
    const send = `(id) => {
      let fired = 0;
      for (let sends = 0; sends < ${count}; sends++) {
        tcp.send(id, new ArrayBuffer(${size}), ({ resultCode, bytesSent }) => {
          if (resultCode !== 0 || bytesSent !== ${size}) throw new Error('send gave ' + resultCode);
          fired += 1;
          if (fired === ${count - 1}) process.exit(7);
        });
      }
    }`;
    const program = secure
      ? `create((id) => tcp.setPaused(id, true, () => tcp.connect(id, '127.0.0.1', port, () =>
           tcp.secure(id, (result) => {
             if (result !== 0) throw new Error('secure gave ' + result);
             (${send})(id);
           }))));`
      : `connect(${send});`;
    const options = secure ? { onConnection, tls: certificate() } : { onConnection };
    expect(await run(program, options)).toEqual({ code: 7, stdout: '', stderr: '' });
    await ended;
    expect(received).toBeGreaterThanOrEqual(size * (count - 1));
  });
});

test('worker threads have their own sockets and may end at any time', async () => {
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
