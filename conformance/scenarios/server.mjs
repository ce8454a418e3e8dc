/** `chrome.sockets.tcpServer`: listening, accepting, and the sockets that come of it. */

const showInfo = (context, id) => context.serve('getInfo', id);

/** Listens once; the transcript shows the result and then that of getInfo. */
async function runListen({ createServer, serve, parameters: { address, port = 0, more = [] } }) {
  const id = await createServer();
  await serve('listen', id, address, port, ...more);
  await serve('getInfo', id);
}

const listens = (address, port, ...more) => ({
  name: `listen(${[address, port, ...more].map((value) => JSON.stringify(value)).join(', ')})`,
  parameters: { address, port, more },
  run: runListen,
});

const freePort = (peer) => peer.nobody('free');
const takenPort = (peer) => peer.tcp();

const ADDRESSES = [
  '127.0.0.1',
  '127.0.0.2',
  '0.0.0.0',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '[::1]',
  '',
]
  .concat([
    'localhost',
    'a.example',
    '*',
    '0',
    '1',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '127.0.0.1.',
  ])
  .concat([' 127.0.0.1', '127.0.0.1 ', '127.0.0.1:80', '127.0.0.01', '256.0.0.1', '2130706433'])
  .concat([
    '192.0.2.1',
    '224.0.0.1',
    '255.255.255.255',
    '2001:db8::1',
    'ff02::1',
    '::1%lo',
    '１27.0.0.1',
  ]);

/** One connection, accepted. */
async function acceptOne(context, options = {}) {
  const { openServer, ask, accepted } = context;
  const { id, port } = await openServer(options);
  await ask('dial', port);
  return { id, port, client: await accepted(id) };
}

export default [
  ...ADDRESSES.map((address) => listens(address, 0)),
  ...[65536, -65536, 2 ** 17].map((port) => listens('127.0.0.1', port)),
  ...[0, -1, 1, 2, 100000, 2 ** 31 - 1, -(2 ** 31)].map((backlog) =>
    listens('127.0.0.1', 0, backlog),
  ),

  // Sockets that do not listen
  {
    name: 'a new socket',
    async run(context) {
      await showInfo(context, await context.createServer());
    },
  },
  {
    name: 'properties of a new socket, and changes of them',
    async run({ createServer, serve }) {
      const id = await createServer({ persistent: true, name: 'web' });
      await serve('getInfo', id);
      await serve('update', id, {});
      await serve('getInfo', id);
      await serve('update', id, { name: 'other' });
      await serve('getInfo', id);
      await serve('update', id, { persistent: false, name: '' });
      await serve('getInfo', id);
    },
  },
  {
    name: 'setPaused before listen',
    async run({ createServer, serve }) {
      const id = await createServer();
      await serve('setPaused', id, true);
      await serve('getInfo', id);
      await serve('setPaused', id, true);
      await serve('setPaused', id, false);
      await serve('getInfo', id);
    },
  },
  {
    name: 'disconnect and close of a socket that does not listen',
    async run({ createServer, serve }) {
      const id = await createServer();
      await serve('disconnect', id);
      await serve('getInfo', id);
      await serve('close', id);
      await serve('getInfo', id);
      await serve('close', id);
      await serve('disconnect', id);
    },
  },
  {
    name: 'every method with the identifier of a closed socket',
    async run({ createServer, tcpServer, serve }) {
      const id = await createServer();
      await new Promise((resolve) => tcpServer.close(id, resolve));
      await serve('update', id, { name: 'x' });
      await serve('setPaused', id, true);
      await serve('listen', id, '127.0.0.1', 0);
      await serve('disconnect', id);
      await serve('close', id);
      await serve('getInfo', id);
    },
  },
  {
    name: 'getSockets',
    async run({ createServer, openServer, tcpServer, serve, log, show }) {
      await serve('getSockets');
      const first = await createServer({ name: 'first' });
      const { id } = await openServer({ properties: { name: 'second' } });
      const all = await new Promise((resolve) => tcpServer.getSockets(resolve));
      // Chromium's order is that of a hash table.
      all.sort((one, other) => (one.name < other.name ? -1 : 1));
      for (const { socketId, localPort, ...info } of all) {
        log(show(info), socketId === first, socketId === id, typeof localPort);
      }
    },
  },
  {
    name: 'neither namespace has the sockets of the other',
    async run({ create, openServer, call, serve }) {
      await serve('getSockets');
      await call('getSockets');
      await openServer();
      await call('getSockets');
      await serve('close', await openServer().then(({ id }) => id));
      await create();
    },
  },
  {
    name: 'calls of sockets.tcp with the identifier of a server',
    async run({ createServer, tcp, runtime, log }) {
      for (let count = 0; count < 20; count += 1) await createServer();
      const id = await createServer();
      const lastError = () => log(runtime.lastError?.message);
      await new Promise((resolve) => tcp.getInfo(id, () => resolve(lastError())));
      await new Promise((resolve) => tcp.close(id, () => resolve(lastError())));
      await new Promise((resolve) => tcp.setPaused(id, false, () => resolve(lastError())));
      await new Promise((resolve) => tcp.send(id, new ArrayBuffer(1), () => resolve(lastError())));
    },
  },

  // Listening
  {
    name: 'listen on a port that is free',
    server: freePort,
    async run({ createServer, serve, portOf, ports, log }) {
      const id = await createServer();
      await serve('listen', id, '127.0.0.1', ports.free);
      log('the port is the wanted one:', (await portOf(id)) === ports.free);
    },
  },
  {
    name: 'listen on a port that is in use',
    server: takenPort,
    async run({ createServer, serve, port }) {
      const id = await createServer();
      await serve('listen', id, '127.0.0.1', port);
      await serve('getInfo', id);
    },
  },
  {
    name: 'listen on the port of another socket',
    async run({ createServer, openServer, serve }) {
      const { port } = await openServer();
      const id = await createServer();
      await serve('listen', id, '127.0.0.1', port);
      await serve('listen', id, '0.0.0.0', port);
      await serve('listen', id, '127.0.0.2', port);
    },
  },
  {
    name: 'listen after a listen that failed',
    server: takenPort,
    async run({ createServer, serve, port }) {
      const id = await createServer();
      await serve('listen', id, '127.0.0.1', port);
      await serve('listen', id, 'nonsense', 0);
      await serve('listen', id, '127.0.0.1', 0);
      await serve('getInfo', id);
    },
  },
  {
    name: 'a failure of listen that nobody looks at',
    server: takenPort,
    async run({ createServer, tcpServer, port, log }) {
      const id = await createServer();
      await new Promise((resolve) =>
        tcpServer.listen(id, '127.0.0.1', port, (...args) => {
          log(args.join());
          resolve();
        }),
      );
    },
  },
  {
    name: 'the port is free again after disconnect',
    async run({ openServer, serve, ask, accepted, log }) {
      const { id, port } = await openServer();
      await serve('disconnect', id);
      await serve('getInfo', id);
      log(await ask('dial', port));
      await serve('listen', id, '127.0.0.1', port);
      await serve('getInfo', id);
      await ask('dial', port);
      await accepted(id);
    },
  },
  {
    name: 'the port is free again after close',
    async run({ openServer, createServer, serve, ask, log }) {
      const { id, port } = await openServer();
      await serve('close', id);
      await serve('getInfo', id);
      log(await ask('dial', port));
      await serve('listen', await createServer(), '127.0.0.1', port);
    },
  },
  {
    name: 'the port is free again while a connection of it is open',
    async run(context) {
      const { id, port } = await acceptOne(context);
      await context.serve('disconnect', id);
      await context.serve('listen', id, '127.0.0.1', port);
    },
  },
  {
    name: 'disconnect twice',
    async run({ openServer, serve }) {
      const { id } = await openServer();
      await serve('disconnect', id);
      await serve('disconnect', id);
      await serve('getInfo', id);
    },
  },
  {
    name: 'update of a socket that listens',
    async run({ openServer, serve }) {
      const { id } = await openServer({ properties: { name: 'one' } });
      await serve('update', id, { name: 'two', persistent: true });
      await serve('getInfo', id);
    },
  },

  // Accepting
  {
    name: 'one connection',
    async run(context) {
      const { client } = await acceptOne(context);
      await context.call('getInfo', client);
      await context.call('getSockets');
    },
  },
  {
    name: 'three connections one after another',
    async run({ openServer, ask, accepted }) {
      const { id, port } = await openServer();
      for (let count = 1; count <= 3; count += 1) {
        await ask('dial', port);
        await accepted(id, count);
      }
    },
  },
  {
    name: 'many connections at once',
    async run({ openServer, ask, accepted, log }) {
      const { id, port } = await openServer();
      await Promise.all(Array.from({ length: 20 }, () => ask('dial', port)));
      await accepted(id, 20);
      log('all');
    },
  },
  ...['::1', '::', '0.0.0.0'].flatMap((address) =>
    ['127.0.0.1', '::1'].map((host) => ({
      name: `a connection to ${host} of a server on ${address}`,
      parameters: { address, host },
      async run({ openServer, ask, accepted, call, log, parameters }) {
        const { id, port } = await openServer({ address: parameters.address });
        const result = await ask('dial', port, { host: parameters.host });
        if (result === 'connected') await call('getInfo', await accepted(id));
        log(result);
      },
    })),
  ),
  {
    name: 'the argument of onAccept',
    async run({ openServer, ask, tcpServer, log, show }) {
      const { port } = await openServer();
      const info = new Promise((resolve) => tcpServer.onAccept.addListener(resolve));
      await ask('dial', port);
      const { socketId, clientSocketId, ...more } = await info;
      log(Object.keys(await info).join());
      log(typeof socketId, typeof clientSocketId, show(more));
      log(Object.getPrototypeOf(await info) === Object.prototype);
    },
  },
  {
    name: 'a connection that no listener hears of',
    events: false,
    async run({ openServer, ask, tcp, log, show }) {
      const { port } = await openServer();
      await ask('dial', port);
      let all = [];
      while (all.length === 0) all = await new Promise((resolve) => tcp.getSockets(resolve));
      const [{ socketId, peerPort, ...info }] = all;
      log(typeof socketId, typeof peerPort, show(info));
    },
  },
  {
    name: 'an accepted socket is paused',
    async run(context) {
      const { client } = await acceptOne(context);
      await context.ask('write', 'hello');
      await context.quiet();
      await context.call('setPaused', client, false);
      await context.received(client, 5);
      await context.call('getInfo', client);
    },
  },
  {
    name: 'a conversation',
    async run(context) {
      const { client } = await acceptOne(context);
      const { call, bytes, ask, report, received } = context;
      await call('send', client, bytes('welcome'));
      await report('received', 7);
      await call('setPaused', client, false);
      await ask('write', 'hello');
      await received(client, 5);
      await call('send', client, bytes('bye'));
      await report('received', 10);
      await call('close', client);
      await report('ended');
    },
  },
  {
    name: 'a large amount in both directions',
    async run(context) {
      const { client } = await acceptOne(context);
      const { call, pattern, ask, report, received } = context;
      await call('setPaused', client, false);
      await ask('writePattern', 300000, false);
      await received(client, 300000);
      await call('send', client, pattern(300000));
      await report('receivedPattern', 300000);
    },
  },
  {
    name: 'the peer ends the connection',
    async run(context) {
      const { client } = await acceptOne(context);
      const { call, ask, failed } = context;
      await ask('writeAndEnd', 'last');
      await context.quiet();
      await call('getInfo', client);
      await call('setPaused', client, false);
      await failed(client);
      await call('getInfo', client);
    },
  },
  {
    name: 'the peer resets the connection',
    async run(context) {
      const { client } = await acceptOne(context);
      const { call, ask, failed } = context;
      await call('setPaused', client, false);
      await ask('reset');
      await failed(client);
      await call('getInfo', client);
    },
  },
  {
    name: 'a peer that resets at once',
    async run({ openServer, ask, accepted, call, failed }) {
      const { id, port } = await openServer();
      await ask('dial', port, { reset: true });
      const client = await accepted(id);
      await call('setPaused', client, false);
      await failed(client);
      await ask('dial', port);
      await accepted(id, 2);
    },
  },
  {
    name: 'properties and options of an accepted socket',
    async run(context) {
      const { client } = await acceptOne(context);
      const { call } = context;
      await call('update', client, { name: 'caller', bufferSize: 2, persistent: true });
      await call('getInfo', client);
      await call('setNoDelay', client, true);
      await call('setKeepAlive', client, true, 60);
      await call('setKeepAlive', client, false);
    },
  },
  {
    name: 'the buffer size of an accepted socket',
    chunks: true,
    async run(context) {
      const { client } = await acceptOne(context);
      const { call, ask, received } = context;
      await call('update', client, { bufferSize: 2 });
      await ask('write', 'hello');
      await call('setPaused', client, false);
      await received(client, 5);
    },
  },
  {
    name: 'connect of an accepted socket',
    server: takenPort,
    async run(context) {
      const { client } = await acceptOne(context);
      await context.call('connect', client, '127.0.0.1', context.port);
    },
  },
  {
    name: 'secure of an accepted socket',
    async run(context) {
      const { client } = await acceptOne(context);
      await context.call('secure', client);
      await context.call('getInfo', client);
    },
  },
  {
    name: 'disconnect of an accepted socket',
    async run(context) {
      const { client } = await acceptOne(context);
      const { call, report } = context;
      await call('disconnect', client);
      await report('ended');
      await call('getInfo', client);
      await call('send', client, context.bytes('x'));
    },
  },
  {
    name: 'accepted sockets outlive the disconnect of the server',
    async run(context) {
      const { id, client } = await acceptOne(context);
      await context.serve('disconnect', id);
      await context.call('setPaused', client, false);
      await context.ask('write', 'still here');
      await context.received(client, 10);
    },
  },
  {
    name: 'accepted sockets outlive the close of the server',
    async run(context) {
      const { id, client } = await acceptOne(context);
      await context.serve('close', id);
      await context.call('setPaused', client, false);
      await context.ask('write', 'still here');
      await context.received(client, 10);
    },
  },
  {
    name: 'two servers at the same time',
    async run({ openServer, ask, accepted }) {
      const one = await openServer();
      const other = await openServer();
      await ask('dial', other.port);
      await accepted(other.id);
      await ask('dial', one.port);
      await accepted(one.id);
    },
  },

  // A client and a server in the same app
  {
    name: 'connect to a server of the same app',
    async run({ openServer, create, tcp, tcpServer, runtime, log }) {
      const { id, port } = await openServer();
      const client = await create();
      const heard = [];
      const accept = new Promise((resolve) =>
        tcpServer.onAccept.addListener((info) => {
          heard.push(`accepted ${info.socketId === id}`);
          resolve();
        }),
      );
      const connected = new Promise((resolve) =>
        tcp.connect(client, '127.0.0.1', port, (code) => {
          heard.push(`connected ${code} ${runtime.lastError?.message}`);
          resolve();
        }),
      );
      await Promise.all([accept, connected]);
      log(heard.sort().join());
    },
  },
  {
    name: 'a client and a server of the same app talk',
    async run({ openServer, open, accepted, call, bytes, received }) {
      const { id, port } = await openServer();
      const client = await open({ port });
      const remote = await accepted(id);
      await call('setPaused', remote, false);
      await call('send', client, bytes('ping'));
      await received(remote, 4);
      await call('send', remote, bytes('pong'));
      await received(client, 4);
    },
  },
  {
    name: 'a client of a paused server is connected',
    async run({ createServer, serve, portOf, open, call, quiet }) {
      const id = await createServer();
      await serve('setPaused', id, true);
      await serve('listen', id, '127.0.0.1', 0);
      const client = await open({ port: await portOf(id) });
      await quiet();
      const { value } = await call('getInfo', client);
      void value;
    },
  },

  // Pausing
  {
    name: 'listen while paused',
    async run({ createServer, serve, portOf, ask, quiet }) {
      const id = await createServer();
      await serve('setPaused', id, true);
      await serve('listen', id, '127.0.0.1', 0);
      await serve('getInfo', id);
      await ask('dial', await portOf(id));
      await quiet();
    },
  },
  {
    name: 'resume after listen while paused',
    deviation: 'p',
    async run({ createServer, serve, portOf, ask, quiet }) {
      const id = await createServer();
      await serve('setPaused', id, true);
      await serve('listen', id, '127.0.0.1', 0);
      await ask('dial', await portOf(id));
      await serve('setPaused', id, false);
      await quiet(300);
    },
  },
  {
    name: 'pause while listening',
    async run({ openServer, serve, ask, quiet }) {
      const { id, port } = await openServer();
      await serve('setPaused', id, true);
      await serve('getInfo', id);
      await ask('dial', port);
      await quiet();
      await ask('dial', port);
      await quiet();
    },
  },
  {
    name: 'pause and resume while listening',
    async run({ openServer, serve, ask, accepted, quiet }) {
      const { id, port } = await openServer();
      await serve('setPaused', id, true);
      await serve('setPaused', id, false);
      await serve('getInfo', id);
      await ask('dial', port);
      await accepted(id);
      await ask('dial', port);
      await quiet(300);
    },
  },
  {
    name: 'pause, a connection, resume',
    deviation: 'p',
    async run({ openServer, serve, ask, quiet }) {
      const { id, port } = await openServer();
      await serve('setPaused', id, true);
      await ask('dial', port);
      await quiet();
      await serve('setPaused', id, false);
      await quiet(300);
      await ask('dial', port);
      await quiet(300);
    },
  },
  {
    name: 'setPaused(false) on a server that is not paused',
    async run({ openServer, serve, ask, accepted }) {
      const { id, port } = await openServer();
      await serve('setPaused', id, false);
      await ask('dial', port);
      await accepted(id);
    },
  },

  // Calls in the wrong state
  {
    name: 'listen twice',
    taints: true,
    async run({ openServer, serve }) {
      const { id } = await openServer();
      await serve('listen', id, '127.0.0.1', 0);
      await serve('getInfo', id);
    },
  },
  {
    name: 'a nonsensical listen on a socket that listens',
    taints: true,
    async run({ openServer, serve, ask, accepted }) {
      const { id, port } = await openServer();
      await serve('listen', id, 'nonsense', 0);
      await serve('getInfo', id);
      await ask('dial', port);
      await accepted(id);
    },
  },
  {
    name: 'a second listen that fails',
    taints: true,
    server: takenPort,
    async run({ openServer, serve, ask, log, port: taken }) {
      const { id, port } = await openServer();
      await serve('listen', id, '127.0.0.1', taken);
      await serve('getInfo', id);
      log(await ask('dial', port));
    },
  },
  {
    name: 'a second listen on the port of the first',
    taints: true,
    async run({ openServer, serve, acceptFailed, ask, log }) {
      const { id, port } = await openServer();
      await serve('listen', id, '127.0.0.1', port);
      await serve('getInfo', id);
      log(await ask('dial', port));
      await serve('listen', id, '127.0.0.1', port);
      await acceptFailed(id);
    },
  },
  {
    name: 'a second listen of a server that was paused',
    taints: true,
    async run({ openServer, serve, portOf, ask, quiet }) {
      const { id } = await openServer();
      await serve('setPaused', id, true);
      await serve('listen', id, '127.0.0.1', 0);
      await ask('dial', await portOf(id));
      await quiet();
      await serve('getInfo', id);
    },
  },
  {
    name: 'the first port after a second listen',
    deviation: 'q',
    taints: true,
    async run({ openServer, serve, acceptFailed, ask, log, quiet }) {
      const { id, port } = await openServer();
      await serve('listen', id, '127.0.0.1', 0);
      await acceptFailed(id);
      const result = await ask('dial', port);
      await quiet();
      log(result);
    },
  },
  {
    name: 'resume after a second listen',
    deviation: 'p',
    taints: true,
    async run({ openServer, serve, portOf, acceptFailed, ask, quiet }) {
      const { id } = await openServer();
      await serve('listen', id, '127.0.0.1', 0);
      await acceptFailed(id);
      await serve('setPaused', id, false);
      await ask('dial', await portOf(id));
      await quiet(300);
    },
  },
  {
    name: 'getInfo in the turn of listen',
    async run({ crowd, createServer, serve }) {
      const id = await createServer();
      crowd();
      await Promise.all([serve('listen', id, '127.0.0.1', 0), serve('getInfo', id)]);
    },
  },
  {
    name: 'a nonsensical listen and getInfo in one turn',
    async run({ createServer, serve }) {
      const id = await createServer();
      await Promise.all([serve('listen', id, 'nonsense', 0), serve('getInfo', id)]);
    },
  },
  {
    name: 'a backlog of 0 and getInfo in one turn',
    async run({ crowd, createServer, serve }) {
      const id = await createServer();
      crowd();
      await Promise.all([serve('listen', id, '127.0.0.1', 0, 0), serve('getInfo', id)]);
    },
  },
  {
    name: 'pause in the turn of listen',
    async run({ crowd, createServer, serve, portOf, ask, quiet }) {
      const id = await createServer();
      crowd();
      await Promise.all([serve('listen', id, '127.0.0.1', 0), serve('setPaused', id, true)]);
      await serve('getInfo', id);
      await ask('dial', await portOf(id));
      await quiet();
    },
  },
  {
    name: 'listen on two sockets in one turn',
    async run({ createServer, serve }) {
      const [one, other] = [await createServer(), await createServer()];
      await Promise.all([
        serve('listen', one, '127.0.0.1', 0),
        serve('listen', other, '127.0.0.1', 0),
      ]);
    },
  },
  {
    name: 'a listener of onAccept that closes the connection',
    async run({ openServer, ask, tcp, tcpServer, report, accepted }) {
      const { id, port } = await openServer();
      const hangUp = ({ clientSocketId }) => tcp.close(clientSocketId);
      tcpServer.onAccept.addListener(hangUp);
      await ask('dial', port);
      await report('ended');
      await ask('dial', port);
      await accepted(id, 2);
      tcpServer.onAccept.removeListener(hangUp);
    },
  },
  {
    name: 'disconnect with connections that wait',
    async run({ createServer, tcpServer, serve, portOf, ask, report }) {
      const id = await createServer();
      await new Promise((resolve) => tcpServer.setPaused(id, true, resolve));
      await serve('listen', id, '127.0.0.1', 0);
      await ask('dial', await portOf(id));
      await serve('disconnect', id);
      await report('ended');
    },
  },
  {
    name: 'close with connections that wait',
    async run({ createServer, tcpServer, serve, portOf, ask, report }) {
      const id = await createServer();
      await new Promise((resolve) => tcpServer.setPaused(id, true, resolve));
      await serve('listen', id, '127.0.0.1', 0);
      await ask('dial', await portOf(id));
      await serve('close', id);
      await report('ended');
    },
  },
  {
    name: 'paused survives disconnect',
    async run({ openServer, serve, ask, portOf, quiet }) {
      const { id } = await openServer();
      await serve('setPaused', id, true);
      await serve('disconnect', id);
      await serve('getInfo', id);
      await serve('listen', id, '127.0.0.1', 0);
      await ask('dial', await portOf(id));
      await quiet();
    },
  },
  {
    name: 'data of the peer before the application resumes',
    async run(context) {
      const { client } = await acceptOne(context);
      await context.ask('write', 'one');
      await context.ask('write', 'two');
      await context.call('send', client, context.bytes('x'));
      await context.call('setPaused', client, false);
      await context.received(client, 6);
    },
  },
  {
    name: 'setPaused(true) of an accepted socket that reads',
    async run(context) {
      const { client } = await acceptOne(context);
      const { call, ask, received, quiet } = context;
      await call('setPaused', client, false);
      await call('setPaused', client, true);
      await ask('write', 'one');
      await received(client, 3);
      await ask('write', 'two');
      await quiet();
      await call('setPaused', client, false);
      await received(client, 6);
    },
  },
  {
    name: 'close of an accepted socket that is paused',
    async run(context) {
      const { client } = await acceptOne(context);
      await context.call('close', client);
      await context.report('ended');
      await context.call('getInfo', client);
    },
  },
  {
    name: 'disconnect during listen',
    deviation: 'c',
    taints: true,
    async run({ createServer, serve }) {
      const id = await createServer();
      await Promise.all([serve('listen', id, '127.0.0.1', 0), serve('disconnect', id)]);
      await serve('getInfo', id);
    },
  },
  {
    name: 'close during listen',
    deviation: 'c',
    taints: true,
    async run({ createServer, serve }) {
      const id = await createServer();
      await Promise.all([serve('listen', id, '127.0.0.1', 0), serve('close', id)]);
      await serve('getInfo', id);
    },
  },

  // The shape of the namespace
  {
    name: 'the keys of the namespace and of its events',
    run({ tcpServer, log, show }) {
      log(show(Object.keys(tcpServer)));
      log(show(Reflect.ownKeys(tcpServer)));
      for (const name of ['onAccept', 'onAcceptError']) {
        log(name, show(Object.keys(tcpServer[name])), String(tcpServer[name]));
      }
      for (const key of Object.keys(tcpServer)) {
        const value = tcpServer[key];
        if (typeof value === 'function') log(key, value.length, 'prototype' in value, value.name);
      }
    },
  },
  {
    name: 'the keys of chrome.sockets',
    run({ log }) {
      const keys = Object.keys(globalThis.chrome.sockets);
      log(keys.filter((key) => key === 'tcp' || key === 'tcpServer').join());
    },
  },
  {
    name: 'listeners of onAccept that throw',
    deviation: 'f',
    async run({ openServer, ask, tcpServer, accepted, log }) {
      const { id, port } = await openServer();
      const bad = () => {
        throw new Error('bad listener');
      };
      const good = () => log('the other listener');
      tcpServer.onAccept.addListener(bad);
      tcpServer.onAccept.addListener(good);
      await ask('dial', port);
      await accepted(id);
      tcpServer.onAccept.removeListener(bad);
      tcpServer.onAccept.removeListener(good);
    },
  },
];
