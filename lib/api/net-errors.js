'use strict';

const { loadBinding } = require('../native/binding.js');

/** src/net_error.rs defines the names and numbers. */
module.exports = Object.freeze(
  Object.fromEntries(
    loadBinding()
      .netErrors()
      .map(({ name, code }) => [name, code]),
  ),
);
