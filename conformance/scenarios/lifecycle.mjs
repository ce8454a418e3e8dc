export default [
  {
    name: 'connect refused',
    server: (peer) => peer.nobody(),
    async run({ call, create, port }) {
      const id = await create();
      await call('connect', id, '127.0.0.1', port);
      await call('getInfo', id);
    },
  },
  {
    name: 'connect after a refused connect',
    async server(peer) {
      await peer.tcp();
      await peer.nobody('closed');
    },
    async run({ call, create, port, ports }) {
      const id = await create();
      await call('connect', id, '127.0.0.1', ports.closed);
      await call('connect', id, '127.0.0.1', port);
      await call('getInfo', id);
    },
  },
  ...[['setNoDelay', true], ['setKeepAlive', true, 10], ['secure']].map(([method, ...args]) => ({
    name: `${method} on a socket that was refused before it was connected`,
    deviation: 'h',
    parameters: { method, args },
    async server(peer) {
      await peer.tls();
      await peer.nobody('closed');
    },
    async run({ call, create, port, ports, parameters }) {
      const id = await create();
      await call('setPaused', id, true);
      await call('connect', id, 'localhost', ports.closed);
      await call('connect', id, 'localhost', port);
      await call(parameters.method, id, ...parameters.args);
      await call('getInfo', id);
    },
  })),
  {
    name: 'connect on a connected socket',
    async server(peer) {
      await peer.tcp();
      await peer.tcp({ name: 'other' });
    },
    async run({ call, open, port, ports, quiet, report }) {
      const id = await open();
      await call('connect', id, '127.0.0.1', port);
      await call('connect', id, '127.0.0.1', ports.other);
      await call('getInfo', id);
      await quiet();
      await report('connections');
    },
  },
  {
    name: 'two connects at once: one succeeds, the other comes too late in one way or another',
    server: (peer) => peer.tcp(),
    async run({ tcp, runtime, call, create, port, log, quiet, report }) {
      const id = await create();
      const codes = await Promise.all(
        ['first', 'second'].map(
          () =>
            new Promise((resolve) =>
              tcp.connect(id, '127.0.0.1', port, (code) => {
                void runtime.lastError;
                resolve(code);
              }),
            ),
        ),
      );
      log(codes[0], codes[1] === -23 || codes[1] === -104);
      await call('getInfo', id);
      await quiet();
      await report('connections');
    },
  },
  {
    name: 'connect, then close at once, before the connection is even tried',
    server: (peer) => peer.tcp(),
    async run({ call, create, port, quiet, crowd }) {
      const id = await create();
      crowd();
      await Promise.all([call('connect', id, '127.0.0.1', port), call('close', id)]);
      await quiet();
    },
  },
  {
    name: 'connect to a name, then close at once, while the name is looked up',
    async run({ call, create, quiet, crowd }) {
      const id = await create();
      crowd();
      await Promise.all([call('connect', id, 'does-not-exist.invalid', 9), call('close', id)]);
      await quiet();
    },
  },
  {
    name: 'connect, then disconnect at once',
    server: (peer) => peer.tcp(),
    async run({ call, create, port, quiet, crowd }) {
      const id = await create();
      crowd();
      await Promise.all([call('connect', id, '127.0.0.1', port), call('disconnect', id)]);
      await call('getInfo', id);
      await quiet();
    },
  },
  {
    name: 'send right after connect, before it is connected',
    server: (peer) => peer.tcp(),
    async run({ call, create, port, bytes, quiet, report, crowd }) {
      const id = await create();
      crowd();
      await Promise.all([
        call('connect', id, '127.0.0.1', port),
        call('send', id, bytes('too early')),
      ]);
      await quiet();
      await report('total');
    },
  },
  {
    name: 'setPaused right after connect',
    server: (peer) => peer.tcp({ connection: ({ socket }) => socket.write('greeting') }),
    async run({ call, create, port, quiet, received, crowd }) {
      const id = await create();
      crowd();
      await Promise.all([call('connect', id, '127.0.0.1', port), call('setPaused', id, true)]);
      await quiet();
      await call('setPaused', id, false);
      await received(id, 8);
    },
  },
  {
    name: 'secure right after connect, before it is connected',
    server: (peer) => peer.tcp(),
    async run({ call, create, port, crowd }) {
      const id = await create();
      crowd();
      await Promise.all([call('connect', id, '127.0.0.1', port), call('secure', id)]);
      await call('getInfo', id);
    },
  },
  {
    name: 'disconnect of a socket that never connected, twice',
    async run({ call, create }) {
      const id = await create();
      await call('disconnect', id);
      await call('disconnect', id);
      await call('getInfo', id);
    },
  },
  {
    name: 'disconnect of a paused connection: no error event',
    server: (peer) => peer.tcp(),
    async run({ call, open, quiet, report }) {
      const id = await open({ paused: true });
      await call('disconnect', id);
      await quiet();
      await call('getInfo', id);
      await report('ended');
    },
  },
  {
    name: 'disconnect of a connection paused after connect: the read in flight ends',
    server: (peer) => peer.tcp(),
    async run({ call, open, failed, quiet }) {
      const id = await open();
      await call('setPaused', id, true);
      await call('disconnect', id);
      await failed(id);
      await quiet();
      await call('getInfo', id);
    },
  },
  {
    name: 'disconnect of an unpaused connection leaves the socket paused',
    server: (peer) => peer.tcp(),
    async run({ call, open, failed, report }) {
      const id = await open();
      await call('disconnect', id);
      await failed(id);
      await call('getInfo', id);
      await report('ended');
    },
  },
  {
    name: 'close of a paused connection: no error event',
    server: (peer) => peer.tcp(),
    async run({ call, open, quiet, report }) {
      const id = await open({ paused: true });
      await call('close', id);
      await quiet();
      await report('ended');
    },
  },
  {
    name: 'close of a connection paused after connect: the read in flight ends',
    server: (peer) => peer.tcp(),
    async run({ call, open, failed, quiet }) {
      const id = await open();
      await call('setPaused', id, true);
      await call('close', id);
      await failed(id);
      await quiet();
    },
  },
  {
    name: 'close of an unconnected socket, twice',
    async run({ call, create }) {
      const id = await create();
      await call('close', id);
      await call('close', id);
    },
  },
  {
    name: 'every method on a closed id',
    async run({ call, create, bytes }) {
      const id = await create();
      await call('close', id);
      await call('update', id, {});
      await call('setPaused', id, true);
      await call('setKeepAlive', id, true);
      await call('setNoDelay', id, true);
      await call('connect', id, 'localhost', 1);
      await call('disconnect', id);
      await call('secure', id);
      await call('send', id, bytes('x'));
      await call('getInfo', id);
      await call('close', id);
    },
  },
  {
    name: 'reconnecting: nothing is received until the socket is unpaused',
    server: (peer) => peer.echo(),
    async run({ call, open, port, bytes, failed, received, quiet, ask }) {
      const id = await open();
      await call('disconnect', id);
      await failed(id);
      await call('connect', id, '127.0.0.1', port);
      await ask('connection', 2);
      await call('send', id, bytes('again'));
      await quiet();
      await call('getInfo', id);
      await call('setPaused', id, false);
      await received(id, 5);
    },
  },
  {
    name: 'reconnecting after a disconnect while paused',
    server: (peer) => peer.echo(),
    async run({ call, open, port, bytes, received, ask }) {
      const id = await open({ paused: true });
      await call('disconnect', id);
      await call('setPaused', id, false);
      await call('connect', id, '127.0.0.1', port);
      await ask('connection', 2);
      await call('send', id, bytes('again'));
      await received(id, 5);
    },
  },
  {
    name: 'reconnecting after the peer closed',
    server: (peer) => peer.tcp(),
    async run({ call, open, port, failed, received, quiet, ask }) {
      const id = await open();
      await ask('end');
      await failed(id);
      await call('connect', id, '127.0.0.1', port);
      await ask('connection', 2);
      await ask('write', 'second');
      await quiet();
      await call('setPaused', id, false);
      await received(id, 6);
      await call('getInfo', id);
    },
  },
  {
    name: 'disconnect and connect in one turn',
    server: (peer) => peer.tcp(),
    async run({ call, open, port, quiet, ask }) {
      const id = await open({ paused: true });
      await Promise.all([call('disconnect', id), call('connect', id, '127.0.0.1', port)]);
      await ask('connection', 2);
      await call('getInfo', id);
      await quiet();
    },
  },
  {
    name: 'reconnecting again and again',
    server: (peer) => peer.echo(),
    async run({ call, create, port, bytes, received, failed, ask }) {
      const id = await create();
      for (let round = 1; round <= 5; round += 1) {
        await call('connect', id, '127.0.0.1', port);
        await call('setPaused', id, false);
        await ask('connection', round);
        await call('send', id, bytes('hello'));
        await received(id, 5 * round);
        await call('disconnect', id);
        await failed(id, round);
      }
    },
  },
  {
    name: 'send, then close at once',
    server: (peer) => peer.tcp(),
    async run({ call, open, bytes, report }) {
      const id = await open({ paused: true });
      await Promise.all([call('send', id, bytes('last words')), call('close', id)]);
      await report('received', 10);
      await report('ended');
    },
  },
  {
    name: 'send, then disconnect at once',
    server: (peer) => peer.tcp(),
    async run({ call, open, bytes, report }) {
      const id = await open({ paused: true });
      await Promise.all([call('send', id, bytes('last words')), call('disconnect', id)]);
      await report('received', 10);
      await report('ended');
    },
  },
  {
    name: 'close inside onReceive',
    server: (peer) => peer.tcp(),
    async run({ tcp, open, call, ask, quiet, until }) {
      const id = await open({ properties: { bufferSize: 4 } });
      let closed;
      const listener = () => {
        closed ??= call('close', id);
      };
      tcp.onReceive.addListener(listener);
      await ask('write', 'abc');
      await until(() => closed !== undefined, 'the event');
      await closed;
      await quiet();
      tcp.onReceive.removeListener(listener);
    },
  },
  {
    name: 'disconnect inside onReceive',
    server: (peer) => peer.tcp(),
    async run({ tcp, open, call, ask, quiet, until }) {
      const id = await open();
      let gone;
      const listener = () => {
        gone ??= call('disconnect', id);
      };
      tcp.onReceive.addListener(listener);
      await ask('write', 'abc');
      await until(() => gone !== undefined, 'the event');
      await gone;
      await quiet();
      tcp.onReceive.removeListener(listener);
      await call('getInfo', id);
    },
  },
  {
    name: 'close inside onReceiveError',
    server: (peer) => peer.tcp(),
    async run({ tcp, open, call, ask, quiet, until }) {
      const id = await open();
      let closed;
      const listener = () => {
        closed ??= call('close', id);
      };
      tcp.onReceiveError.addListener(listener);
      await ask('end');
      await until(() => closed !== undefined, 'the event');
      await closed;
      await quiet();
      tcp.onReceiveError.removeListener(listener);
    },
  },
  {
    name: 'close inside the callback of connect',
    server: (peer) => peer.tcp(),
    async run({ tcp, create, call, port, quiet }) {
      const id = await create();
      await new Promise((resolve) =>
        tcp.connect(id, '127.0.0.1', port, () => resolve(call('close', id))),
      );
      await quiet();
    },
  },
  {
    name: 'a connect that is cancelled by close while it is under way',
    deviation: 'c',
    server: (peer) => peer.unresponsive(),
    async run({ call, create, quiet, port }) {
      const id = await create();
      void call('connect', id, '127.0.0.1', port);
      await quiet(150);
      await call('close', id);
      await quiet();
    },
  },
  {
    name: 'a connect that is cancelled by disconnect while it is under way',
    deviation: 'c',
    server: (peer) => peer.unresponsive(),
    async run({ call, create, quiet, port }) {
      const id = await create();
      void call('connect', id, '127.0.0.1', port);
      await quiet(150);
      await call('disconnect', id);
      await quiet();
      await call('getInfo', id);
    },
  },
  {
    name: 'a second connect while the first is under way',
    deviation: 'c',
    server: (peer) => peer.unresponsive(),
    async run({ call, create, quiet, port }) {
      const id = await create();
      void call('connect', id, '127.0.0.1', port);
      await quiet(150);
      await call('connect', id, '127.0.0.1', 9);
      await call('getInfo', id);
      await call('close', id);
      await quiet(50);
    },
  },
  {
    name: 'connect after a disconnect that cancelled a connect',
    deviation: 'c',
    async server(peer) {
      await peer.echo();
      await peer.unresponsive('deaf');
    },
    async run({ call, create, quiet, port, ports, bytes, received }) {
      const id = await create();
      void call('connect', id, '127.0.0.1', ports.deaf);
      await quiet(150);
      await call('disconnect', id);
      await call('connect', id, '127.0.0.1', port);
      await call('send', id, bytes('hello'));
      await received(id, 5);
    },
  },
  {
    name: 'ten sockets at once',
    server: (peer) => peer.echo(),
    async run({ open, tcp, log, bytes, stateOf, received }) {
      const ids = await Promise.all(Array.from({ length: 10 }, () => open()));
      log(new Set(ids).size);
      for (const [index, id] of ids.entries()) {
        await new Promise((resolve) => tcp.send(id, bytes('x'.repeat(index + 1)), resolve));
        await received(id, index + 1);
      }
      log(ids.map((id) => stateOf(id).received).join());
    },
  },
];
