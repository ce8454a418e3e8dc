'use strict';

// For Node's loader of ES modules, which finds the names that can be imported by reading assignments.
exports.close =
  exports.create =
  exports.disconnect =
  exports.getInfo =
  exports.getSockets =
  exports.listen =
  exports.setPaused =
  exports.update =
  exports.onAccept =
  exports.onAcceptError =
    undefined;

module.exports = require('../lib/api/server.js');
