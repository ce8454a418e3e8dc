'use strict';

module.exports = require('../lib/options/configure.js');
