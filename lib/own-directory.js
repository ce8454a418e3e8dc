'use strict';

/**
 * @returns {string} The folder of this file or, in a bundle, of the bundle.
 */
function ownDirectory() {
  // An ES module has no such variable.
  if (typeof __dirname === 'string') return __dirname;
  throw new Error(
    'chrome-sockets-tcp: its files cannot be found from a bundle that is an ES module. Mark ' +
      'chrome-sockets-tcp as external in the configuration of the bundler.',
  );
}

module.exports = { ownDirectory };
