const describe = (object, key, show) => {
  const descriptor = Object.getOwnPropertyDescriptor(object, key);
  if (descriptor === undefined) return `${String(key)}: none`;
  const { writable, enumerable, configurable, get, set, value } = descriptor;
  const kind = get || set ? `accessor get ${typeof get} set ${typeof set}` : show(value);
  return `${String(key)}: ${kind} writable ${writable} enumerable ${enumerable} configurable ${configurable}`;
};

export default [
  {
    name: 'the keys of the API object in their order',
    run({ tcp, log, show }) {
      log(show(Object.keys(tcp)));
      log(show(Reflect.ownKeys(tcp)));
      const inherited = [];
      for (const key in tcp) inherited.push(key);
      log(show(inherited));
      log('extensible', Object.isExtensible(tcp));
      log('prototype is Object.prototype', Object.getPrototypeOf(tcp) === Object.prototype);
      log(Object.prototype.toString.call(tcp), String(tcp));
    },
  },
  {
    name: 'the descriptors of the API object',
    run({ tcp, log }) {
      for (const key of Reflect.ownKeys(tcp)) {
        log(describe(tcp, key, (value) => typeof value));
      }
    },
  },
  {
    name: 'the functions: name, length, keys, prototype',
    run({ tcp, log, show }) {
      for (const key of Object.keys(tcp).filter((name) => typeof tcp[name] === 'function')) {
        const method = tcp[key];
        log(key, show(method.name), method.length, show(Reflect.ownKeys(method)));
        log('function prototype', Object.getPrototypeOf(method) === Function.prototype);
        log('has prototype', 'prototype' in method);
        log(describe(method, 'name', show), describe(method, 'length', show));
      }
    },
  },
  {
    name: 'a function cannot be constructed',
    run({ tcp, log }) {
      try {
        log(typeof new tcp.close(1));
      } catch (error) {
        log(error.name, error.message.replace(/^.* is not/, 'it is not'));
      }
    },
  },
  {
    name: 'functions do not care about their receiver',
    async run({ tcp, expectCallback, attempt }) {
      const { getSockets, close } = tcp;
      const first = expectCallback('bare');
      await attempt('bare', () => getSockets(first));
      await first.promise;
      const second = expectCallback('foreign');
      await attempt('foreign', () => close.call({ some: 'object' }, 2147483647, second));
      await second.promise;
      const third = expectCallback('null');
      await attempt('null', () => close.apply(null, [2147483647, third]));
      await third.promise;
    },
  },
  {
    name: 'the same function and event object every time',
    run({ tcp, log }) {
      log(tcp.create === tcp.create, tcp.onReceive === tcp.onReceive);
      log(tcp.onReceive.addListener === tcp.onReceive.addListener);
      log(tcp.onReceive.addListener === tcp.onReceiveError.addListener);
      log(Object.getPrototypeOf(tcp.onReceive) === Object.getPrototypeOf(tcp.onReceiveError));
      log(tcp.DnsQueryType === tcp.DnsQueryType);
    },
  },
  {
    name: 'a function can be replaced, deleted and put back',
    run({ tcp, log }) {
      const original = tcp.update;
      const descriptor = Object.getOwnPropertyDescriptor(tcp, 'update');
      tcp.update = 5;
      log(tcp.update);
      log(delete tcp.update, typeof tcp.update);
      tcp.extra = 'mine';
      log(tcp.extra);
      delete tcp.extra;
      Object.defineProperty(tcp, 'update', { ...descriptor, value: original });
      log(tcp.update === original);
    },
  },
  {
    name: 'DnsQueryType',
    run({ tcp, log, show }) {
      log(show(tcp.DnsQueryType));
      for (const key of Reflect.ownKeys(tcp.DnsQueryType)) {
        log(describe(tcp.DnsQueryType, key, show));
      }
      log('extensible', Object.isExtensible(tcp.DnsQueryType));
      log('frozen', Object.isFrozen(tcp.DnsQueryType));
      log('prototype', Object.getPrototypeOf(tcp.DnsQueryType) === Object.prototype);
    },
  },
  {
    name: 'no dictionary or other type is exposed',
    run({ tcp, log }) {
      for (const key of ['SocketProperties', 'SocketInfo', 'SecureOptions', 'CreateInfo']) {
        log(key, key in tcp);
      }
    },
  },
  {
    name: 'the event objects: keys, descriptors, class',
    run({ tcp, log, show }) {
      for (const name of ['onReceive', 'onReceiveError']) {
        const event = tcp[name];
        log(name, show(Object.keys(event)), show(Reflect.ownKeys(event)));
        log(Object.prototype.toString.call(event), String(event));
        for (const key of Object.keys(event)) log(describe(event, key, (value) => typeof value));
        log('extensible', Object.isExtensible(event));
      }
    },
  },
  {
    name: 'the prototype chain of an event object',
    run({ tcp, log, show }) {
      let object = Object.getPrototypeOf(tcp.onReceive);
      for (let depth = 0; object !== null && depth < 4; depth += 1) {
        log(depth, object === Object.prototype, show(Reflect.ownKeys(object).slice(0, 3)));
        log(typeof object.constructor, show(object.constructor?.name));
        object = Object.getPrototypeOf(object);
      }
    },
  },
  {
    name: 'the functions of an event object: name, length, constructing',
    run({ tcp, log, show }) {
      for (const key of Object.keys(tcp.onReceive)) {
        const method = tcp.onReceive[key];
        log(key, show(method.name), method.length, show(Reflect.ownKeys(method)));
        log('has prototype', 'prototype' in method);
      }
    },
  },
  {
    name: 'an event method called on something else',
    async run({ tcp, attempt }) {
      for (const key of [
        'addListener',
        'removeListener',
        'hasListener',
        'hasListeners',
        'dispatch',
      ]) {
        const method = tcp.onReceive[key];
        for (const receiver of [undefined, null, {}, 5, tcp]) {
          await attempt(`${key} on ${String(receiver)}`, () => method.call(receiver, () => {}));
        }
      }
    },
  },
  {
    name: 'an event method of one event called on the other',
    events: false,
    run({ tcp, log }) {
      const listener = () => {};
      tcp.onReceive.addListener.call(tcp.onReceiveError, listener);
      log(tcp.onReceive.hasListener(listener), tcp.onReceiveError.hasListener(listener));
      tcp.onReceiveError.removeListener(listener);
      log(tcp.onReceiveError.hasListener(listener));
    },
  },
  {
    name: 'lastError is absent from runtime outside of callbacks',
    run({ runtime, log }) {
      log('lastError' in runtime, Object.hasOwn(runtime, 'lastError'), String(runtime.lastError));
      log(Object.keys(runtime).includes('lastError'));
    },
  },
  {
    name: 'results are plain objects with their keys in alphabetical order',
    server: (peer) => peer.tcp(),
    async run({ tcp, log, show, open }) {
      const id = await open({ properties: { persistent: true, name: 'n', bufferSize: 7 } });
      const plain = (value) => Object.getPrototypeOf(value) === Object.prototype;
      const info = await new Promise((resolve) => tcp.getInfo(id, resolve));
      log(show(Object.keys(info)), plain(info), Object.isExtensible(info));
      for (const key of Object.keys(info)) log(describe(info, key, (value) => typeof value));
      const all = await new Promise((resolve) => tcp.getSockets(resolve));
      log(Array.isArray(all), Object.getPrototypeOf(all) === Array.prototype, all.length);
      log(show(Object.keys(all[0])), plain(all[0]));
      const sent = await new Promise((resolve) => tcp.send(id, new ArrayBuffer(1), resolve));
      log(show(Object.keys(sent)), plain(sent));
      const created = await new Promise((resolve) => tcp.create(resolve));
      log(show(Object.keys(created)), plain(created));
    },
  },
  {
    name: 'events are plain objects with a fresh ArrayBuffer',
    server: (peer) => peer.tcp(),
    events: false,
    async run({ tcp, log, show, open, ask }) {
      const seen = [];
      const errors = [];
      const onReceive = (info) => seen.push(info);
      const onError = (info) => errors.push(info);
      tcp.onReceive.addListener(onReceive);
      tcp.onReceiveError.addListener(onError);
      await open();
      await ask('writeAndEnd', 'data');
      const deadline = Date.now() + 3000;
      while (errors.length === 0 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      tcp.onReceive.removeListener(onReceive);
      tcp.onReceiveError.removeListener(onError);
      log(seen.length > 0, errors.length);
      const plain = (value) => Object.getPrototypeOf(value) === Object.prototype;
      log(show(Object.keys(seen[0])), plain(seen[0]), Object.isExtensible(seen[0]));
      log(seen[0].data instanceof ArrayBuffer, Object.isExtensible(seen[0].data));
      log(show(Object.keys(errors[0])), plain(errors[0]));
      for (const key of Object.keys(seen[0])) log(describe(seen[0], key, (value) => typeof value));
      for (const key of Object.keys(errors[0])) {
        log(describe(errors[0], key, (value) => typeof value));
      }
    },
  },
];
