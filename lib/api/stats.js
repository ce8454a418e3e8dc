'use strict';

const { instance } = require('../native/instance.js');

const stats = () => instance.native.stats();

module.exports = { stats };
