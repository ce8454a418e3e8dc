'use strict';

// Run by `npm run test:jest-29` only, because jest.test.js finds most of the same errors.

const { testsInJest } = require('./support/jest-projects.js');

testsInJest('29', (config, options) => [
  require.resolve('./support/jest-29.js'),
  JSON.stringify({ config, ...options }),
]);
