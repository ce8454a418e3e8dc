'use strict';

// Run by `npm run test:jest-29`, as most of what it finds, jest.test.js finds, too.

const { testsInJest } = require('./support/jest-projects.js');

testsInJest('29', (config, options) => [
  require.resolve('./support/jest-29.js'),
  JSON.stringify({ config, ...options }),
]);
