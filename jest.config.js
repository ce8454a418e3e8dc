'use strict';

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/__test__/**/*.test.js'],
  // Other platforms' builds have sources there, with snapshots of their own.
  modulePathIgnorePatterns: ['<rootDir>/target/'],
  globalSetup: '<rootDir>/__test__/support/global-setup.js',
};
