'use strict';

const { testsInJest } = require('./support/jest-projects.js');

testsInJest('30', (config, options) => {
  const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  return [require.resolve('jest/bin/jest'), '--config', config, ...flags];
});
