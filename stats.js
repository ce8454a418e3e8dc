'use strict';

const { instance } = require('./lib/instance.js');

const stats = () => instance.native.stats();

module.exports = { stats };
