'use strict';

/** Values as the structured clone algorithm leaves them. */

const cyclic = /** @type {any[]} */ ([]);
cyclic.push(cyclic);
const sparse = new Array(5000);

const VALUES = [
  ...[
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    1.5,
    NaN,
    Infinity,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
  ],
  ...[
    1n,
    '',
    'x',
    'create',
    'any',
    '\ud800',
    '__proto__',
    'a'.repeat(5000),
    [],
    [[]],
    [1, 2],
    {},
    cyclic,
  ],
  ...[
    { persistent: true },
    new Date(),
    new Date(NaN),
    /x/g,
    new Map([[1, 2]]),
    new Set([1]),
    new Error('e'),
  ],
  ...[
    new ArrayBuffer(0),
    new ArrayBuffer(16),
    new Uint8Array(9),
    new Int32Array(4),
    new Float64Array(2),
  ],
  ...[
    new DataView(new ArrayBuffer(8), 3),
    new Uint8Array(new ArrayBuffer(16), 3, 5),
    new BigInt64Array(2),
  ],
  ...[
    new SharedArrayBuffer(16),
    new Int32Array(new SharedArrayBuffer(16)),
    new Uint8Array(100_000),
  ],
  ...[Object(1), Object('s'), Object(false), sparse, { length: 2 }, JSON.parse('{"__proto__":1}')],
];

module.exports = { VALUES };
