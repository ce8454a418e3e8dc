const property = (name, given, changes = []) => ({
  name,
  parameters: { given, changes },
  async run({ call, create, parameters }) {
    const id = await create(parameters.given);
    await call('getInfo', id);
    for (const change of parameters.changes) {
      await call('update', id, change);
      await call('getInfo', id);
    }
  },
});

export default [
  property('the defaults', {}),
  property('all properties given', { name: 'n', persistent: true, bufferSize: 104 }, [
    { name: 'm', persistent: false, bufferSize: 2048 },
  ]),
  property('an update changes only what it names', { name: 'n', persistent: true, bufferSize: 1 }, [
    { name: 'm' },
    { bufferSize: 2 },
    { persistent: false },
    {},
    { name: null, bufferSize: null, persistent: null },
  ]),
  property('an empty name is no name', { name: '' }, [{ name: 'x' }, { name: '' }]),
  property('a bufferSize of zero or less is not shown', { bufferSize: 0 }, [
    { bufferSize: 1 },
    { bufferSize: -1 },
    { bufferSize: 2147483647 },
    { bufferSize: -2147483648 },
    { bufferSize: 0 },
  ]),
  property('names of every kind', { name: 'äöü € 😀' }, [
    { name: 'with\u0000nul' },
    { name: '\ud800 lone' },
    { name: 'lone \udc00' },
    { name: ' ' },
    { name: 'x'.repeat(1000) },
  ]),
  {
    name: 'ids are positive and grow by one',
    async run({ tcp, log, create }) {
      const first = await create();
      const second = await create();
      await new Promise((resolve) => tcp.close(second, resolve));
      const third = await create();
      log(first > 0, second - first, third - second);
    },
  },
  {
    name: 'getSockets lists open sockets only',
    async run({ tcp, log, create, show }) {
      const list = async () => {
        const sockets = await new Promise((resolve) => tcp.getSockets(resolve));
        sockets.sort((a, b) => a.socketId - b.socketId);
        log(show(sockets));
      };
      await list();
      const first = await create({ name: 'a' });
      const second = await create({ name: 'b', persistent: true, bufferSize: 3 });
      await list();
      await new Promise((resolve) => tcp.close(first, resolve));
      await list();
      await new Promise((resolve) => tcp.close(second, resolve));
      await list();
    },
  },
  {
    name: 'getSockets shows the same as getInfo',
    server: (peer) => peer.tcp(),
    async run({ call, open }) {
      const id = await open({ properties: { name: 'n', bufferSize: 5 }, paused: true });
      await call('getInfo', id);
      await call('getSockets');
    },
  },
  {
    name: 'getInfo of a connected socket',
    server: (peer) => peer.tcp(),
    async run({ call, open }) {
      const id = await open({ host: 'localhost' });
      await call('getInfo', id);
    },
  },
  {
    name: 'getInfo over IPv6',
    server: (peer) => peer.tcp({ host: '::1' }),
    async run({ call, open }) {
      const id = await open({ host: '::1' });
      await call('getInfo', id);
    },
  },
  {
    name: 'update of a connected socket',
    server: (peer) => peer.tcp(),
    async run({ call, open }) {
      const id = await open({ properties: { name: 'before' } });
      await call('update', id, { name: 'after', bufferSize: 9, persistent: true });
      await call('getInfo', id);
    },
  },
  {
    name: 'the local port is the one the peer sees',
    async server(peer) {
      let port;
      await peer.tcp({ connection: ({ socket }) => (port = socket.remotePort) });
      peer.on('seen', () => port);
    },
    async run({ tcp, log, open, ask }) {
      const id = await open();
      const { localPort } = await new Promise((resolve) => tcp.getInfo(id, resolve));
      await ask('connection');
      log(localPort === (await ask('seen')));
    },
  },
  {
    name: 'setKeepAlive and setNoDelay before, during and after a connection',
    server: (peer) => peer.tcp(),
    async run({ call, create, port }) {
      const id = await create();
      await call('setKeepAlive', id, true);
      await call('setNoDelay', id, true);
      await call('connect', id, '127.0.0.1', port);
      await call('setKeepAlive', id, true);
      await call('setKeepAlive', id, true, 10);
      await call('setKeepAlive', id, false);
      await call('setKeepAlive', id, false, 10);
      await call('setNoDelay', id, true);
      await call('setNoDelay', id, false);
      await call('disconnect', id);
      await call('setKeepAlive', id, true);
      await call('setNoDelay', id, true);
    },
  },
  {
    name: 'setKeepAlive delays at the edges',
    server: (peer) => peer.tcp(),
    async run({ call, open }) {
      const id = await open();
      for (const delay of [0, 1, 32767, 32768, -1, 2147483647, -2147483648]) {
        await call('setKeepAlive', id, true, delay);
      }
      await call('setKeepAlive', id, false, -1);
      await call('setKeepAlive', id, false, 32768);
    },
  },
  {
    name: 'setKeepAlive and setNoDelay on an unknown id',
    async run({ call }) {
      await call('setKeepAlive', 2147483647, true, 10);
      await call('setNoDelay', 2147483647, true);
    },
  },
  {
    name: 'setKeepAlive and setNoDelay after the peer has closed',
    server: (peer) => peer.tcp(),
    async run({ call, open, ask, failed }) {
      const id = await open();
      await ask('end');
      await failed(id);
      await call('setKeepAlive', id, true);
      await call('setNoDelay', id, true);
    },
  },
  {
    name: 'setPaused with the value it has',
    async run({ call, create }) {
      const id = await create();
      await call('setPaused', id, false);
      await call('getInfo', id);
      await call('setPaused', id, true);
      await call('setPaused', id, true);
      await call('getInfo', id);
    },
  },
  {
    name: 'what getInfo shows inside callbacks and listeners',
    server: (peer) => peer.tcp(),
    async run({ tcp, create, call, port, ask, failed, until }) {
      const id = await create();
      const infos = [];
      await new Promise((resolve) =>
        tcp.connect(id, '127.0.0.1', port, () => {
          infos.push(call('getInfo', id));
          resolve();
        }),
      );
      const listener = () => infos.push(call('getInfo', id));
      tcp.onReceiveError.addListener(listener);
      await ask('end');
      await failed(id);
      tcp.onReceiveError.removeListener(listener);
      await until(() => infos.length === 2, 'both calls');
      await Promise.all(infos);
      await new Promise((resolve) =>
        tcp.close(id, () => {
          infos.push(call('getInfo', id));
          resolve();
        }),
      );
      await Promise.all(infos);
    },
  },
];
