'use strict';

/** Reads the bounds in the sources, for tests and reports. */

const { readFileSync } = require('node:fs');
const { join } = require('node:path');

/**
 * @param {string} file
 * @param {string} name of a constant that is a number or a product of numbers
 * @returns {number}
 */
function boundOf(file, name) {
  const source = readFileSync(join(__dirname, '..', file), 'utf8');
  const value = new RegExp(
    `^\\s*(?:pub\\(\\w+\\) )?const ${name}(?:: \\w+)? = ([\\d_* ]+);`,
    'm',
  ).exec(source)?.[1];
  if (!value) throw new Error(`${file} has no ${name}`);
  return value
    .split('*')
    .map((factor) => Number(factor.replaceAll('_', '')))
    .reduce((product, factor) => product * factor);
}

/** The maximum of threads that the runtime keeps after work. */
const RUNTIME_THREADS = [
  ['src/runtime/mod.rs', 'MAX_WORKERS'],
  ['src/runtime/mod.rs', 'MAX_LOOKUPS'],
  ['src/runtime/mod.rs', 'BLOCKING_RESERVE'],
]
  .map(([file, name]) => boundOf(file, name))
  .reduce((sum, bound) => sum + bound);

module.exports = { boundOf, RUNTIME_THREADS };
