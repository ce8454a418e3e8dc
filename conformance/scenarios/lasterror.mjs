const UNKNOWN = 2147483647;

export default [
  {
    name: 'lastError during the callback: its descriptor, its keys, its kind',
    async run({ tcp, runtime, log, show }) {
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          const own = Object.getOwnPropertyDescriptor(runtime, 'lastError');
          log('enumerable', own?.enumerable, 'configurable', own?.configurable);
          log('in', 'lastError' in runtime, Object.keys(runtime).includes('lastError'));
          const error = runtime.lastError;
          log(show(Reflect.ownKeys(error)), error instanceof Error, error === runtime.lastError);
          const message = Object.getOwnPropertyDescriptor(error, 'message');
          log(typeof message.get, typeof message.set, 'value' in message);
          log('writable', message.writable, 'enumerable', message.enumerable);
          log('configurable', message.configurable);
          log(Object.prototype.toString.call(error), String(error), JSON.stringify(error));
          log(Object.getPrototypeOf(error) === Object.prototype, show(error.constructor?.name));
          log('extensible', Object.isExtensible(error));
          resolve();
        }),
      );
      log('afterwards', 'lastError' in runtime);
    },
  },
  {
    name: 'the message of lastError cannot be changed',
    taints: true,
    async run({ tcp, runtime, log, attempt }) {
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          const error = runtime.lastError;
          void attempt('assigning', () => {
            'use strict';
            error.message = 'mine';
            return error.message;
          });
          void attempt('deleting', () => {
            'use strict';
            return delete error.message;
          });
          error.extra = 5;
          log(error.message, error.extra, runtime.lastError.extra);
          resolve();
        }),
      );
    },
  },
  {
    name: 'an unchecked lastError is reported',
    async run({ tcp }) {
      await new Promise((resolve) => tcp.close(UNKNOWN, resolve));
    },
  },
  {
    name: 'a checked lastError is not reported',
    async run({ tcp, runtime }) {
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          void runtime.lastError;
          resolve();
        }),
      );
    },
  },
  {
    name: 'asking whether lastError is there does not check it',
    async run({ tcp, runtime, log }) {
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          log('lastError' in runtime, Object.hasOwn(runtime, 'lastError'));
          resolve();
        }),
      );
    },
  },
  {
    name: 'reading lastError only in a microtask',
    async run({ tcp, runtime, log }) {
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          void Promise.resolve().then(() => {
            log('microtask', 'lastError' in runtime, String(runtime.lastError));
            resolve();
          });
        }),
      );
    },
  },
  {
    name: 'reading lastError only in a later turn',
    async run({ tcp, runtime, log }) {
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          setTimeout(() => {
            log('later', 'lastError' in runtime);
            resolve();
          });
        }),
      );
    },
  },
  {
    name: 'the object kept from a callback keeps its message',
    async run({ tcp, runtime, log }) {
      let kept;
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          kept = runtime.lastError;
          resolve();
        }),
      );
      await new Promise((resolve) => tcp.getSockets(resolve));
      log(kept.message, 'lastError' in runtime);
    },
  },
  {
    name: 'each failing callback has its own lastError object',
    async run({ tcp, runtime, log }) {
      const seen = [];
      await new Promise((resolve) => {
        tcp.close(UNKNOWN, () => seen.push(runtime.lastError));
        tcp.secure(UNKNOWN, () => seen.push(runtime.lastError));
        tcp.close(UNKNOWN, () => {
          seen.push(runtime.lastError);
          resolve();
        });
      });
      log(seen[0] === seen[1], seen[0] === seen[2]);
    },
  },
  {
    name: 'no lastError in a successful callback, nor between two failures',
    async run({ tcp, runtime, log, create }) {
      const id = await create();
      await new Promise((resolve) => {
        tcp.close(UNKNOWN, () => log('failed', runtime.lastError?.message));
        tcp.update(id, {}, () => log('succeeded', 'lastError' in runtime));
        tcp.close(UNKNOWN, () => {
          log('failed', runtime.lastError?.message);
          resolve();
        });
      });
    },
  },
  {
    name: 'calls made in a failing callback do not touch its lastError',
    async run({ tcp, runtime, log, create, attempt }) {
      const id = await create();
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          tcp.getInfo(id, () => log('nested success', 'lastError' in runtime));
          tcp.disconnect(UNKNOWN, () => {
            log('nested failure', runtime.lastError?.message);
            resolve();
          });
          void attempt('a throwing call', () => tcp.close('x'));
          log('still', runtime.lastError?.message);
        }),
      );
    },
  },
  {
    name: 'a dispatched event inside a failing callback sees lastError',
    events: false,
    async run({ tcp, runtime, log }) {
      const listener = () => log('lastError' in runtime);
      tcp.onReceive.addListener(listener);
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          tcp.onReceive.dispatch({});
          log('after', 'lastError' in runtime);
          resolve();
        }),
      );
      tcp.onReceive.removeListener(listener);
    },
  },
  {
    name: 'assigning lastError during the callback',
    taints: true,
    async run({ tcp, runtime, log, show }) {
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          runtime.lastError = 'mine';
          log(show(runtime.lastError));
          resolve();
        }),
      );
      log('afterwards', 'lastError' in runtime, show(runtime.lastError));
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          log(show(runtime.lastError));
          resolve();
        }),
      );
    },
  },
  {
    name: 'deleting lastError during the callback',
    taints: true,
    async run({ tcp, runtime, log, attempt }) {
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          void attempt('delete', () => delete runtime.lastError);
          log('lastError' in runtime);
          resolve();
        }),
      );
      log('afterwards', 'lastError' in runtime);
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          log(runtime.lastError?.message);
          resolve();
        }),
      );
    },
  },
  {
    name: 'a lastError that the app has set itself is not overwritten',
    taints: true,
    async run({ tcp, runtime, log, show }) {
      runtime.lastError = 'from the app';
      log('before', show(runtime.lastError));
      await new Promise((resolve) =>
        tcp.close(UNKNOWN, () => {
          log('during', show(runtime.lastError));
          resolve();
        }),
      );
      log('afterwards', show(runtime.lastError));
      delete runtime.lastError;
      log('lastError' in runtime);
    },
  },
  {
    name: 'a callback that throws is reported and disturbs nothing',
    deviation: 'f',
    async run({ tcp, log, call, create, turn }) {
      const id = await create();
      tcp.update(id, { name: 'changed' }, () => {
        log('throwing');
        throw new Error('from the callback');
      });
      await call('getInfo', id);
      await turn();
    },
  },
  {
    name: 'a failing callback that throws without having read lastError',
    deviation: 'f',
    async run({ tcp, runtime, log, call, turn }) {
      tcp.close(UNKNOWN, () => {
        throw new Error('from the callback');
      });
      await call('getSockets');
      log('lastError' in runtime);
      await turn();
    },
  },
  {
    name: 'a failing callback that throws after having read lastError',
    deviation: 'f',
    async run({ tcp, runtime, call, turn }) {
      tcp.close(UNKNOWN, () => {
        throw new Error(runtime.lastError.message);
      });
      await call('getSockets');
      await turn();
    },
  },
  {
    name: 'a callback that throws something without a stack',
    deviation: 'f',
    async run({ tcp, call, turn }) {
      tcp.getSockets(() => {
        throw 'a string';
      });
      await call('getSockets');
      await turn();
    },
  },
  {
    name: 'using the missing result of a failed send throws in the callback',
    deviation: 'f',
    async run({ tcp, call, turn, log }) {
      tcp.send(UNKNOWN, new ArrayBuffer(1), (info) => {
        log(String(info));
        log(info.resultCode);
      });
      await call('getSockets');
      await turn();
    },
  },
  {
    name: 'an async callback that rejects',
    async run({ tcp, call, turn }) {
      tcp.getSockets(async () => {
        throw new Error('rejected by the callback');
      });
      await call('getSockets');
      await turn();
    },
  },
  {
    name: 'the receiver and the number of arguments of callbacks',
    async run({ tcp, log, create, show }) {
      const id = await create();
      const seen = (label, resolve) =>
        function (...args) {
          log(label, this === globalThis, args.length, show(args));
          resolve();
        };
      await new Promise((resolve) => tcp.update(id, {}, seen('update', resolve)));
      await new Promise((resolve) => tcp.getInfo(id, seen('getInfo', resolve)));
      await new Promise((resolve) => tcp.disconnect(id, seen('disconnect', resolve)));
      await new Promise((resolve) => tcp.setPaused(id, true, seen('setPaused', resolve)));
      await new Promise((resolve) => tcp.setNoDelay(id, true, seen('setNoDelay', resolve)));
      await new Promise((resolve) => tcp.close(id, seen('close', resolve)));
      await new Promise((resolve) => tcp.close(id, seen('close again', resolve)));
      await new Promise((resolve) => tcp.getInfo(id, seen('getInfo again', resolve)));
      await new Promise((resolve) => tcp.connect(id, 'a', 1, seen('connect', resolve)));
      await new Promise((resolve) => tcp.send(id, new ArrayBuffer(1), seen('send', resolve)));
      await new Promise((resolve) => tcp.secure(id, seen('secure', resolve)));
    },
  },
  {
    name: 'the receiver of a callback is the global object even where it is strict',
    async run({ tcp, log }) {
      await new Promise((resolve) => {
        const target = new Proxy(() => {}, {
          apply(_, receiver) {
            log(receiver === globalThis);
            resolve();
          },
        });
        tcp.getSockets(target);
      });
    },
  },
  {
    name: 'callbacks are never called inside the call',
    async run({ tcp, log, create }) {
      const id = await create();
      await new Promise((resolve) => {
        for (const [label, act] of [
          ['getSockets', (callback) => tcp.getSockets(callback)],
          ['unknown id', (callback) => tcp.close(UNKNOWN, callback)],
          ['close', (callback) => tcp.close(id, callback)],
        ]) {
          let inside = true;
          act(() => {
            log(label, inside);
            if (label === 'close') resolve();
          });
          inside = false;
        }
      });
    },
  },
  {
    name: 'a throwing call leaves lastError alone and never calls back',
    async run({ tcp, runtime, log, attempt, quiet }) {
      await attempt('close', () => tcp.close('1', () => log('called back')));
      log('lastError' in runtime);
      await quiet();
    },
  },
];
