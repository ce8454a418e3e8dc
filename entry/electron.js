'use strict';

module.exports = require('../lib/electron/serve.js');
