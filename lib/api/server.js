'use strict';

module.exports = require('./sockets.js').tcpServer;
