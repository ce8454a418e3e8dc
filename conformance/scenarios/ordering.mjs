/** Calls made in one turn: in which order their callbacks come. */
const UNKNOWN = 2147483647;

export default [
  {
    name: 'immediate results come in call order',
    async run({ call, create }) {
      const id = await create();
      await Promise.all([
        call('getInfo', id),
        call('update', id, { name: 'n' }),
        call('getInfo', id),
        call('setPaused', id, true),
        call('getSockets'),
        call('disconnect', id),
        call('create', {}),
        call('close', id),
        call('getInfo', id),
        call('close', id),
      ]);
    },
  },
  {
    name: 'failures that need no network come in call order with the rest',
    async run({ call, create, bytes }) {
      const id = await create();
      await Promise.all([
        call('connect', UNKNOWN, 'h', 1),
        call('getInfo', id),
        call('setKeepAlive', id, true),
        call('secure', UNKNOWN),
        call('setNoDelay', UNKNOWN, true),
        call('update', UNKNOWN, {}),
        call('secure', id),
        call('send', UNKNOWN, bytes('x')),
        call('getInfo', id),
      ]);
    },
  },
  {
    name: 'a send on an unconnected socket among other calls',
    async run({ call, create, bytes }) {
      const id = await create();
      await Promise.all([
        call('getInfo', id),
        call('send', id, bytes('x')),
        call('getInfo', id),
        call('update', id, {}),
      ]);
    },
  },
  {
    name: 'sends among calls with immediate results: each kind keeps its own order',
    server: (peer) => peer.tcp(),
    async run({ tcp, log, open, bytes }) {
      const id = await open();
      const sends = [];
      const others = [];
      await Promise.all(
        [1, 2, 3, 4, 5].flatMap((number) => [
          new Promise((resolve) => tcp.send(id, bytes('x'), () => resolve(sends.push(number)))),
          new Promise((resolve) => tcp.getInfo(id, () => resolve(others.push(number)))),
        ]),
      );
      log('sends', sends.join());
      log('others', others.join());
    },
  },
  {
    name: 'setNoDelay and then setKeepAlive',
    server: (peer) => peer.tcp(),
    async run({ call, open }) {
      const id = await open();
      await Promise.all([call('setNoDelay', id, true), call('setKeepAlive', id, true)]);
    },
  },
  {
    name: 'sends on two sockets',
    server: (peer) => peer.tcp(),
    async run({ call, open, bytes }) {
      const first = await open();
      const second = await open();
      await Promise.all([
        call('send', first, bytes('a')),
        call('send', second, bytes('b')),
        call('send', first, bytes('c')),
        call('send', second, bytes('d')),
      ]);
    },
  },
  {
    name: 'callbacks of sends come in call order, also for sizes that differ',
    server: (peer) => peer.tcp(),
    async run({ call, open, pattern, ask, bytes }) {
      const id = await open();
      await Promise.all([
        call('send', id, pattern(1_000_000)),
        call('send', id, bytes('x')),
        call('send', id, pattern(100_000)),
      ]);
      await ask('received', 1_100_001);
    },
  },
  {
    name: 'a send calls back before its reply arrives',
    server: (peer) => peer.echo(),
    async run({ call, open, bytes, received }) {
      const id = await open();
      for (let round = 1; round <= 5; round += 1) {
        const sent = call('send', id, bytes('ping'));
        await received(id, 4 * round);
        await sent;
      }
    },
  },
  {
    name: 'connect calls back before data that waited already',
    server: (peer) => peer.tcp({ connection: ({ socket }) => socket.write('greeting') }),
    async run({ call, create, port, received }) {
      const id = await create();
      const connected = call('connect', id, '127.0.0.1', port);
      await received(id, 8);
      await connected;
    },
  },
  {
    name: 'data first, then the error',
    server: (peer) => peer.tcp(),
    async run({ open, ask, failed }) {
      const id = await open();
      await ask('writeAndEnd', 'last words');
      await failed(id);
    },
  },
  {
    name: 'disconnect calls back before its onReceiveError',
    server: (peer) => peer.tcp(),
    async run({ open, call, failed, quiet }) {
      const id = await open();
      await Promise.all([call('disconnect', id), failed(id)]);
      await quiet();
    },
  },
  {
    name: 'close calls back before its onReceiveError',
    server: (peer) => peer.tcp(),
    async run({ open, call, failed, quiet }) {
      const id = await open();
      await Promise.all([call('close', id), failed(id)]);
      await quiet();
    },
  },
  {
    name: 'close and then calls on the closed id, in one turn',
    events: false,
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes }) {
      const id = await open();
      await Promise.all([
        call('close', id),
        call('getInfo', id),
        call('send', id, bytes('x')),
        call('connect', id, '127.0.0.1', 1),
        call('secure', id),
        call('setPaused', id, true),
        call('getSockets'),
      ]);
    },
  },
  {
    name: 'disconnect and then other calls, in one turn',
    events: false,
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, quiet }) {
      const id = await open();
      await Promise.all([
        call('disconnect', id),
        call('getInfo', id),
        call('send', id, bytes('x')),
        call('disconnect', id),
        call('secure', id),
      ]);
      await call('getInfo', id);
      await quiet();
    },
  },
  {
    name: 'two closes in one turn: callbacks in order, errors in order, each after its callback',
    events: false,
    server: (peer) => peer.tcp(),
    async run({ tcp, log, open }) {
      const sockets = [await open(), await open()];
      const order = [];
      const listener = ({ socketId }) => order.push(`error ${sockets.indexOf(socketId)}`);
      tcp.onReceiveError.addListener(listener);
      for (const [index, id] of sockets.entries()) {
        tcp.close(id, () => order.push(`callback ${index}`));
      }
      const deadline = Date.now() + 3000;
      while (order.length < 4 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      tcp.onReceiveError.removeListener(listener);
      log(order.filter((item) => item.startsWith('callback')).join());
      log(order.filter((item) => item.startsWith('error')).join());
      log(order.indexOf('error 0') > order.indexOf('callback 0'));
      log(order.indexOf('error 1') > order.indexOf('callback 1'));
    },
  },
  {
    name: 'microtasks run between two callbacks',
    async run({ tcp, log, create }) {
      const id = await create();
      await new Promise((resolve) => {
        tcp.getInfo(id, () => {
          log('first callback');
          void Promise.resolve()
            .then(() => log('microtask 1'))
            .then(() => log('microtask 2'))
            .then(() => log('microtask 3'));
        });
        tcp.getInfo(id, () => {
          log('second callback');
          resolve();
        });
      });
    },
  },
  {
    name: 'microtasks run between two events',
    server: (peer) => peer.tcp(),
    events: false,
    async run({ tcp, log, open, ask, until, text }) {
      let events = 0;
      const listener = ({ data }) => {
        events += 1;
        log('event', text(data));
        void Promise.resolve()
          .then(() => log('microtask 1'))
          .then(() => log('microtask 2'));
      };
      tcp.onReceive.addListener(listener);
      await open({ properties: { bufferSize: 1 } });
      await ask('write', 'ab');
      await until(() => events === 2, 'both events');
      tcp.onReceive.removeListener(listener);
    },
  },
  {
    name: 'microtasks between the listeners of one event',
    events: false,
    server: (peer) => peer.tcp(),
    async run({ tcp, log, open, ask, until }) {
      let done = false;
      const first = () => {
        log('first listener');
        void Promise.resolve().then(() => log('microtask of the first'));
      };
      const second = () => {
        log('second listener');
        done = true;
      };
      tcp.onReceive.addListener(first);
      tcp.onReceive.addListener(second);
      await open();
      await ask('write', 'x');
      await until(() => done, 'the event');
      tcp.onReceive.removeListener(first);
      tcp.onReceive.removeListener(second);
    },
  },
  {
    name: 'a promise and a callback: which reaction comes first',
    async run({ tcp, log, create }) {
      const id = await create();
      await new Promise((resolve) => {
        void tcp.getInfo(id).then(() => log('promise reaction'));
        tcp.getInfo(id, () => {
          log('callback');
          resolve();
        });
      });
    },
  },
  {
    name: 'calls made in a callback come after those already made',
    async run({ tcp, log, create }) {
      const id = await create();
      await new Promise((resolve) => {
        tcp.getInfo(id, () => {
          log('first');
          tcp.getInfo(id, () => {
            log('nested');
            resolve();
          });
        });
        tcp.getInfo(id, () => log('second'));
      });
    },
  },
  {
    name: 'five hundred calls in one turn',
    async run({ tcp, log, create }) {
      const id = await create();
      const order = [];
      await new Promise((resolve) => {
        for (let index = 0; index < 500; index += 1) {
          tcp.getInfo(id, () => {
            order.push(index);
            if (order.length === 500) resolve();
          });
        }
      });
      log(order.every((value, index) => value === index));
    },
  },
  ...[['getInfo'], ['setPaused', false], ['setNoDelay', true], ['connect', '127.0.0.1', 9]].map(
    ([method, ...args]) => ({
      name: `setNoDelay on a connected socket, then ${method}, in one turn`,
      parameters: { method, args },
      server: (peer) => peer.tcp(),
      async run({ open, call, crowd, parameters }) {
        const id = await open();
        crowd();
        await Promise.all([
          call('setNoDelay', id, true),
          call(parameters.method, id, ...parameters.args),
        ]);
      },
    }),
  ),
  {
    name: 'options of connected and unconnected sockets, between other calls of one turn',
    server: (peer) => peer.tcp(),
    async run({ open, create, call, crowd }) {
      const id = await open();
      const other = await create();
      crowd();
      await Promise.all([
        call('getInfo', id),
        call('setKeepAlive', id, true, -1),
        call('getInfo', id),
        call('setNoDelay', other, true),
        call('setNoDelay', -1, true),
        call('setNoDelay', id, true),
        call('create', {}),
        call('close', other),
      ]);
    },
  },
];
