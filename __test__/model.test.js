'use strict';

const { explore } = require('../reliability/model/explore.js');
const { configure } = require('../entry/configure.js');
const tcp = require('../index.js');
const runtime = require('../entry/runtime.js');

/** Enough for each defect to be found many times over. */
const CALLS = 4000;

const METHODS = Object.keys(tcp).filter((name) => typeof tcp[name] === 'function');

/**
 * The module with a defect between it and the application.
 *
 * @param {object} defect
 * @param {(method: string, args: any[], answer: () => void) => void} [defect.answer] In place of calling
 *   back; `args` are those of the callback.
 * @param {(event: string, info: any, tell: (info?: any) => void) => void} [defect.tell] In place of
 *   telling an event.
 */
function defective({
  answer = (_method, _args, now) => now(),
  tell = (_event, _info, now) => now(),
}) {
  const lying = {};
  for (const method of METHODS) {
    lying[method] = (...args) => {
      const callback = args.at(-1);
      // Promises are for honest answers.
      if (typeof callback !== 'function') return tcp[method](...args);
      return tcp[method](...args.slice(0, -1), (...given) => {
        // A callback that does not run cannot read lastError.
        void runtime.lastError;
        answer(method, given, () => callback(...given));
      });
    };
  }
  for (const event of ['onReceive', 'onReceiveError']) {
    const listeners = new Map();
    lying[event] = {
      addListener(listener) {
        listeners.set(listener, (info) => tell(event, info, (instead = info) => listener(instead)));
        tcp[event].addListener(listeners.get(listener));
      },
      removeListener: (listener) => tcp[event].removeListener(listeners.get(listener)),
    };
  }
  return lying;
}

/** A condition that holds for every n-th time, because not every occurrence can be detected. */
function now(every) {
  let count = 0;
  return () => ++count % every === 0;
}

const DEFECTS = {
  'a callback that is never called': (it = now(5)) => ({
    answer: (method, _args, answer) => (method === 'send' && it() ? undefined : answer()),
  }),
  'a callback that is called twice': (it = now(5)) => ({
    answer(method, _args, answer) {
      answer();
      if (method === 'getInfo' && it()) answer();
    },
  }),
  'a callback that comes after the next one': (it = now(5)) => {
    let late;
    return {
      answer(method, _args, answer) {
        if (method === 'setPaused' && late === undefined && it()) {
          late = answer;
          return;
        }
        answer();
        late?.();
        late = undefined;
      },
    };
  },
  'a wrong code': (it = now(5)) => ({
    answer(method, args, answer) {
      if (method === 'connect' && args[0] === -23 && it()) args[0] = -104;
      answer();
    },
  }),
  'a byte that is lost at the end of a piece': (it = now(5)) => ({
    tell(event, { data, socketId }, tell) {
      const lose = event === 'onReceive' && data.byteLength > 1 && it();
      tell(lose ? { data: data.slice(0, -1), socketId } : undefined);
    },
  }),
  'two bytes that have changed places': (it = now(5)) => ({
    tell(event, info, tell) {
      const bytes = new Uint8Array(info.data ?? 0);
      if (bytes.length > 1 && bytes[0] !== bytes[1] && it()) bytes.subarray(0, 2).reverse();
      tell();
    },
  }),
  'an event of another socket': (it = now(5)) => ({
    tell(event, info, tell) {
      if (event === 'onReceive' && it()) info.socketId -= 1;
      tell();
    },
  }),
  'a lost onReceiveError': (it = now(5)) => ({
    tell: (event, _info, tell) => (event === 'onReceiveError' && it() ? undefined : tell()),
  }),
  'a repeated onReceiveError': (it = now(5)) => ({
    tell(event, _info, tell) {
      tell();
      if (event === 'onReceiveError' && it()) tell();
    },
  }),
  'a repeated onReceive': (it = now(5)) => ({
    tell(event, _info, tell) {
      tell();
      if (event === 'onReceive' && it()) tell();
    },
  }),
};

test('the module answers ten thousand random calls as the model predicts', async () => {
  const { tally, failure } = await explore({ tcp, runtime, configure }, { calls: 10_000 });
  expect(failure).toBeUndefined();
  expect(tally.calls).toBeGreaterThanOrEqual(10_000);
}, 60_000);

test.each(Object.entries(DEFECTS))(
  'the model detects %s',
  async (_what, defect) => {
    const module = { tcp: defective(defect()), runtime, configure };
    const { failure } = await explore(module, { calls: CALLS, shrinking: 0, timeout: 300 });
    expect(failure).toBeDefined();
  },
  60_000,
);
