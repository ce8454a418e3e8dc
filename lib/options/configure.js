'use strict';

const { configureInstance } = require('./configuration.js');
const { instance } = require('../native/instance.js');

/**
 * @param {import('../../entry/configure.js').Configuration} configuration
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
