'use strict';

const { loadBinding } = require('./lib/binding.js');

/** Names and numbers stand in src/net_error.rs. */
module.exports = Object.freeze(
  Object.fromEntries(
    loadBinding()
      .netErrors()
      .map(({ name, code }) => [name, code]),
  ),
);
