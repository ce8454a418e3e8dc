'use strict';

const { configureInstance } = require('./lib/configuration.js');
const { instance } = require('./lib/instance.js');

/**
 * @param {import('./configure.js').Configuration} configuration
 */
function configure(configuration) {
  try {
    configureInstance(instance, configuration);
  } catch (/** @type {any} */ error) {
    error.message = `configure: ${error.message}`;
    throw error;
  }
}

module.exports = { configure };
