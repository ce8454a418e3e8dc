'use strict';

const { writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');

/**
 * @param {unknown} manifest As a scenario has it: a string is the text of a file.
 * @returns {unknown} As the module wants it.
 */
function manifestOf(manifest) {
  if (typeof manifest !== 'string') return manifest;
  // In the directory of the run, which its starter removes.
  const path = join(dirname(process.env.SSL_CERT_FILE ?? ''), `manifest-${process.pid}.json`);
  writeFileSync(path, manifest);
  return path;
}

module.exports = { manifestOf };
