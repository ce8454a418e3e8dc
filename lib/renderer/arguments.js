'use strict';

/**
 * Chromium's argument checks: extensions/renderer/bindings/{argument_spec,api_signature,
 * api_invocation_errors}.cc. Plain JavaScript without Node APIs, so that the same code can run
 * beside the real API inside a browser.
 */

const { tcp, tcpServer } = require('./schema.js');
const { fromUtf8, propertyName } = require('../base/strings.js');

/**
 * @typedef {object} Type
 * @property {string} expected The word for it in messages and signatures.
 * @property {(value: unknown) => boolean} accepts Whether a value has the basic type.
 * @property {(value: any, fail: Fail) => any} [parse] Converts a value of the basic type for the method; reports
 *   invalid members and strings to `fail`.
 *
 * @typedef {(detail: string) => never} Fail
 * @typedef {{ name: string, type: Type, optional: boolean }} Parameter
 * @typedef {(args: unknown[]) => any[]} Parser Gives one value per declared parameter (`undefined`
 *   for one that was left out) or throws Chromium's error.
 */

/**
 * The getter of a built-in property, which own properties of a value cannot shadow.
 *
 * @param {object} prototype
 * @param {PropertyKey} key
 * @returns {(this: any) => any}
 */
function getter(prototype, key) {
  return /** @type {any} */ (Object.getOwnPropertyDescriptor(prototype, key)?.get);
}

const getByteLength = getter(ArrayBuffer.prototype, 'byteLength');

const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const getTypeName = getter(typedArray, Symbol.toStringTag);

const windowOfTypedArray = {
  getBuffer: getter(typedArray, 'buffer'),
  getByteOffset: getter(typedArray, 'byteOffset'),
  getByteLength: getter(typedArray, 'byteLength'),
};

const windowOfDataView = {
  getBuffer: getter(DataView.prototype, 'buffer'),
  getByteOffset: getter(DataView.prototype, 'byteOffset'),
  getByteLength: getter(DataView.prototype, 'byteLength'),
};

/**
 * Recognizes an ArrayBuffer of any realm (`instanceof` knows only the current one), but no
 * SharedArrayBuffer.
 *
 * @param {unknown} value
 * @returns {value is ArrayBuffer}
 */
function isArrayBuffer(value) {
  try {
    getByteLength.call(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {unknown} value
 * @returns {boolean}
 */
function isBinary(value) {
  return ArrayBuffer.isView(value) || (isObject(value) && isArrayBuffer(value));
}

/**
 * @param {unknown} value
 * @returns {boolean}
 */
function isArray(value) {
  try {
    return Array.isArray(value);
  } catch {
    return false; // a proxy that has been revoked
  }
}

/**
 * @param {unknown} value
 * @returns {boolean}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null && !isArray(value);
}

/**
 * Chromium's word for the type of an invalid value.
 *
 * @param {unknown} value
 * @returns {string}
 */
function typeWord(value) {
  switch (typeof value) {
    case 'number':
      // -0 is accepted as an integer, but error messages call it a number.
      return Object.is(value, value | 0) ? 'integer' : 'number';
    case 'boolean':
    case 'string':
    case 'function':
      return typeof value;
    case 'object':
      if (isArray(value)) return 'array';
      return isBinary(value) ? 'binary' : 'object';
    default:
      return 'other';
  }
}

/** @type {Record<string, Type>} */
const types = {
  integer: {
    expected: 'integer',
    accepts: (value) => typeof value === 'number' && (value | 0) === value,
    parse: (value) => value | 0, // -0 becomes 0
  },
  boolean: { expected: 'boolean', accepts: (value) => typeof value === 'boolean' },
  string: {
    expected: 'string',
    accepts: (value) => typeof value === 'string',
    parse: fromUtf8,
  },
  binary: { expected: 'binary', accepts: isBinary },
  function: { expected: 'function', accepts: (value) => typeof value === 'function' },
};

/**
 * @param {string} expected
 * @param {string[]} allowed
 * @returns {Type}
 */
function enumerationType(expected, allowed) {
  return {
    expected,
    accepts: types.string.accepts,
    parse(value, fail) {
      if (!allowed.includes(value)) fail(`Value must be one of ${allowed.join(', ')}.`);
      return value;
    },
  };
}

/**
 * @param {string} expected
 * @param {Parameter[]} declared
 * @returns {Type}
 */
function dictionaryType(expected, declared) {
  const members = new Map(declared.map((member) => [member.name, member]));
  return {
    expected,
    accepts: isObject,
    parse(value, fail) {
      // Without a prototype, so that properties of Object.prototype are not taken for members.
      /** @type {Record<string, unknown>} */
      const result = Object.create(null);
      for (const key of Object.keys(value)) {
        const name = propertyName(key);
        const member = members.get(name);
        if (!member) return fail(`Unexpected property: '${name}'.`);
        const found = value[key];
        if (found === null || found === undefined) continue;
        result[name] = parseMember(member, found, fail);
      }
      return result;
    },
  };
}

/**
 * @param {Parameter} member
 * @param {unknown} value
 * @param {Fail} fail
 * @returns {unknown}
 */
function parseMember({ name, type }, value, fail) {
  /** @type {Fail} */
  const failHere = (detail) => fail(`Error at property '${name}': ${detail}`);
  if (!type.accepts(value)) {
    failHere(`Invalid type: expected ${type.expected}, found ${typeWord(value)}.`);
  }
  return type.parse ? type.parse(value, failHere) : value;
}

/**
 * Assigns arguments to parameters from left to right, going back where an optional parameter took
 * an argument that a later one needs.
 *
 * @param {Parameter[]} parameters
 * @param {unknown[]} args
 * @param {any[]} values Receives one value per parameter.
 * @param {number} p The parameter to assign to.
 * @param {number} a The argument to assign.
 * @returns {boolean} Whether every argument found its parameter.
 */
function match(parameters, args, values, p = 0, a = 0) {
  if (p === parameters.length) return a === args.length;
  const { type, optional } = parameters[p];
  if (a < args.length) {
    const value = args[a];
    const omitted = optional && (value === null || value === undefined);
    if (omitted || type.accepts(value)) {
      values[p] = omitted ? undefined : value;
      if (match(parameters, args, values, p + 1, a + 1)) return true;
    }
  }
  values[p] = undefined;
  return optional && match(parameters, args, values, p + 1, a);
}

/**
 * @param {Parameter[]} parameters
 * @param {unknown[]} args
 * @returns {boolean} Whether there is exactly one argument of the right type for each parameter.
 */
function matchesInFull(parameters, args) {
  if (args.length !== parameters.length) return false;
  for (let i = 0; i < parameters.length; i++) {
    if (!parameters[i].type.accepts(args[i])) return false;
  }
  return true;
}

/**
 * Explains why arguments match no assignment of {@link match}: the argument that every assignment fails
 * on or, if there are several, the last of them.
 *
 * @param {Parameter[]} parameters
 * @param {unknown[]} args
 * @returns {string}
 */
function explainMismatch(parameters, args) {
  let failsAt = -1;
  /** @type {Set<string>} */
  let expected = new Set();
  /** @type {(a: number, parameter: string) => void} */
  const note = (a, parameter) => {
    if (a < failsAt) return;
    if (a > failsAt) expected = new Set();
    failsAt = a;
    expected.add(parameter);
  };
  /** @type {(p: number, a: number) => void} */
  const visit = (p, a) => {
    if (p === parameters.length) {
      if (a < args.length) note(a, 'no further argument');
      return;
    }
    const { name, type, optional } = parameters[p];
    const isNone = a < args.length && (args[a] === null || args[a] === undefined);
    if (a < args.length && (type.accepts(args[a]) || (optional && isNone))) visit(p + 1, a + 1);
    else note(a, `${type.expected} ${name}`);
    if (optional) visit(p + 1, a);
  };
  visit(0, 0);
  const words = [...expected].join(' or ');
  if (failsAt === args.length) return `argument ${failsAt + 1} is missing: expected ${words}`;
  const value = args[failsAt];
  const found = value === null || value === undefined ? String(value) : typeWord(value);
  return `argument ${failsAt + 1} is wrong: expected ${words}, found ${found}`;
}

/** @type {((explanation: string) => void) | undefined} */
let report;

/**
 * Has every error "No matching signature." explained, which Chromium's message does not.
 *
 * @param {(explanation: string) => void} reporter
 */
function reportMismatches(reporter) {
  report = reporter;
}

/**
 * @param {string} namespace
 * @param {string} method
 * @param {Parameter[]} parameters
 * @returns {Parser}
 */
function createParser(namespace, method, parameters) {
  const signature = parameters
    .map(({ name, type, optional }) => `${optional ? 'optional ' : ''}${type.expected} ${name}`)
    .join(', ');

  /** @type {Fail} */
  const fail = (detail) => {
    throw new TypeError(`Error in invocation of ${namespace}.${method}(${signature}): ${detail}`);
  };
  /** @type {Fail[]} */
  const failAt = parameters.map(
    ({ name }) =>
      (detail) =>
        fail(`Error at parameter '${name}': ${detail}`),
  );

  return (args) => {
    let values = args;
    if (!matchesInFull(parameters, args)) {
      values = [];
      if (!match(parameters, args, values)) {
        report?.(`${method}: ${explainMismatch(parameters, args)}`);
        fail('No matching signature.');
      }
    }
    for (let i = 0; i < parameters.length; i++) {
      const { parse } = parameters[i].type;
      if (parse && values[i] !== undefined) values[i] = parse(values[i], failAt[i]);
    }
    return values;
  };
}

const noBytes = new Uint8Array(0);

/** More than the quota of pending sends, which refuses the send. The length of a Uint8Array is limited. */
const TOO_MANY = 2 ** 28;

/**
 * @param {ArrayBuffer | ArrayBufferView} data
 * @returns {[buffer: ArrayBufferLike, offset: number, length: number]}
 * @throws {TypeError} If it is a DataView whose buffer is detached or has become too short.
 */
function windowOf(data) {
  if (!ArrayBuffer.isView(data)) return [data, 0, getByteLength.call(data)];
  const typeName = getTypeName.call(data);
  const window = typeName === undefined ? windowOfDataView : windowOfTypedArray;
  return [
    window.getBuffer.call(data),
    window.getByteOffset.call(data),
    window.getByteLength.call(data),
  ];
}

/**
 * The bytes an accepted `binary` argument stands for: a whole ArrayBuffer or the window of a view.
 *
 * @param {ArrayBuffer | ArrayBufferView} data
 * @returns {Uint8Array} At most {@link TOO_MANY}.
 */
function bytesOf(data) {
  let buffer;
  let bytes;
  try {
    const [whole, offset, length] = windowOf(data);
    buffer = whole;
    bytes = new Uint8Array(buffer, offset, Math.min(length, TOO_MANY));
  } catch {
    return noBytes; // the buffer is detached
  }
  // Another thread could write to shared memory while native code reads it.
  return isArrayBuffer(buffer) ? bytes : new Uint8Array(bytes);
}

/**
 * One parser per method of a namespace.
 *
 * @template {import('./schema.js').Schema} T
 * @param {T} schema
 * @returns {Record<keyof T['methods'], Parser>}
 */
function createParsers({ namespace, enumerations, dictionaries, methods }) {
  const known = { ...types };
  /** @type {(name: string) => Type} */
  const typeNamed = (name) => {
    const expected = `${namespace}.${name}`;
    return (known[name] ??= enumerations[name]
      ? enumerationType(expected, enumerations[name])
      : dictionaryType(expected, dictionaries[name].map(parseDeclaration)));
  };
  /** @type {(declaration: string) => Parameter} `[optional] type name` */
  const parseDeclaration = (declaration) => {
    const [name, typeName, optional] = declaration.split(' ').reverse();
    return { name, type: typeNamed(typeName), optional: optional === 'optional' };
  };
  const parsers = Object.entries(methods).map(([method, declarations]) => [
    method,
    createParser(namespace, method, declarations.map(parseDeclaration)),
  ]);
  return Object.fromEntries(parsers);
}

module.exports = {
  parsers: createParsers(tcp),
  serverParsers: createParsers(tcpServer),
  bytesOf,
  reportMismatches,
};
