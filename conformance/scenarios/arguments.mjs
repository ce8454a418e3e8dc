/**
 * Each scenario makes a row of calls on an id that does not exist, so that accepted calls soon end
 * in an error. Strings starting with `$` in a row stand for values that JSON lacks.
 */

const VALUES = {
  $callback: (context, label) => context.expectCallback(label),
  $undefined: () => undefined,
  $nan: () => NaN,
  $infinity: () => Infinity,
  '$-0': () => -0,
  $bigint: () => 1n,
  $symbol: () => Symbol('s'),
  $Number: () => new Number(1),
  $String: () => new String('x'),
  $Boolean: () => new Boolean(true),
  $buffer: () => new ArrayBuffer(2),
  $view: () => new Uint8Array(new ArrayBuffer(8), 2, 3),
  $floats: () => new Float64Array(1),
  $dataview: () => new DataView(new ArrayBuffer(2)),
  $shared: () =>
    typeof SharedArrayBuffer === 'undefined'
      ? new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer
      : new SharedArrayBuffer(2),
  $sharedview: () =>
    new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer, 0, 2),
  $detached: () => {
    const buffer = new ArrayBuffer(4);
    structuredClone(buffer, { transfer: [buffer] });
    return buffer;
  },
  $date: () => new Date(0),
  $regexp: () => /x/,
  $map: () => new Map([['name', 'x']]),
  $function: () => () => {},
  $class: () => class {},
  $proxy: () => new Proxy({}, {}),
  $inherited: () => Object.create({ name: 'inherited', unknown: 1 }),
  $nullproto: () => Object.create(null),
  $symbolkey: () => ({ [Symbol('s')]: 1 }),
  $hidden: () => Object.defineProperty({}, 'unknown', { value: 1, enumerable: false }),
  $getter: () => ({
    get name() {
      return 'from a getter';
    },
  }),
  $throwing: () => ({
    get name() {
      throw new RangeError('from the getter');
    },
  }),
  $throwingproxy: () =>
    new Proxy(
      {},
      {
        ownKeys() {
          throw new RangeError('from the proxy');
        },
      },
    ),
};

const make = (context, label, value) => {
  if (typeof value === 'string' && value.startsWith('$')) return VALUES[value](context, label);
  if (Array.isArray(value)) return value.map((item) => make(context, label, item));
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value).map(([k, member]) => [k, make(context, label, member)]);
    return Object.fromEntries(members);
  }
  return value;
};

async function run(context) {
  const { method, rows } = context.parameters;
  for (const [index, row] of rows.entries()) {
    const label = `${index + 1} ${method}(${row.map((value) => JSON.stringify(value)).join(', ')})`;
    const args = row.map((value) => make(context, label, value));
    const callback = args.find((value) => value?.promise !== undefined);
    let threw = true;
    await context.attempt(label, () => {
      const returned = context.tcp[method](...args);
      threw = false;
      return returned;
    });
    if (callback && !threw) await callback.promise;
  }
}

const ID = 2147483647;
const CB = '$callback';
const row = (name, method, rows) => ({ name, parameters: { method, rows }, run });

/** Values that are not int32, each in place of an integer. */
const NOT_INTEGERS = [
  ...['1', '', 'x', 1.5, '$nan', '$infinity', 2147483648, -2147483649, 4294967296, 1e300],
  ...[true, null, '$undefined', {}, [], [1], '$bigint', '$symbol', '$Number', '$date', '$function'],
];

const wrongIds = (method, ...rest) => [
  ...NOT_INTEGERS.map((value) => [value, ...rest, CB]),
  [...rest, CB],
];

export default [
  row('create: the ways to leave properties out', 'create', [
    [CB],
    [null, CB],
    ['$undefined', CB],
    [{}, CB],
    [{}],
    [{}, null],
    [{}, '$undefined'],
    [],
    [null],
    ['$undefined', '$undefined'],
    [null, null],
  ]),
  row('create: wrong kinds of properties', 'create', [
    ['x', CB],
    [5, CB],
    [true, CB],
    [[], CB],
    ['$symbol', CB],
    ['$bigint', CB],
    ['$function', CB],
    ['$class', CB],
    [CB, {}],
    [{}, {}],
    [{}, 5],
    [{}, 'x'],
    [5],
    ['x'],
    [[]],
  ]),
  row('create: too many arguments', 'create', [
    [{}, CB, 1],
    [CB, 1],
    [{}, null, null],
    [null, CB, '$undefined'],
    [CB, '$undefined'],
    [CB, null],
  ]),
  row('create: members of the wrong type', 'create', [
    [{ bufferSize: '1' }, CB],
    [{ bufferSize: 1.5 }, CB],
    [{ bufferSize: true }, CB],
    [{ bufferSize: {} }, CB],
    [{ bufferSize: [] }, CB],
    [{ bufferSize: '$nan' }, CB],
    [{ bufferSize: 2147483648 }, CB],
    [{ bufferSize: '$bigint' }, CB],
    [{ bufferSize: '$function' }, CB],
    [{ bufferSize: '$buffer' }, CB],
    [{ bufferSize: '$Number' }, CB],
    [{ persistent: 1 }, CB],
    [{ persistent: 1.5 }, CB],
    [{ persistent: 'true' }, CB],
    [{ persistent: {} }, CB],
    [{ persistent: '$Boolean' }, CB],
    [{ persistent: '$symbol' }, CB],
    [{ name: 5 }, CB],
    [{ name: -0.5 }, CB],
    [{ name: true }, CB],
    [{ name: {} }, CB],
    [{ name: ['x'] }, CB],
    [{ name: '$String' }, CB],
    [{ name: '$view' }, CB],
    [{ name: '$date' }, CB],
    [{ name: '$symbol' }, CB],
  ]),
  row('create: which member is complained about first', 'create', [
    [{ name: 5, bufferSize: 'x', persistent: 1 }, CB],
    [{ persistent: 1, name: 5 }, CB],
    [{ foo: 1, name: 5 }, CB],
    [{ name: 5, foo: 1 }, CB],
    [{ foo: 1, bar: 2 }, CB],
    [{ bar: 2, foo: 1 }, CB],
  ]),
  row('create: unknown members', 'create', [
    [{ foo: 1 }, CB],
    [{ foo: '$undefined' }, CB],
    [{ foo: null }, CB],
    [{ '': 1 }, CB],
    [{ 0: 1 }, CB],
    [{ Name: 'x' }, CB],
    [{ 'it is': 1 }, CB],
    ['$view', CB],
    ['$buffer', CB],
    ['$map', CB],
    ['$String', CB],
    [{ foo: 1 }],
  ]),
  row('create: members that are not looked at', 'create', [
    ['$inherited', CB],
    ['$nullproto', CB],
    ['$symbolkey', CB],
    ['$hidden', CB],
    ['$date', CB],
    ['$regexp', CB],
    ['$Number', CB],
    ['$proxy', CB],
    [{ name: null, bufferSize: '$undefined' }, CB],
    [{ persistent: null }, CB],
  ]),
  {
    name: 'create: getters are read once and what they throw is thrown on',
    async run({ tcp, log, attempt, expectCallback, call }) {
      const thrown = new RangeError('from the getter');
      const throwing = {
        get name() {
          throw thrown;
        },
      };
      try {
        tcp.create(throwing, () => log('called back'));
      } catch (error) {
        log('the same error', error === thrown);
      }
      const reads = [];
      const properties = {
        get persistent() {
          reads.push('persistent');
          return true;
        },
        get name() {
          reads.push('name');
          return 'given';
        },
      };
      const callback = expectCallback('create');
      await attempt('create', () => tcp.create(properties, callback));
      const { socketId } = await callback.promise;
      log(reads.join());
      await call('getInfo', socketId);
      const proxy = new Proxy(
        {},
        {
          ownKeys() {
            throw thrown;
          },
        },
      );
      try {
        tcp.create(proxy, () => log('called back'));
      } catch (error) {
        log('the same error', error === thrown);
      }
    },
  },
  {
    name: 'create: a call that throws makes no socket',
    async run({ tcp, attempt, call }) {
      await attempt('create', () => tcp.create({ bufferSize: 'x' }, () => {}));
      await attempt('create', () => tcp.create({}, () => {}, 1));
      await call('getSockets');
    },
  },
  row('update: wrong ids', 'update', wrongIds('update', {})),
  row('update: wrong properties', 'update', [
    [ID],
    [ID, null, CB],
    [ID, '$undefined', CB],
    [ID, CB],
    [ID, 'x', CB],
    [ID, [], CB],
    [ID, '$function', CB],
    [ID, { bufferSize: 'x' }, CB],
    [ID, { foo: 1 }, CB],
    [ID, { name: {} }],
    [],
    [CB],
    [ID, {}, CB, 1],
    [ID, {}, 5],
    [ID, {}, {}],
  ]),
  row('update: accepted calls', 'update', [
    [ID, {}, CB],
    [ID, {}],
    [ID, {}, null],
    [ID, {}, '$undefined'],
    ['$-0', {}, CB],
    [0, {}, CB],
    [-2147483648, {}, CB],
    [ID, { name: null, persistent: '$undefined' }, CB],
  ]),
  row('setPaused: wrong arguments', 'setPaused', [
    ...wrongIds('setPaused', true),
    [ID],
    [ID, CB],
    [ID, 'true', CB],
    [ID, 1, CB],
    [ID, 1.5, CB],
    [ID, null, CB],
    [ID, '$undefined', CB],
    [ID, {}, CB],
    [ID, '$Boolean', CB],
    [ID, true, 5],
    [ID, true, CB, 1],
  ]),
  row('setPaused: accepted calls', 'setPaused', [
    [ID, true, CB],
    [ID, false, CB],
    [ID, true],
    [ID, true, null],
    [ID, true, '$undefined'],
  ]),
  row('setKeepAlive: wrong arguments', 'setKeepAlive', [
    ...wrongIds('setKeepAlive', true),
    [ID, true],
    [ID, true, 5],
    [ID, true, null],
    [ID, true, 5, null],
    [ID, true, 5, '$undefined'],
    [ID, CB],
    [ID, 1, CB],
    [ID, 'x', 5, CB],
    [ID, true, 1.5, CB],
    [ID, true, '5', CB],
    [ID, true, true, CB],
    [ID, true, {}, CB],
    [ID, true, '$nan', CB],
    [ID, true, 2147483648, CB],
    [ID, true, 5, CB, 1],
    [ID, true, CB, 5],
  ]),
  row('setKeepAlive: accepted calls', 'setKeepAlive', [
    [ID, true, CB],
    [ID, false, CB],
    [ID, true, null, CB],
    [ID, true, '$undefined', CB],
    [ID, true, -5, CB],
    [ID, true, '$-0', CB],
    [ID, false, 2147483647, CB],
  ]),
  row('setNoDelay: wrong arguments', 'setNoDelay', [
    ...wrongIds('setNoDelay', true),
    [ID, true],
    [ID, true, null],
    [ID, true, '$undefined'],
    [ID, CB],
    [ID, 1, CB],
    [ID, null, CB],
    [ID, true, CB, 1],
    [ID, true, {}],
  ]),
  row('setNoDelay: accepted calls', 'setNoDelay', [
    [ID, true, CB],
    [ID, false, CB],
  ]),
  row('connect: wrong ids', 'connect', wrongIds('connect', 'h', 80)),
  row('connect: wrong addresses', 'connect', [
    [ID, null, 80, CB],
    [ID, '$undefined', 80, CB],
    [ID, 5, 80, CB],
    [ID, true, 80, CB],
    [ID, {}, 80, CB],
    [ID, ['h'], 80, CB],
    [ID, '$String', 80, CB],
    [ID, 80, CB],
    [ID, '$symbol', 80, CB],
  ]),
  row('connect: wrong ports', 'connect', [
    ...NOT_INTEGERS.map((value) => [ID, 'h', value, CB]),
    [ID, 'h', CB],
  ]),
  row('connect: wrong dnsQueryTypes and callbacks', 'connect', [
    [ID, 'h', 80],
    [ID, 'h', 80, null],
    [ID, 'h', 80, '$undefined'],
    [ID, 'h', 80, 'any'],
    [ID, 'h', 80, 'any', null],
    [ID, 'h', 80, 'v4', CB],
    [ID, 'h', 80, 'ANY', CB],
    [ID, 'h', 80, '', CB],
    [ID, 'h', 80, 'v4'],
    [ID, 'h', 80, 4, CB],
    [ID, 'h', 80, {}, CB],
    [ID, 'h', 80, '$String', CB],
    [ID, 'h', 80, true, CB],
    [ID, 'h', 80, 'any', 5],
    [ID, 'h', 80, 'any', CB, 1],
    [ID, 'h', 80, CB, 'any'],
    [],
    [CB],
  ]),
  row('connect: accepted calls', 'connect', [
    ['$-0', 'h', 80, CB],
    [-1, 'h', -5, CB],
    [ID, 'h', 80, null, CB],
    [ID, 'h', 80, '$undefined', CB],
    [ID, 'h', 80, 'any', CB],
    [ID, 'h', 80, 'ipv4', CB],
    [ID, 'h', 80, 'ipv6', CB],
    [ID, 'h', 2147483647, CB],
  ]),
  row('disconnect: wrong arguments', 'disconnect', [
    ...wrongIds('disconnect'),
    [],
    [null],
    [ID, 'x'],
    [ID, {}],
    [ID, 5],
    [ID, CB, 1],
    [ID, CB, CB],
  ]),
  row('disconnect: accepted calls', 'disconnect', [[ID, CB], [ID], [ID, null], [ID, '$undefined']]),
  row('secure: wrong arguments', 'secure', [
    ...wrongIds('secure'),
    [ID],
    [ID, null],
    [ID, {}],
    [ID, {}, null],
    [ID, 'x', CB],
    [ID, 5, CB],
    [ID, [], CB],
    [ID, true, CB],
    [ID, '$function', CB],
    [ID, {}, CB, 1],
    [ID, CB, 1],
  ]),
  row('secure: members of the wrong type', 'secure', [
    [ID, { tlsVersion: { min: 1.2 } }, CB],
    [ID, { tlsVersion: { min: 1 } }, CB],
    [ID, { tlsVersion: { max: true } }, CB],
    [ID, { tlsVersion: { max: {} } }, CB],
    [ID, { tlsVersion: { max: [] } }, CB],
    [ID, { tlsVersion: { min: 1, max: 2 } }, CB],
    [ID, { tlsVersion: { max: 2, min: 1 } }, CB],
    [ID, { tlsVersion: { med: 'x' } }, CB],
    [ID, { tlsVersion: 'tls1.2' }, CB],
    [ID, { tlsVersion: 5 }, CB],
    [ID, { tlsVersion: 1.5 }, CB],
    [ID, { tlsVersion: true }, CB],
    [ID, { tlsVersion: [] }, CB],
    [ID, { tlsVersion: '$function' }, CB],
    [ID, { tlsVersion: '$buffer' }, CB],
    [ID, { tlsVersion: '$view' }, CB],
    [ID, { tlsVersion: '$date' }, CB],
    [ID, { foo: {} }, CB],
    [ID, { tlsVersion: {}, foo: {} }, CB],
    ['x', { tlsVersion: 5 }, CB],
  ]),
  row('secure: accepted calls', 'secure', [
    [ID, CB],
    [ID, null, CB],
    [ID, '$undefined', CB],
    [ID, {}, CB],
    [ID, { tlsVersion: null }, CB],
    [ID, { tlsVersion: '$undefined' }, CB],
    [ID, { tlsVersion: {} }, CB],
    [ID, { tlsVersion: { min: null, max: '$undefined' } }, CB],
    [ID, { tlsVersion: { min: 'bogus', max: '' } }, CB],
    [ID, { tlsVersion: '$inherited' }, CB],
  ]),
  row('send: wrong arguments', 'send', [
    ...wrongIds('send', '$buffer'),
    [ID, 'abc', CB],
    [ID, [1, 2], CB],
    [ID, {}, CB],
    [ID, 5, CB],
    [ID, null, CB],
    [ID, '$undefined', CB],
    [ID, true, CB],
    [ID, '$shared', CB],
    [ID, '$function', CB],
    [ID, CB],
    [ID, '$buffer'],
    [ID, '$buffer', null],
    [ID, '$buffer', '$undefined'],
    [ID, '$buffer', 5],
    [ID, '$buffer', CB, 1],
    [],
  ]),
  row('send: accepted calls', 'send', [
    [ID, '$buffer', CB],
    [ID, '$view', CB],
    [ID, '$floats', CB],
    [ID, '$dataview', CB],
    [ID, '$detached', CB],
    [ID, '$sharedview', CB],
    [0, '$buffer', CB],
    [-1, '$buffer', CB],
  ]),
  row('close: wrong arguments', 'close', [
    ...wrongIds('close'),
    [],
    [null],
    [ID, 'x'],
    [ID, 5],
    [ID, {}],
    [ID, []],
    [ID, CB, CB],
    [ID, CB, null],
    [ID, null, null],
  ]),
  row('close: accepted calls', 'close', [
    [ID, CB],
    [ID],
    [ID, null],
    [ID, '$undefined'],
    [0, CB],
    [-1, CB],
    ['$-0', CB],
  ]),
  row('getInfo: wrong arguments', 'getInfo', [
    ...wrongIds('getInfo'),
    [],
    [ID, 5],
    [ID, {}],
    [ID, CB, 1],
  ]),
  row('getInfo: accepted calls', 'getInfo', [[ID, CB], [ID], [ID, null], [ID, '$undefined']]),
  row('getSockets: wrong arguments', 'getSockets', [
    [5],
    ['x'],
    [{}],
    [[]],
    [true],
    [CB, 1],
    [null, CB],
    ['$undefined', CB],
    [CB, CB],
    [null, null],
  ]),
  row('getSockets: accepted calls', 'getSockets', [[CB], [], [null], ['$undefined']]),
  {
    name: 'what is callable is a callback',
    async run({ tcp, log }) {
      await new Promise((resolve) => {
        tcp.getSockets(async (...args) => {
          log('async function', args.length);
          resolve();
        });
      });
      await new Promise((resolve) => {
        tcp.getSockets(
          new Proxy(() => {}, {
            apply: (_target, _receiver, args) => {
              log('proxy', args.length);
              resolve();
            },
          }),
        );
      });
      await new Promise((resolve) => {
        tcp.getSockets(
          function (label, ...args) {
            log(label, args.length);
            resolve();
          }.bind(null, 'bound'),
        );
      });
    },
  },
  {
    name: 'omitted callbacks: a failure ends as an unhandled rejection',
    async run({ tcp, log, show, quiet }) {
      log(show(tcp.close(2147483647)));
      log(show(tcp.update(2147483647, {})));
      log(show(tcp.setPaused(2147483647, true)));
      log(show(tcp.disconnect(2147483647)));
      log(show(tcp.getInfo(2147483647)));
      await quiet(50);
    },
  },
  {
    name: 'a rejection is an Error of the realm with only a message',
    async run({ tcp, runtime, log, show }) {
      try {
        await tcp.close(2147483647);
      } catch (error) {
        log(error instanceof Error, Object.getPrototypeOf(error) === Error.prototype);
        log(show(Object.getOwnPropertyNames(error).sort()), error.message, error.name);
        log('lastError' in runtime);
      }
    },
  },
  {
    name: 'promises of all seven methods that give one',
    async run({ tcp, attempt, quiet }) {
      const info = await attempt('create', () => tcp.create({ name: 'n' }));
      const id = info.socketId;
      await attempt('update', () => tcp.update(id, { name: 'm' }));
      await attempt('setPaused', () => tcp.setPaused(id, true));
      await attempt('getInfo', () => tcp.getInfo(id));
      await attempt('getSockets', () => tcp.getSockets());
      await attempt('disconnect', () => tcp.disconnect(id));
      await attempt('close', () => tcp.close(id));
      await attempt('close again', () => tcp.close(id));
      await quiet(20);
    },
  },
  {
    name: 'promises and callbacks are served in call order',
    async run({ tcp, log, create }) {
      const id = await create();
      await Promise.all([
        tcp.getInfo(id).then(() => log('1 promise')),
        new Promise((resolve) =>
          tcp.getInfo(id, () => {
            log('2 callback');
            resolve();
          }),
        ),
        tcp.update(id, {}).then(() => log('3 promise')),
        new Promise((resolve) =>
          tcp.close(id, () => {
            log('4 callback');
            resolve();
          }),
        ),
        tcp.close(id).catch(() => log('5 rejection')),
      ]);
    },
  },

  // A message is shown as JSON, where a lone surrogate and U+0000 can be told from what stands for them.
  ...[
    ['with U+0000: the name ends there', { 'name\0x': 'hello' }],
    ['that begins with U+0000', { '\0name': 'hello' }],
    ['with U+0000, unknown', { 'abc\0name': 'hello' }],
    ['with U+0000, and a value of another type', { 'name\0': 5 }],
    ['twice, as far as U+0000: the later one counts', { name: 'first', 'name\0x': 'later' }],
    ['twice, as far as U+0000: null does not count', { name: 'first', 'name\0x': null }],
    ['with a lone surrogate', { 'na\ud800me': 'hello' }],
    ['with two lone surrogates', { 'na\udc00\ud800me': 'hello' }],
    ['with a lone surrogate in front of U+0000', { 'na\ud800\0me': 'hello' }],
    ['with characters beyond 16 bits', { '\u{1f600}': 'hello' }],
    ['of five thousand characters', { ['k'.repeat(5000)]: 'hello' }],
    ['that Object.prototype has, too', { constructor: 'hello' }],
    ['that is empty', { '': 'hello' }],
  ].map(([what, properties]) => ({
    name: `a property's name ${what}`,
    parameters: { properties: Object.entries(properties) },
    async run({ tcp, create, call, log, show, parameters }) {
      const id = await create();
      try {
        tcp.update(id, Object.fromEntries(parameters.properties), () => {});
      } catch (error) {
        log('threw', error.name, show(error.message));
      }
      await call('getInfo', id);
    },
  })),
  {
    name: "a dictionary's name in a dictionary ends at U+0000, too",
    async run({ tcp, log, show }) {
      for (const options of [
        { 'tlsVersion\0': { min: 5 } },
        { tlsVersion: { 'min\0x': 5 } },
        { tlsVersion: { '\ud800': 5 } },
      ]) {
        try {
          tcp.secure(-1, options, () => {});
        } catch (error) {
          log('threw', error.name, show(error.message.split(': ').slice(1)));
        }
      }
    },
  },
  {
    name: 'a revoked proxy is an object, or a function',
    async run({ tcp, attempt, quiet, expectCallback }) {
      const revoked = (target) => {
        const { proxy, revoke } = Proxy.revocable(target, {});
        revoke();
        return proxy;
      };
      await attempt('create', () => tcp.create(revoked({}), expectCallback('create')));
      await attempt('name', () => tcp.create({ name: revoked({}) }, expectCallback('name')));
      await attempt('send', () => tcp.send(-1, revoked({}), expectCallback('send')));
      await attempt('secure', () => tcp.secure(-1, revoked({}), expectCallback('secure')));
      await quiet(20);
    },
  },
  {
    name: 'traps of a proxy see its keys, each property and each value, once',
    async run({ tcp, log, attempt, expectCallback }) {
      const seen = [];
      const handler = new Proxy(
        {},
        {
          get:
            (_target, trap) =>
            (...args) => {
              seen.push(typeof args[1] === 'string' ? `${trap} ${args[1]}` : trap);
              return Reflect[trap](...args);
            },
        },
      );
      const called = expectCallback('create');
      const properties = new Proxy({ name: 'n', bufferSize: 7 }, handler);
      await attempt('create', () => tcp.create(properties, called));
      log(seen.join(', '));
      await called.promise;
    },
  },
];
