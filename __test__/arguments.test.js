'use strict';

// Outcomes recorded from Chromium 156 in a context that has promises.

const { inspect } = require('node:util');
const vm = require('node:vm');
const { bytesOf, parsers } = require('../lib/renderer/arguments.js');

const cb = () => {};
const buffer = new ArrayBuffer(8);
const shared = new SharedArrayBuffer(8);
const symbol = Symbol('s');
const own = new Error('thrown by the caller');

const throwing = (key) => ({
  get [key]() {
    throw own;
  },
});
const hidden = (key, value) => Object.defineProperty({}, key, { value, enumerable: false });
const argumentsOf = function () {
  return arguments;
};

const signatures = {
  close: 'integer socketId, optional function callback',
  connect:
    'integer socketId, string peerAddress, integer peerPort, ' +
    'optional sockets.tcp.DnsQueryType dnsQueryType, function callback',
  create: 'optional sockets.tcp.SocketProperties properties, optional function callback',
  disconnect: 'integer socketId, optional function callback',
  getInfo: 'integer socketId, optional function callback',
  getSockets: 'optional function callback',
  secure: 'integer socketId, optional sockets.tcp.SecureOptions options, function callback',
  send: 'integer socketId, binary data, function callback',
  setKeepAlive: 'integer socketId, boolean enable, optional integer delay, function callback',
  setNoDelay: 'integer socketId, boolean noDelay, function callback',
  setPaused: 'integer socketId, boolean paused, optional function callback',
  update: 'integer socketId, sockets.tcp.SocketProperties properties, optional function callback',
};

const invocationError = (method, detail) =>
  new TypeError(`Error in invocation of sockets.tcp.${method}(${signatures[method]}): ${detail}`);

/** Method, arguments, and the values the method then works with. */
const accepted = [
  ['create', [], [undefined, undefined]],
  ['create', [{}], [{}, undefined]],
  ['create', [cb], [undefined, cb]],
  ['create', [null, cb], [undefined, cb]],
  ['create', [undefined, cb], [undefined, cb]],
  ['create', [{}, cb], [{}, cb]],
  ['create', [{}, null], [{}, undefined]],
  ['create', [null, null], [undefined, undefined]],
  ['create', [undefined], [undefined, undefined]],
  ['create', [{ name: null, bufferSize: undefined }, cb], [{}, cb]],
  ['create', [{ bufferSize: -0 }, cb], [{ bufferSize: 0 }, cb]],
  ['create', [{ bufferSize: 2147483647 }, cb], [{ bufferSize: 2147483647 }, cb]],
  ['create', [{ name: 'a\uD800b\0' }, cb], [{ name: 'a\uFFFD\uFFFD\uFFFDb\0' }, cb]],
  ['create', [{ name: '\u{1F600}' }, cb], [{ name: '\u{1F600}' }, cb]],
  ['create', [new Uint8Array(0), cb], [{}, cb]],
  ['create', [new Date(), cb], [{}, cb]],
  ['create', [/x/, cb], [{}, cb]],
  ['create', [new Map([[1, 2]]), cb], [{}, cb]],
  ['create', [new Error('x'), cb], [{}, cb]],
  ['create', [buffer, cb], [{}, cb]],
  ['create', [shared, cb], [{}, cb]],
  ['create', [new Number(1), cb], [{}, cb]],
  ['create', [Object(1n), cb], [{}, cb]],
  ['create', [argumentsOf(), cb], [{}, cb]],
  ['create', [Object.create({ name: 'inherited' }), cb], [{}, cb]],
  ['create', [Object.create(null), cb], [{}, cb]],
  ['create', [{ [symbol]: 1 }, cb], [{}, cb]],
  ['create', [hidden('name', 5), cb], [{}, cb]],
  ['create', [hidden('foo', 5), cb], [{}, cb]],
  ['create', [new Proxy({}, {}), cb], [{}, cb]],
  ['update', [1, {}], [1, {}, undefined]],
  ['update', [1, {}, cb], [1, {}, cb]],
  ['update', [1, {}, undefined], [1, {}, undefined]],
  ['setPaused', [1, true], [1, true, undefined]],
  ['setPaused', [1, true, null], [1, true, undefined]],
  ['setKeepAlive', [1, true, cb], [1, true, undefined, cb]],
  ['setKeepAlive', [1, true, null, cb], [1, true, undefined, cb]],
  ['setKeepAlive', [1, true, undefined, cb], [1, true, undefined, cb]],
  ['setKeepAlive', [1, true, -5, cb], [1, true, -5, cb]],
  ['setKeepAlive', [1, true, -0, cb], [1, true, 0, cb]],
  ['setNoDelay', [1, true, cb], [1, true, cb]],
  ['connect', [-0, 'h', 80, cb], [0, 'h', 80, undefined, cb]],
  ['connect', [1.0, 'h', 70000, cb], [1, 'h', 70000, undefined, cb]],
  ['connect', [-2147483648, 'h', -5, cb], [-2147483648, 'h', -5, undefined, cb]],
  ['connect', [1, 'h', 80, null, cb], [1, 'h', 80, undefined, cb]],
  ['connect', [1, 'h', 80, undefined, cb], [1, 'h', 80, undefined, cb]],
  ['connect', [1, 'h', 80, 'any', cb], [1, 'h', 80, 'any', cb]],
  ['connect', [1, 'h', 80, 'ipv4', cb], [1, 'h', 80, 'ipv4', cb]],
  ['connect', [1, 'h', 80, 'ipv6', cb], [1, 'h', 80, 'ipv6', cb]],
  ['disconnect', [1], [1, undefined]],
  ['disconnect', [1, null], [1, undefined]],
  ['disconnect', [1, cb], [1, cb]],
  ['secure', [1, cb], [1, undefined, cb]],
  ['secure', [1, null, cb], [1, undefined, cb]],
  ['secure', [1, {}, cb], [1, {}, cb]],
  ['secure', [1, { tlsVersion: null }, cb], [1, {}, cb]],
  ['secure', [1, { tlsVersion: buffer }, cb], [1, { tlsVersion: {} }, cb]],
  ['secure', [1, { tlsVersion: { max: null } }, cb], [1, { tlsVersion: {} }, cb]],
  [
    'secure',
    [1, { tlsVersion: { min: 'bogus', max: 'tls1.3' } }, cb],
    [1, { tlsVersion: { min: 'bogus', max: 'tls1.3' } }, cb],
  ],
  ['close', [1], [1, undefined]],
  ['close', [1, null], [1, undefined]],
  ['close', [1, undefined], [1, undefined]],
  ['getInfo', [1], [1, undefined]],
  ['getInfo', [1, cb], [1, cb]],
  ['getSockets', [], [undefined]],
  ['getSockets', [null], [undefined]],
  ['getSockets', [undefined], [undefined]],
  ['getSockets', [cb], [cb]],
];

/** Method and arguments that no way of assigning them to the parameters fits. */
const unmatched = [
  ['create', ['x', cb]],
  ['create', [1, cb]],
  ['create', [true, cb]],
  ['create', [symbol, cb]],
  ['create', [1n, cb]],
  ['create', [[], cb]],
  ['create', [class {}, cb]],
  ['create', [cb, cb]],
  ['create', [cb, null]],
  ['create', [cb, undefined]],
  ['create', [null, undefined, undefined]],
  ['create', [{}, cb, undefined]],
  ['create', [{}, cb, 1]],
  ['create', [{}, {}]],
  ['create', [{}, 'x']],
  ['create', [{}, 1]],
  ['update', []],
  ['update', [1]],
  ['update', [1, null]],
  ['update', [1, undefined]],
  ['update', [1, null, cb]],
  ['update', [1, cb]],
  ['update', [1, cb, null]],
  ['update', ['1', {}, cb]],
  ['update', [null, {}, cb]],
  ['update', [1, [], cb]],
  ['update', [1, 'x']],
  ['update', [1, {}, cb, cb]],
  ['setPaused', []],
  ['setPaused', [1]],
  ['setPaused', [1, 'true']],
  ['setPaused', [1, 1, cb]],
  ['setPaused', [1, null]],
  ['setPaused', [1, undefined, cb]],
  ['setPaused', [1, new Boolean(true)]],
  ['setPaused', [1, true, {}]],
  ['setPaused', [1, true, cb, undefined]],
  ['setPaused', [true, 1]],
  ['setKeepAlive', [1, true]],
  ['setKeepAlive', [1, cb]],
  ['setKeepAlive', [1, true, 5]],
  ['setKeepAlive', [1, true, 5, null]],
  ['setKeepAlive', [1, true, null, null]],
  ['setKeepAlive', [1, true, 1.5, cb]],
  ['setKeepAlive', [1, true, '5', cb]],
  ['setKeepAlive', [1, true, cb, cb]],
  ['setKeepAlive', [1, true, cb, null]],
  ['setKeepAlive', [1, 1, 0, cb]],
  ['setNoDelay', []],
  ['setNoDelay', [1, true]],
  ['setNoDelay', [1, true, null]],
  ['setNoDelay', [1, 1, cb]],
  ['connect', []],
  ['connect', [1, 'h', 80]],
  ['connect', [1, 'h', cb]],
  ['connect', [1, 'h', '80', cb]],
  ['connect', [1, 'h', 1.5, cb]],
  ['connect', ['1', 'h', 80, cb]],
  ['connect', [1.5, 'h', 80, cb]],
  ['connect', [NaN, 'h', 80, cb]],
  ['connect', [Infinity, 'h', 80, cb]],
  ['connect', [2147483648, 'h', 80, cb]],
  ['connect', [-2147483649, 'h', 80, cb]],
  ['connect', [1, null, 80, cb]],
  ['connect', [1, new String('h'), 80, cb]],
  ['connect', [1, 'h', 80, 4, cb]],
  ['connect', [1, 'h', 80, {}, cb]],
  ['connect', [1, 'h', 80, new String('any'), cb]],
  ['connect', [1, 'h', 80, 'any']],
  ['connect', [1, 'h', 80, 'v4']],
  ['connect', [1, 'h', 80, 'v4', null]],
  ['connect', [1, 'h', 80, 'any', cb, undefined]],
  ['disconnect', []],
  ['disconnect', [1, 'x']],
  ['disconnect', ['1']],
  ['disconnect', [cb]],
  ['disconnect', [1, cb, cb]],
  ['secure', []],
  ['secure', [1]],
  ['secure', [1, {}]],
  ['secure', [1, null]],
  ['secure', [1, null, null]],
  ['secure', [1, { foo: 1 }]],
  ['secure', [1, [], cb]],
  ['secure', [1, 'x', cb]],
  ['secure', [1, cb, cb]],
  ['send', []],
  ['send', [1, cb]],
  ['send', [1, buffer]],
  ['send', [1, buffer, null]],
  ['send', [1, 'abc', cb]],
  ['send', [1, [1, 2], cb]],
  ['send', [1, {}, cb]],
  ['send', [1, null, cb]],
  ['send', [1, shared, cb]],
  ['send', [1, new Proxy(buffer, {}), cb]],
  ['send', [1, Object.create(buffer), cb]],
  ['send', ['1', buffer, cb]],
  ['send', [1, buffer, cb, undefined]],
  ['close', []],
  ['close', [1.5]],
  ['close', [null]],
  ['close', [cb]],
  ['close', [1, 'x']],
  ['close', [1, cb, cb]],
  ['getInfo', []],
  ['getInfo', [1n, cb]],
  ['getInfo', [new Number(1), cb]],
  ['getInfo', ['1', cb]],
  ['getInfo', [symbol]],
  ['getInfo', [cb]],
  ['getInfo', [1, {}]],
  ['getInfo', [1, cb, 1]],
  ['getInfo', [1, cb, undefined]],
  ['getSockets', [1]],
  ['getSockets', [cb, cb]],
  ['getSockets', [{}, cb]],
  ['getSockets', [null, null]],
];

/** Method, arguments, and the detail of the error inside one of them. */
const rejected = [
  ['create', [{ foo: 1 }, cb], "Error at parameter 'properties': Unexpected property: 'foo'."],
  ['create', [{ foo: null }, cb], "Error at parameter 'properties': Unexpected property: 'foo'."],
  ['create', [{ 5: 1 }, cb], "Error at parameter 'properties': Unexpected property: '5'."],
  [
    'create',
    [{ constructor: 1 }, cb],
    "Error at parameter 'properties': Unexpected property: 'constructor'.",
  ],
  ['create', [new Uint8Array(1), cb], "Error at parameter 'properties': Unexpected property: '0'."],
  ['create', [new String('ab'), cb], "Error at parameter 'properties': Unexpected property: '0'."],
  ['create', [argumentsOf(1), cb], "Error at parameter 'properties': Unexpected property: '0'."],
  [
    'create',
    [new Proxy({ a: 1 }, { get: cb }), cb],
    "Error at parameter 'properties': Unexpected property: 'a'.",
  ],
  ...[
    ['integer', 5],
    ['number', 1.5],
    ['number', -0],
    ['number', NaN],
    ['number', 2147483648],
    ['boolean', true],
    ['other', symbol],
    ['other', 1n],
    ['function', cb],
    ['function', new Proxy(cb, {})],
    ['array', []],
    ['object', {}],
    ['object', new String('x')],
    ['object', new Date()],
    ['object', shared],
    ['binary', buffer],
    ['binary', new DataView(buffer)],
  ].map(([word, name]) => [
    'create',
    [{ name }, cb],
    `Error at parameter 'properties': Error at property 'name': Invalid type: expected string, found ${word}.`,
  ]),
  [
    'create',
    [{ bufferSize: '1' }, cb],
    "Error at parameter 'properties': Error at property 'bufferSize': Invalid type: expected integer, found string.",
  ],
  [
    'create',
    [{ persistent: 1 }, cb],
    "Error at parameter 'properties': Error at property 'persistent': Invalid type: expected boolean, found integer.",
  ],
  [
    'create',
    [{ persistent: new Boolean(true) }, cb],
    "Error at parameter 'properties': Error at property 'persistent': Invalid type: expected boolean, found object.",
  ],
  ['update', [1, { foo: 1 }], "Error at parameter 'properties': Unexpected property: 'foo'."],
  [
    'update',
    [1, { name: 1 }],
    "Error at parameter 'properties': Error at property 'name': Invalid type: expected string, found integer.",
  ],
  ...['v4', 'ANY', ''].map((type) => [
    'connect',
    [1, 'h', 80, type, cb],
    "Error at parameter 'dnsQueryType': Value must be one of any, ipv4, ipv6.",
  ]),
  ['secure', [1, { foo: 1 }, cb], "Error at parameter 'options': Unexpected property: 'foo'."],
  [
    'secure',
    [1, { tlsVersion: { foo: 1 } }, cb],
    "Error at parameter 'options': Error at property 'tlsVersion': Unexpected property: 'foo'.",
  ],
  [
    'secure',
    [1, { tlsVersion: { min: 1.2 } }, cb],
    "Error at parameter 'options': Error at property 'tlsVersion': Error at property 'min': Invalid type: expected string, found number.",
  ],
  ...[
    ['string', 'tls1.2'],
    ['array', []],
    ['function', cb],
    ['integer', 1],
    ['other', symbol],
  ].map(([word, tlsVersion]) => [
    'secure',
    [1, { tlsVersion }, cb],
    `Error at parameter 'options': Error at property 'tlsVersion': Invalid type: expected sockets.tcp.TLSVersionConstraints, found ${word}.`,
  ]),
];

const titled = (rows) =>
  rows.map(([method, args, ...rest]) => [
    `${method}(${args.map((arg) => inspect(arg, { breakLength: Infinity })).join(', ')})`,
    method,
    args,
    ...rest,
  ]);

/** Parsed dictionaries have no prototype; the literals of a test have. */
function ordinary(value) {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== null) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, ordinary(member)]));
}

describe('accepted calls', () => {
  test.each(titled(accepted))('%s', (_title, method, args, values) => {
    expect(parsers[method]([...args]).map(ordinary)).toStrictEqual(values);
  });
});

describe('calls that match no signature', () => {
  test.each(titled(unmatched))('%s', (_title, method, args) => {
    expect(() => parsers[method](args)).toThrow(invocationError(method, 'No matching signature.'));
  });
});

describe('calls with an invalid member of an argument', () => {
  test.each(titled(rejected))('%s', (_title, method, args, detail) => {
    expect(() => parsers[method](args)).toThrow(invocationError(method, detail));
  });

  test('throw a TypeError', () => {
    expect(() => parsers.create([{ foo: 1 }])).toThrow(TypeError);
    expect(() => parsers.create(['x'])).toThrow(TypeError);
  });

  test('name the first invalid member in the order of the keys', () => {
    const wrong = { name: 1, bufferSize: 'y', persistent: 'x' };
    expect(() => parsers.create([wrong])).toThrow("Error at property 'name'");
    expect(() => parsers.create([{ zzz: 1, name: 1 }])).toThrow("Unexpected property: 'zzz'");
    expect(() => parsers.create([{ name: 1, zzz: 1 }])).toThrow("Error at property 'name'");
  });
});

describe('objects of the caller', () => {
  const thrownBy = (call) => {
    try {
      call();
    } catch (exception) {
      return exception;
    }
    throw new Error('nothing was thrown');
  };

  const throwOwn = () => {
    throw own;
  };

  test.each([
    ['a getter', 'create', [throwing('name'), cb]],
    ['a getter of a nested member', 'secure', [1, { tlsVersion: throwing('min') }, cb]],
    ['an ownKeys trap', 'create', [new Proxy({}, { ownKeys: throwOwn })]],
    [
      'a getOwnPropertyDescriptor trap',
      'create',
      [new Proxy({ name: 1 }, { getOwnPropertyDescriptor: throwOwn })],
    ],
  ])('pass on an exception of %s unchanged', (_title, method, args) => {
    expect(thrownBy(() => parsers[method](args))).toBe(own);
  });

  test('have each getter called once', () => {
    const getter = jest.fn(() => 'n');
    const properties = Object.defineProperty({}, 'name', { get: getter, enumerable: true });
    parsers.create([properties, cb]);
    expect(getter).toHaveBeenCalledTimes(1);
  });
});

describe('the bytes of a binary argument', () => {
  const parse = (data) => {
    const [, parsed] = parsers.send([1, data, cb]);
    return bytesOf(parsed);
  };
  const numbers = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7);

  test('comprise a whole ArrayBuffer', () => {
    expect(parse(numbers.buffer)).toStrictEqual(numbers);
  });

  test.each([
    ['Uint8Array', new Uint8Array(numbers.buffer, 2, 4)],
    ['Buffer', Buffer.from(numbers.buffer, 2, 4)],
    ['Uint16Array', new Uint16Array(numbers.buffer, 2, 2)],
    ['Float32Array', new Float32Array(numbers.buffer.slice(2, 6))],
    ['DataView', new DataView(numbers.buffer, 2, 4)],
  ])('are limited to the window of a %s', (_name, view) => {
    expect([...parse(view)]).toStrictEqual([2, 3, 4, 5]);
  });

  test('are copied out of memory shared with other threads', () => {
    const view = new Uint8Array(new SharedArrayBuffer(4));
    view.set([1, 2, 3, 4]);
    const bytes = parse(view);
    view.fill(0);
    expect([...bytes]).toStrictEqual([1, 2, 3, 4]);
  });

  test.each([
    ['ArrayBuffer', (detached) => detached],
    ['Uint8Array', (detached, before) => before.typedArray],
    ['DataView', (detached, before) => before.dataView],
  ])('are empty once the buffer of a %s is detached', (_name, choose) => {
    const detached = new ArrayBuffer(8);
    const before = { typedArray: new Uint8Array(detached), dataView: new DataView(detached) };
    structuredClone(detached, { transfer: [detached] });
    expect(parse(choose(detached, before))).toHaveLength(0);
  });

  test('are found in objects of another realm', () => {
    const [foreignBuffer, foreignView, foreignShared] = vm.runInNewContext(
      '[Uint8Array.of(1, 2).buffer, Uint16Array.of(515), new SharedArrayBuffer(2)]',
    );
    expect([...parse(foreignBuffer)]).toStrictEqual([1, 2]);
    expect([...parse(foreignView)]).toStrictEqual([3, 2]);
    expect(() => parse(foreignShared)).toThrow('No matching signature.');
  });
});
