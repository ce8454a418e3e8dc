'use strict';

module.exports = require('../lib/adapters/promises.js');
