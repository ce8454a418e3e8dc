'use strict';

const { instance } = require('../instance.js');

const stats = () => instance.native.stats();

module.exports = { stats };
