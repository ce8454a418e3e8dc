'use strict';

/**
 * Arguments (lib/renderer/arguments.js) of every kind that JavaScript has, against a second reading
 * of the schema: both accept the same values, refusals have Chromium's messages, and exceptions of
 * the application's own code pass through unchanged.
 */

const { types } = require('node:util');
const vm = require('node:vm');
const { parsers, bytesOf } = require('../../../lib/renderer/arguments.js');
const { dictionaries, enumerations, methods } = require('../../../lib/renderer/schema.js').tcp;

/** @typedef {import('../fuzz.js').Choices} Random */

const METHODS = /** @type {(keyof typeof parsers)[]} */ (Object.keys(methods));

/** The exception that getters and traps of these values throw. */
const THROWN = new RangeError('thrown by the application');
const throwing = () => {
  throw THROWN;
};

/** How often some property was read while one input was parsed. */
let reads = 0;

/** Whether some part of an input makes the engine itself throw. */
let lies = false;

// ---- Values -------------------------------------------------------------------------------------

const STRINGS = [
  '',
  'any',
  'ipv4',
  'ipv6',
  'tls1.2',
  '\ud800',
  'a\udc00b',
  '\ud83d\ude00',
  '\0',
  '__proto__',
];
const NUMBERS = [
  0,
  -0,
  1,
  -1,
  1.5,
  NaN,
  Infinity,
  -Infinity,
  2147483647,
  2147483648,
  -2147483648,
  -2147483649,
  1e300,
  5e-324,
];
const KEYS = [
  'persistent',
  'name',
  'bufferSize',
  'tlsVersion',
  'min',
  'max',
  'constructor',
  '__proto__',
  'x',
  '0',
];

/** @param {ArrayBufferLike} buffer */
const views = (buffer) => [
  new Uint8Array(buffer).fill(7, 3),
  new Uint8Array(buffer),
  new DataView(buffer),
  new Float64Array(buffer, 0, 1),
  new Uint16Array(buffer, 2, 3),
  Buffer.from(/** @type {ArrayBuffer} */ (buffer), 1, 4),
];

function detached() {
  const buffer = new ArrayBuffer(16);
  const all = views(buffer);
  structuredClone(buffer, { transfer: [buffer] });
  return [buffer, ...all];
}

/** Views that had more bytes than there are now, and views that follow the length of their buffer. */
function shrunk() {
  const resizable = /** @type {any} */ (ArrayBuffer);
  if (!resizable.prototype.resize) return [];
  const buffer = new resizable(16, { maxByteLength: 64 });
  const all = [buffer, ...views(buffer), new Uint8Array(buffer, 12), new DataView(buffer, 8)];
  buffer.resize(3);
  return all;
}

function shared() {
  const buffer = new SharedArrayBuffer(16);
  return [buffer, ...views(buffer)];
}

class Liar extends Uint8Array {
  get byteLength() {
    return 1e9;
  }
  get buffer() {
    return throwing();
  }
  get [Symbol.toStringTag]() {
    return /** @type {any} */ ('ArrayBuffer');
  }
}

const strange = vm.runInNewContext(`[
  new ArrayBuffer(8), new Uint8Array(5), new DataView(new ArrayBuffer(4)), [], [1], {}, { name: 'x' },
  () => {}, new Date(), new Map(), Object.create(null), new Proxy({}, {}), Symbol.iterator,
]`);

const BINARY = [
  ...views(new ArrayBuffer(16)),
  new ArrayBuffer(0),
  new ArrayBuffer(9),
  ...detached(),
  ...shrunk(),
  ...shared(),
  new Liar(7),
  Object.setPrototypeOf(new Uint8Array(3), null),
  Object.setPrototypeOf(new ArrayBuffer(3), { byteLength: 7 }),
  Object.defineProperty(new ArrayBuffer(2), 'byteLength', { value: 99, enumerable: true }),
];

const FUNCTIONS = [() => {}, class {}, async () => {}, new Proxy(() => {}, {}), Function.prototype];

const OTHERS = [
  ...[undefined, null, true, false, 1n, Symbol('s'), [], [1], [[]], new Array(3), new Date(0)],
  ...[new Map(), new Set(), /x/, new Error('e'), Object(1), Object('s'), Object(true), Object(1n)],
  ...[globalThis, Math, JSON, Promise.resolve(), new WeakMap(), Object.prototype, Array.prototype],
  ...[
    { [Symbol.toStringTag]: 'ArrayBuffer' },
    { [Symbol.toPrimitive]: throwing },
    Object.freeze({}),
  ],
  Object.create({ name: 'inherited', x: 1 }),
  Object.defineProperty({}, 'name', { value: 1, enumerable: false }),
  Object.defineProperty({}, 'byteLength', { get: throwing, enumerable: false }),
  ...strange,
];

/** Whose traps throw, break the engine's rules, or are gone. */
const revoked = (/** @type {object} */ target) => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};
const LYING = [
  revoked({}),
  revoked([]),
  revoked(() => {}),
  new Proxy({}, { ownKeys: () => [/** @type {any} */ (1)] }),
  new Proxy(Object.freeze({ name: 'x' }), { ownKeys: () => [] }),
  new Proxy({}, { ownKeys: () => ['name', 'name'] }),
  new Proxy(Object.freeze({ name: 'x' }), { get: () => 'y' }),
  new Proxy({ name: 'x' }, { getOwnPropertyDescriptor: () => /** @type {any} */ ('none') }),
];
const THROWING = [
  new Proxy({}, { ownKeys: throwing }),
  new Proxy({ name: 'x' }, { get: throwing }),
  new Proxy({ name: 'x' }, { getOwnPropertyDescriptor: throwing }),
  Object.defineProperty({}, 'name', { get: throwing, enumerable: true }),
  { tlsVersion: new Proxy({}, { ownKeys: throwing }) },
  { tlsVersion: Object.defineProperty({}, 'max', { get: throwing, enumerable: true }) },
];

/**
 * @param {Random} random
 * @returns {unknown}
 */
function anything(random) {
  switch (random.below(10)) {
    case 0:
      return random.pick(STRINGS);
    case 1:
      return random.pick(NUMBERS);
    case 2:
      return random.pick(BINARY);
    case 3:
      return random.pick(FUNCTIONS);
    case 4:
      return random.oneIn(4) ? random.pick(THROWING) : random.pick(OTHERS);
    case 5:
      if (random.oneIn(8)) lies = true;
      return random.pick(lies ? LYING : OTHERS);
    case 6:
      return random.bits() | 0;
    default:
      return random.pick(OTHERS);
  }
}

/**
 * A value of a type, mostly.
 *
 * @param {Random} random
 * @param {string} type
 * @returns {unknown}
 */
function valueOf(random, type) {
  if (random.oneIn(12)) return anything(random);
  switch (type) {
    case 'integer':
      return random.oneIn(2) ? random.bits() | 0 : random.pick(NUMBERS);
    case 'boolean':
      return random.oneIn(2);
    case 'string':
      return random.pick(STRINGS);
    case 'binary':
      return random.pick(BINARY);
    case 'function':
      return random.pick(FUNCTIONS);
  }
  return enumerations[type] ? random.pick([...enumerations[type], 'x']) : dictionary(random, type);
}

/**
 * @param {Random} random
 * @param {string} type
 * @returns {object}
 */
function dictionary(random, type) {
  /** @type {any} */
  const result = random.oneIn(6) ? Object.create({ name: 'inherited' }) : {};
  for (const declaration of dictionaries[type]) {
    if (random.oneIn(2)) continue;
    const [memberType, name] = declaration.split(' ');
    const value = random.oneIn(8) ? random.pick([null, undefined]) : valueOf(random, memberType);
    if (random.oneIn(6)) {
      Object.defineProperty(result, name, {
        get: () => value,
        enumerable: true,
        configurable: true,
      });
    } else result[name] = value;
  }
  if (random.oneIn(10)) {
    const enumerable = !random.oneIn(3);
    const value = anything(random);
    Object.defineProperty(result, random.pick(KEYS), { value, enumerable, configurable: true });
  }
  if (random.oneIn(20)) result[Symbol('ignored')] = 1;
  return random.oneIn(5) ? new Proxy(result, COUNTING) : result;
}

/** @type {ProxyHandler<any>} */
const COUNTING = {
  get(target, key, receiver) {
    reads += 1;
    return Reflect.get(target, key, receiver);
  },
};

// ---- A second reading of the schema -------------------------------------------------------------

/** @type {Record<string, (value: any) => boolean>} */
const BASIC = {
  integer: (value) => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31,
  boolean: (value) => value === true || value === false,
  string: (value) => typeof value === 'string',
  function: (value) => typeof value === 'function',
  binary: (value) => types.isArrayBufferView(value) || types.isArrayBuffer(value),
};

/**
 * @param {string} type
 * @param {any} value
 * @returns {boolean}
 */
function hasType(type, value) {
  if (BASIC[type]) return BASIC[type](value);
  if (enumerations[type]) return typeof value === 'string';
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @typedef {{ type: string, optional: boolean }} Declared
 *
 * @param {string} declaration
 * @returns {Declared}
 */
function declared(declaration) {
  const words = declaration.split(' ');
  return { type: words[words.length - 2], optional: words[0] === 'optional' };
}

const PARAMETERS = Object.fromEntries(METHODS.map((name) => [name, methods[name].map(declared)]));

/**
 * The first way to give each argument to a parameter, preferring to give an argument over leaving
 * it out, from left to right.
 *
 * @param {Declared[]} parameters
 * @param {unknown[]} args
 * @returns {unknown[] | undefined}
 */
function assigned(parameters, args) {
  for (let omitted = 0; omitted < 1 << parameters.length; omitted++) {
    let next = 0;
    /** @type {unknown[]} */
    const values = [];
    const fits = parameters.every(({ type, optional }, index) => {
      if ((omitted >> (parameters.length - 1 - index)) & 1) {
        values.push(undefined);
        return optional;
      }
      const value = args[next];
      if (next >= args.length) return false;
      next += 1;
      const isNothing = optional && (value === null || value === undefined);
      values.push(isNothing ? undefined : value);
      return isNothing || hasType(type, value);
    });
    if (fits && next === args.length) return values;
  }
  return undefined;
}

/**
 * @param {string} type
 * @param {any} value
 * @returns {boolean} Whether a value that has the type is allowed in all its parts.
 */
function isAllowed(type, value) {
  if (enumerations[type]) return enumerations[type].includes(value);
  if (!dictionaries[type]) return true;
  const members = new Map(
    dictionaries[type].map(
      (member) => /** @type {[string, string]} */ (member.split(' ').reverse()),
    ),
  );
  for (const key of Object.keys(value)) {
    const memberType = members.get(key);
    if (memberType === undefined) return false;
    const found = value[key];
    if (found === null || found === undefined) continue;
    if (!hasType(memberType, found) || !isAllowed(memberType, found)) return false;
  }
  return true;
}

/**
 * @param {string} type
 * @param {any} value The argument.
 * @param {any} parsed Its parsed value.
 * @returns {boolean} Whether native code may get that value.
 */
function isParsed(type, value, parsed) {
  if (type === 'integer') return Object.is(parsed, value + 0) && !Object.is(parsed, -0);
  if (type === 'string' || enumerations[type]) {
    return typeof parsed === 'string' && Buffer.from(parsed, 'utf8').toString() === parsed;
  }
  if (!dictionaries[type]) return parsed === value;
  if (Object.getPrototypeOf(parsed) !== null) return false;
  return Object.keys(parsed).every((key) => {
    const member = dictionaries[type].find((declaration) => declaration.endsWith(` ${key}`));
    return member !== undefined && isParsed(member.split(' ')[0], value[key], parsed[key]);
  });
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype);

/**
 * @param {any} value A binary argument.
 * @param {Uint8Array} bytes
 * @returns {boolean} Whether these are its bytes, looked at one by one: none, where they are gone.
 */
function areBytesOf(value, bytes) {
  const prototype = types.isDataView(value) ? DataView.prototype : typedArray;
  const read = (/** @type {string} */ name) => Reflect.get(prototype, name, value);
  try {
    const view = types.isAnyArrayBuffer(value)
      ? new DataView(/** @type {ArrayBuffer} */ (value))
      : new DataView(read('buffer'), read('byteOffset'), read('byteLength'));
    return (
      view.byteLength === bytes.length &&
      bytes.every((byte, index) => view.getUint8(index) === byte)
    );
  } catch {
    return bytes.length === 0;
  }
}

/** @type {import('../fuzz.js').Target} */
module.exports = {
  about: 'arguments of every kind, against a second reading of the schema',
  share: { seconds: 8, inputs: 40_000_000 },

  start: () => ({
    try(random, { expect }) {
      lies = false;
      const method = random.pick(METHODS);
      const parameters = PARAMETERS[method];
      const args = [];
      for (const { type, optional } of parameters) {
        if (!random.oneIn(optional ? 2 : 30)) args.push(valueOf(random, type));
      }
      if (random.oneIn(15)) {
        args.splice(random.below(args.length + 1), random.below(2), anything(random));
      }
      const given = [...args];
      const about = () => `${method}(${given.map(describe).join(', ')})`;

      reads = 0;
      /** @type {any} */
      let thrown;
      /** @type {any[] | undefined} */
      let values;
      try {
        values = parsers[method](args);
      } catch (error) {
        thrown = error;
      }
      expect(reads <= 5, () => `${about()} reads ${reads} properties`);

      if (thrown === THROWN) return;
      if (lies) return;
      const expected = assigned(parameters, given);
      if (values === undefined) {
        const inWords =
          Object.getPrototypeOf(thrown) === TypeError.prototype &&
          thrown.message.startsWith(`Error in invocation of sockets.tcp.${method}(`);
        expect(inWords, () => `${about()} throws ${thrown}`);
        const refused =
          !expected ||
          !parameters.every(
            ({ type }, index) => expected[index] === undefined || isAllowed(type, expected[index]),
          );
        expect(refused, () => `${about()} is refused: ${thrown.message}`);
        return;
      }
      const parsed = values;
      expect(expected, () => `${about()} is accepted`);
      if (!expected) return;
      parameters.forEach(({ type }, index) => {
        const value = expected[index];
        const well =
          value === undefined
            ? parsed[index] === undefined
            : isAllowed(type, value) && isParsed(type, value, parsed[index]);
        expect(well, () => `${about()}: argument ${index} becomes ${describe(parsed[index])}`);
      });
      if (method === 'send') {
        const bytes = bytesOf(parsed[1]);
        const plain =
          Object.getPrototypeOf(bytes) === Uint8Array.prototype &&
          types.isArrayBuffer(bytes.buffer);
        expect(
          plain && areBytesOf(parsed[1], bytes),
          () => `${about()} sends ${bytes.length} bytes`,
        );
      }
    },
  }),
};

/** @param {any} value */
function describe(value) {
  if (types.isProxy(value)) return 'a proxy';
  try {
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  } catch {
    return typeof value;
  }
}
