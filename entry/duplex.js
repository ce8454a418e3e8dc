'use strict';

module.exports = require('../lib/adapters/duplex.js');
