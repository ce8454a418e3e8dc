'use strict';

// For Node's loader of ES modules, which finds the names that can be imported by reading assignments.
exports.close =
  exports.connect =
  exports.create =
  exports.disconnect =
  exports.getInfo =
  exports.getSockets =
  exports.secure =
  exports.send =
  exports.setKeepAlive =
  exports.setNoDelay =
  exports.setPaused =
  exports.update =
  exports.onReceive =
  exports.onReceiveError =
  exports.DnsQueryType =
    undefined;

module.exports = require('./lib/api/tcp.js');
