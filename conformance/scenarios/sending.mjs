export default [
  {
    name: 'one send arrives',
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, report }) {
      const id = await open();
      await call('send', id, bytes('hello'));
      await report('received', 5);
    },
  },
  {
    name: 'an empty send',
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, report, quiet }) {
      const id = await open();
      await call('send', id, bytes(''));
      await quiet(50);
      await report('total');
    },
  },
  {
    name: 'empty sends between others, one after the other',
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, report }) {
      const id = await open();
      await call('send', id, bytes('a'));
      await call('send', id, bytes(''));
      await call('send', id, bytes('b'));
      await call('send', id, bytes(''));
      await report('received', 2);
    },
  },
  {
    name: 'an empty send on an unconnected socket',
    async run({ create, call, bytes }) {
      const id = await create();
      await call('send', id, bytes(''));
      await call('send', id, bytes('x'));
    },
  },
  {
    name: 'views send exactly their window',
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, report }) {
      const id = await open();
      const buffer = bytes('0123456789abcdef');
      await call('send', id, new Uint8Array(buffer, 2, 3));
      await call('send', id, new DataView(buffer, 10, 2));
      await call('send', id, new Uint16Array(buffer, 4, 2));
      await call('send', id, new Float64Array(buffer, 8, 1));
      await call('send', id, new Uint8ClampedArray(buffer, 15));
      await call('send', id, new BigInt64Array(buffer, 0, 0));
      await report('received', 18);
    },
  },
  {
    name: 'the bytes are taken during the call',
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, report }) {
      const id = await open();
      const buffer = bytes('before');
      const sent = call('send', id, buffer);
      new Uint8Array(buffer).fill(120);
      await sent;
      await report('received', 6);
    },
  },
  {
    name: 'a buffer detached after the call, and one detached before it',
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, report }) {
      const id = await open();
      const buffer = bytes('taken');
      const sent = call('send', id, buffer);
      structuredClone(buffer, { transfer: [buffer] });
      await sent;
      await call('send', id, buffer);
      await report('received', 5);
    },
  },
  {
    name: 'a view over shared memory',
    server: (peer) => peer.tcp(),
    async run({ open, tcp, log, show, report }) {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      const view = new Uint8Array(memory.buffer, 8, 4);
      view.set([115, 104, 97, 114]);
      const id = await open();
      log(show(await new Promise((resolve) => tcp.send(id, view, resolve))));
      await report('received', 4);
    },
  },
  {
    name: 'a view over a resizable buffer',
    needs: 'resize',
    server: (peer) => peer.tcp(),
    async run({ open, tcp, log, show, report }) {
      const buffer = new ArrayBuffer(4, { maxByteLength: 8 });
      const view = new Uint8Array(buffer);
      buffer.resize(6);
      view.set([114, 101, 115, 105, 122, 101]);
      const id = await open();
      log(show(await new Promise((resolve) => tcp.send(id, view, resolve))));
      await report('received', 6);
    },
  },
  {
    name: 'order is kept over many sends',
    server: (peer) => peer.tcp(),
    async run({ open, tcp, log, bytes, report }) {
      const id = await open();
      const order = [];
      await Promise.all(
        Array.from(
          { length: 100 },
          (_, index) =>
            new Promise((resolve) =>
              tcp.send(id, bytes(`${index};`), () => resolve(order.push(index))),
            ),
        ),
      );
      log(order.join());
      await report('received', 290);
    },
  },
  {
    name: 'every byte value arrives and comes back',
    server: (peer) => peer.echo(),
    async run({ open, call, pattern, received, report }) {
      const id = await open();
      await call('send', id, pattern(251));
      await received(id, 251);
      await report('receivedPattern', 251);
    },
  },
  {
    name: 'sixteen megabytes to a slow reader',
    server: (peer) => peer.tcp({ hold: true }),
    async run({ open, tcp, log, show, pattern, quiet, ask, report }) {
      const id = await open();
      let done = false;
      const sent = new Promise((resolve) =>
        tcp.send(id, pattern(16_000_000), (info) => {
          done = true;
          resolve(info);
        }),
      );
      await quiet();
      log('done before the peer reads:', done);
      await ask('resume');
      log(show(await sent));
      await report('receivedPattern', 16_000_000);
    },
  },
  {
    name: 'send after the peer has closed while paused: it still succeeds',
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, ask, quiet, report }) {
      const id = await open({ paused: true });
      await ask('end');
      await quiet(50);
      await call('send', id, bytes('hello'));
      await report('received', 5);
      await call('getInfo', id);
    },
  },
  {
    name: 'sends to a paused connection that the peer has reset fail in the end',
    server: (peer) => peer.tcp(),
    async run({ open, tcp, runtime, log, call, bytes, ask, quiet }) {
      const id = await open({ paused: true });
      await ask('reset');
      await quiet(50);
      let code = 0;
      for (let tries = 0; code === 0 && tries < 20; tries += 1) {
        const info = await new Promise((resolve) => {
          tcp.send(id, bytes('x'), (result) => {
            if (runtime.lastError) log(runtime.lastError.message);
            resolve(result);
          });
        });
        code = info.resultCode;
        await quiet(20);
      }
      log(code);
      await call('getInfo', id);
      await call('send', id, bytes('x'));
    },
  },
  {
    name: 'sends to an unpaused connection that fail as the peer resets',
    server: (peer) => peer.tcp(),
    async run({ open, call, ask, failed, bytes }) {
      const id = await open();
      await ask('reset');
      await failed(id);
      await Promise.all([call('send', id, bytes('a')), call('send', id, bytes('b'))]);
    },
  },
  {
    name: 'the write quota: one call over 200 MiB',
    async run({ create, tcp, runtime, log }) {
      const id = await create();
      await new Promise((resolve) =>
        tcp.send(id, new ArrayBuffer(209_715_201), (...args) => {
          log(args.length, runtime.lastError?.message);
          resolve();
        }),
      );
    },
  },
  {
    name: 'the write quota outranks an unknown id',
    async run({ tcp, runtime, log }) {
      await new Promise((resolve) =>
        tcp.send(2147483647, new ArrayBuffer(209_715_201), (...args) => {
          log(args.length, runtime.lastError?.message);
          resolve();
        }),
      );
    },
  },
  {
    name: 'a send waiting at disconnect does not block sends after a reconnect',
    deviation: 'd',
    async server(peer) {
      await peer.tcp({ hold: true });
      await peer.tcp({ name: 'other' });
    },
    async run({ open, call, pattern, quiet, ports, bytes, report }) {
      const id = await open({ paused: true });
      void call('send', id, pattern(30_000_000));
      void call('send', id, bytes('queued'));
      await quiet();
      await call('disconnect', id);
      await call('connect', id, '127.0.0.1', ports.other);
      await call('send', id, bytes('after'));
      await report('received', 5);
    },
  },
  {
    name: 'sends waiting at close',
    deviation: 'c',
    server: (peer) => peer.tcp({ hold: true }),
    async run({ open, call, pattern, quiet, bytes }) {
      const id = await open({ paused: true });
      void call('send', id, pattern(30_000_000));
      void call('send', id, bytes('queued'));
      await quiet();
      await call('close', id);
      await quiet(50);
    },
  },
  {
    name: 'sends waiting at close of an unpaused socket: callbacks, then the error',
    deviation: 'c',
    server: (peer) => peer.tcp({ hold: true }),
    async run({ open, call, pattern, quiet, bytes, failed }) {
      const id = await open();
      void call('send', id, pattern(30_000_000));
      void call('send', id, bytes('queued'));
      await quiet();
      await call('close', id);
      await failed(id);
    },
  },
  {
    name: 'sends waiting at disconnect of an unpaused socket: callbacks, then the error',
    deviation: 'c',
    server: (peer) => peer.tcp({ hold: true }),
    async run({ open, call, pattern, quiet, bytes, failed }) {
      const id = await open();
      void call('send', id, pattern(30_000_000));
      void call('send', id, bytes('queued'));
      await quiet();
      await call('disconnect', id);
      await failed(id);
      await call('send', id, bytes('later'));
    },
  },
  {
    name: 'sends waiting on a paused socket when the peer resets',
    server: (peer) => peer.tcp({ hold: true }),
    async run({ open, call, pattern, quiet, bytes, ask }) {
      const id = await open({ paused: true });
      const first = call('send', id, pattern(30_000_000));
      const second = call('send', id, bytes('queued'));
      await quiet();
      await ask('reset');
      await Promise.all([first, second]);
      await call('getInfo', id);
    },
  },
  {
    name: 'sends waiting when the peer closes an unpaused connection',
    deviation: 'c',
    server: (peer) => peer.tcp({ hold: true }),
    async run({ open, call, pattern, quiet, bytes, failed, ask }) {
      const id = await open();
      void call('send', id, pattern(30_000_000));
      void call('send', id, bytes('queued'));
      await quiet();
      await ask('end');
      await failed(id);
      await call('getInfo', id);
    },
  },
  {
    name: 'sends waiting when the peer resets an unpaused connection',
    deviation: 'c',
    server: (peer) => peer.tcp({ hold: true }),
    async run({ open, call, pattern, quiet, bytes, failed, ask }) {
      const id = await open();
      void call('send', id, pattern(30_000_000));
      void call('send', id, bytes('queued'));
      await quiet();
      await ask('reset');
      await failed(id);
      await call('getInfo', id);
    },
  },
  {
    name: 'secure while a send is waiting destroys the socket',
    deviation: 'c',
    server: (peer) => peer.tcp({ hold: true }),
    async run({ open, call, pattern, quiet }) {
      const id = await open({ paused: true });
      void call('send', id, pattern(30_000_000));
      await quiet();
      await call('secure', id);
      await call('getInfo', id);
    },
  },
  {
    name: 'the write quota: exactly 200 MiB is not too much',
    async run({ create, tcp, runtime, log, show }) {
      const id = await create();
      await new Promise((resolve) =>
        tcp.send(id, new ArrayBuffer(209_715_200), (...args) => {
          log(show(args), runtime.lastError?.message);
          resolve();
        }),
      );
    },
  },
  {
    name: 'the write quota counts what waits on all sockets',
    server: (peer) => peer.tcp({ hold: true }),
    async run({ open, create, tcp, runtime, log, show, quiet, ask }) {
      const attempt = (label, id, length) =>
        new Promise((resolve) =>
          tcp.send(id, new ArrayBuffer(length), (...args) => {
            log(label, show(args), runtime.lastError?.message);
            resolve();
          }),
        );
      const busy = await open({ paused: true });
      const idle = await create();
      const waiting = attempt('waiting', busy, 30_000_000);
      await quiet();
      await attempt('too much', idle, 180_000_000);
      await ask('resume');
      await waiting;
    },
  },
  ...['reset', 'end, then reset', 'reset with data waiting'].map((how) => ({
    name: `sends one by one on a paused socket whose peer has gone: ${how}`,
    deviation: 'i',
    parameters: { how },
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, ask, quiet, parameters }) {
      const id = await open({ paused: true });
      if (parameters.how.startsWith('end')) await ask('end');
      if (parameters.how.endsWith('waiting')) await ask('write', 'last words');
      await ask('reset');
      for (const text of ['one', 'two', 'three']) {
        await quiet(50);
        await call('send', id, bytes(text));
      }
    },
  })),
  {
    name: 'a send that no pipe has room for, on a paused socket that was reset',
    server: (peer) => peer.tcp(),
    async run({ open, call, pattern, bytes, ask, quiet }) {
      const id = await open({ paused: true });
      await ask('reset');
      await quiet(50);
      await Promise.all([call('send', id, pattern(200_000)), call('send', id, bytes('x'))]);
    },
  },
];
