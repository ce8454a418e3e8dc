'use strict';

const { settings } = require('./lib/instance.js');
const { parseManifest } = require('./lib/manifest.js');

/**
 * One function per option: checks a value, without effect, and returns what applies it.
 *
 * @type {Record<string, (value: any) => () => void>}
 */
const options = {
  manifest(value) {
    const permissions = value === null ? undefined : parseManifest(value);
    return () => (settings.permissions = permissions);
  },
};

/**
 * @param {import('./configure.js').Configuration} configuration
 */
function configure(configuration) {
  if (typeof configuration !== 'object' || configuration === null) {
    throw new TypeError(`configure: expected an object with options, found ${configuration}`);
  }
  const given = Object.entries(configuration).filter(([, value]) => value !== undefined);
  const unknown = given.find(([name]) => !Object.hasOwn(options, name));
  if (unknown) {
    const known = Object.keys(options).join(', ');
    throw new TypeError(`configure: ${unknown[0]}: no such option, expected one of ${known}`);
  }
  // All are checked before the first is applied.
  for (const apply of given.map(([name, value]) => options[name](value))) apply();
}

module.exports = { configure };
