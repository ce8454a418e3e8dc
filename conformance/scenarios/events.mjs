/** `dispatch` calls listeners without any network, so most of this needs no peer. */

export default [
  {
    name: 'hasListeners and hasListener follow adding and removing',
    events: false,
    run({ tcp, log }) {
      const event = tcp.onReceive;
      const listener = () => {};
      log(event.hasListeners(), event.hasListener(listener));
      log(String(event.addListener(listener)), event.hasListeners(), event.hasListener(listener));
      log(event.hasListener(() => {}));
      log(
        String(event.removeListener(listener)),
        event.hasListeners(),
        event.hasListener(listener),
      );
    },
  },
  {
    name: 'a listener added twice is called once and keeps its place',
    events: false,
    run({ tcp, log, show }) {
      const calls = [];
      const first = () => calls.push('first');
      const second = () => calls.push('second');
      tcp.onReceive.addListener(first);
      tcp.onReceive.addListener(second);
      tcp.onReceive.addListener(first);
      tcp.onReceive.dispatch({});
      log(show(calls));
      tcp.onReceive.removeListener(first);
      log(tcp.onReceive.hasListener(first));
      tcp.onReceive.removeListener(second);
    },
  },
  {
    name: 'adding what is not a function is ignored',
    events: false,
    async run({ tcp, attempt, log }) {
      for (const value of [undefined, null, 5, 'x', {}, []]) {
        await attempt(`addListener(${String(value)})`, () => tcp.onReceive.addListener(value));
        await attempt(`with more`, () => tcp.onReceive.addListener(value, {}));
      }
      await attempt('addListener()', () => tcp.onReceive.addListener());
      log(tcp.onReceive.hasListeners());
    },
  },
  {
    name: 'filters are not supported, whatever the second argument is',
    events: false,
    async run({ tcp, attempt, log }) {
      for (const filter of [undefined, null, {}, [], 5, () => {}]) {
        await attempt(`filter ${typeof filter}`, () => tcp.onReceive.addListener(() => {}, filter));
      }
      await attempt('two', () => tcp.onReceive.addListener(() => {}, {}, {}));
      log(tcp.onReceive.hasListeners());
    },
  },
  {
    name: 'hasListener with wrong arguments',
    events: false,
    async run({ tcp, attempt }) {
      await attempt('nothing', () => tcp.onReceive.hasListener());
      for (const value of [undefined, null, 5, true, 'text', '', {}, [], Symbol('s'), 1n]) {
        await attempt(`${typeof value} ${String(value)}`, () => tcp.onReceive.hasListener(value));
      }
      await attempt('one more', () => tcp.onReceive.hasListener(() => {}, 1));
    },
  },
  {
    name: 'removeListener with wrong arguments',
    events: false,
    async run({ tcp, attempt }) {
      await attempt('nothing', () => tcp.onReceive.removeListener());
      for (const value of [undefined, null, 5, 'text', {}]) {
        await attempt(String(value), () => tcp.onReceive.removeListener(value));
      }
      await attempt('unknown', () => tcp.onReceive.removeListener(() => {}));
      const listener = () => {};
      tcp.onReceive.addListener(listener);
      await attempt('with more', () => tcp.onReceive.removeListener(listener, 1, 2));
      await attempt('gone', () => tcp.onReceive.hasListener(listener));
    },
  },
  {
    name: 'what dispatch returns',
    events: false,
    async run({ tcp, attempt }) {
      await attempt('no listener', () => tcp.onReceive.dispatch(1));
      const silent = () => {};
      const speaking = (value) => value;
      tcp.onReceive.addListener(silent);
      await attempt('undefined result', () => tcp.onReceive.dispatch(1));
      tcp.onReceive.addListener(speaking);
      await attempt('one result', () => tcp.onReceive.dispatch('one'));
      const other = () => null;
      tcp.onReceive.addListener(other);
      await attempt('two results', () => tcp.onReceive.dispatch('two'));
      await attempt('no arguments', () => tcp.onReceive.dispatch());
      for (const listener of [silent, speaking, other]) tcp.onReceive.removeListener(listener);
    },
  },
  {
    name: 'dispatch hands over all arguments and calls at once',
    events: false,
    run({ tcp, log, show }) {
      const shared = {};
      const listener = (...args) => log('called', args.length, show(args), args[0] === shared);
      tcp.onReceive.addListener(listener);
      tcp.onReceive.dispatch(shared, 'b', undefined);
      log('returned');
      tcp.onReceive.removeListener(listener);
    },
  },
  {
    name: 'the receiver of a listener is the global object',
    events: false,
    run({ tcp, log }) {
      function listener() {
        'use strict';
        log(this === globalThis);
      }
      tcp.onReceive.addListener(listener);
      tcp.onReceive.dispatch();
      tcp.onReceive.removeListener(listener);
    },
  },
  {
    name: 'a listener removed during the event still runs, one added does not',
    events: false,
    run({ tcp, log }) {
      const added = () => log('added');
      const removed = () => log('removed');
      const first = () => {
        log('first');
        tcp.onReceive.removeListener(removed);
        tcp.onReceive.addListener(added);
      };
      tcp.onReceive.addListener(first);
      tcp.onReceive.addListener(removed);
      tcp.onReceive.dispatch();
      log('again');
      tcp.onReceive.removeListener(first);
      tcp.onReceive.dispatch();
      tcp.onReceive.removeListener(added);
      log(tcp.onReceive.hasListeners());
    },
  },
  {
    name: 'dispatch inside a listener',
    events: false,
    run({ tcp, log }) {
      let depth = 0;
      const listener = () => {
        depth += 1;
        log('enter', depth);
        if (depth < 3) tcp.onReceive.dispatch();
        log('leave', depth);
      };
      tcp.onReceive.addListener(listener);
      tcp.onReceive.dispatch();
      tcp.onReceive.removeListener(listener);
    },
  },
  {
    name: 'a listener that throws during dispatch',
    deviation: 'f',
    events: false,
    async run({ tcp, log, attempt, turn }) {
      const bad = () => {
        throw new Error('from the listener');
      };
      const good = () => {
        log('the next one runs');
        return 'result';
      };
      tcp.onReceive.addListener(bad);
      tcp.onReceive.addListener(good);
      await attempt('dispatch', () => tcp.onReceive.dispatch());
      await turn();
      tcp.onReceive.removeListener(bad);
      tcp.onReceive.removeListener(good);
    },
  },
  {
    name: 'a listener that throws something without a stack',
    deviation: 'f',
    events: false,
    async run({ tcp, attempt, turn }) {
      const bad = () => {
        throw 5;
      };
      tcp.onReceive.addListener(bad);
      await attempt('dispatch', () => tcp.onReceive.dispatch());
      await turn();
      tcp.onReceive.removeListener(bad);
    },
  },
  {
    name: 'a listener that throws on real data disturbs nothing',
    deviation: 'f',
    server: (peer) => peer.echo(),
    async run({ tcp, open, call, bytes, received, turn }) {
      const bad = () => {
        throw new Error('from the listener');
      };
      tcp.onReceive.addListener(bad);
      const id = await open();
      await call('send', id, bytes('one'));
      await received(id, 3);
      await turn();
      tcp.onReceive.removeListener(bad);
      await call('send', id, bytes('two'));
      await received(id, 6);
      await call('getInfo', id);
    },
  },
  {
    name: 'an async listener that rejects',
    events: false,
    async run({ tcp, attempt, turn }) {
      const bad = async () => {
        throw new Error('rejected by the listener');
      };
      tcp.onReceive.addListener(bad);
      await attempt('dispatch', () => {
        const { results } = tcp.onReceive.dispatch();
        return results.length;
      });
      await turn();
      tcp.onReceive.removeListener(bad);
    },
  },
  {
    name: 'all listeners get the same object, each event a new one',
    server: (peer) => peer.tcp(),
    events: false,
    async run({ tcp, log, open, ask, until, call }) {
      const seen = [];
      const first = (info) => {
        info.mark = 'left by the first';
        seen.push(info);
      };
      const second = (info) => {
        seen.push(info);
        log(info.mark, info === seen.at(-2));
      };
      tcp.onReceive.addListener(first);
      tcp.onReceive.addListener(second);
      const id = await open();
      await ask('write', 'a');
      await until(() => seen.length === 2, 'the first event');
      await ask('write', 'b');
      await until(() => seen.length === 4, 'the second event');
      log(seen[0] === seen[2], seen[0].data === seen[2].data);
      tcp.onReceive.removeListener(first);
      tcp.onReceive.removeListener(second);
      await call('getInfo', id);
    },
  },
  {
    name: 'data that arrives while nobody listens is lost',
    server: (peer) => peer.tcp(),
    events: false,
    async run({ tcp, log, text, open, ask, until, quiet }) {
      const seen = [];
      await open();
      await ask('write', 'unheard');
      await quiet();
      const listener = (info) => {
        seen.push(text(info.data));
        log(text(info.data));
      };
      tcp.onReceive.addListener(listener);
      await quiet(30);
      await ask('write', 'heard');
      await until(() => seen.length > 0, 'the event');
      tcp.onReceive.removeListener(listener);
    },
  },
  {
    name: 'the end that comes while nobody listens still disconnects and pauses',
    server: (peer) => peer.tcp(),
    events: false,
    async run({ open, ask, quiet, call }) {
      const id = await open();
      await ask('end');
      await quiet();
      await call('getInfo', id);
    },
  },
  {
    name: 'listeners of one socket see the events of all sockets',
    server: async (peer) => {
      await peer.echo();
      await peer.echo({ name: 'other' });
    },
    async run({ open, ports, call, bytes, received }) {
      const first = await open();
      const second = await open({ port: ports.other });
      await call('send', second, bytes('to the second'));
      await received(second, 13);
      await call('send', first, bytes('to the first'));
      await received(first, 12);
    },
  },
  {
    name: 'listeners are called in the order of registration, during real events too',
    server: (peer) => peer.tcp(),
    async run({ tcp, log, open, ask, received }) {
      const listeners = ['a', 'b', 'c'].map((name) => () => log('listener', name));
      for (const listener of listeners) tcp.onReceive.addListener(listener);
      const id = await open();
      await ask('write', 'x');
      await received(id, 1);
      for (const listener of listeners) tcp.onReceive.removeListener(listener);
    },
  },
  {
    name: 'a listener added in the middle of a connection',
    server: (peer) => peer.tcp(),
    async run({ tcp, log, open, ask, received }) {
      const id = await open();
      await ask('write', 'x');
      await received(id, 1);
      const listener = (info) => log('late listener', info.data.byteLength);
      tcp.onReceive.addListener(listener);
      await ask('write', 'yz');
      await received(id, 3);
      tcp.onReceive.removeListener(listener);
    },
  },
  {
    name: 'lastError is not set during an event',
    server: (peer) => peer.tcp(),
    async run({ tcp, runtime, log, open, ask, failed }) {
      const listener = () => log('lastError' in runtime, String(runtime.lastError));
      tcp.onReceiveError.addListener(listener);
      const id = await open();
      await ask('end');
      await failed(id);
      tcp.onReceiveError.removeListener(listener);
    },
  },
  {
    name: 'hasListener with strings that are not well formed',
    run({ tcp, log, show }) {
      for (const text of ['a\ud800b', '\udc00', 'a\0b', '\0', '\u{1f600}\ufffe', 'a\ud800\0b']) {
        try {
          tcp.onReceive.hasListener(text);
        } catch (error) {
          log('threw', error.name, show(error.message));
        }
      }
    },
  },
  {
    name: 'a listener is never looked into',
    run({ tcp, log }) {
      const { proxy, revoke } = Proxy.revocable(() => {}, {});
      revoke();
      const spreadable = Object.assign(() => {}, { [Symbol.isConcatSpreadable]: true });
      for (const listener of [proxy, spreadable]) {
        tcp.onReceive.addListener(listener);
        log(tcp.onReceive.hasListener(listener));
        tcp.onReceive.removeListener(listener);
        log(tcp.onReceive.hasListener(listener));
      }
    },
  },
];
