'use strict';

const js = require('@eslint/js');
const globals = require('globals');

module.exports = [
  {
    ignores: ['coverage/', 'dist/', 'examples/typescript/dist/', 'target/'],
  },
  js.configs.recommended,
  {
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: 'commonjs',
      globals: globals.node,
    },
    rules: {
      curly: ['error', 'multi-line'],
      eqeqeq: 'error',
      'max-lines-per-function': ['error', { max: 150, skipBlankLines: true, skipComments: true }],
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.js'],
    rules: { strict: ['error', 'global'] },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { sourceType: 'module', globals: { chrome: 'readonly' } },
  },
  {
    files: ['conformance/electron/page.mjs'],
    languageOptions: { globals: globals.browser },
  },
  {
    // These also run inside a browser page.
    files: [
      'lib/base/{deliveries,intrinsics,strings}.js',
      'lib/electron/{credit,preload}.js',
      'lib/electron/page/*.js',
      'lib/renderer/*.js',
    ],
    // Pages have replacements for these.
    ignores: ['lib/renderer/{call-promise,canonical-host,report-exception}.js'],
    languageOptions: { globals: { ...globals['shared-node-browser'], ...globals.commonjs } },
    rules: {
      'no-restricted-globals': ['error', 'Buffer', 'process', 'global', 'setImmediate'],
    },
  },
  {
    files: ['examples/irc.js'],
    languageOptions: { globals: { chrome: 'readonly' } },
  },
  {
    files: ['__test__/**/*.js', 'examples/jest/*.test.js'],
    languageOptions: { globals: globals.jest },
  },
  {
    files: ['__test__/electron/{page,hostile-preload}.js'],
    languageOptions: { globals: { ...globals.browser, chrome: 'readonly' } },
  },
  {
    files: ['examples/chrome-app/{preload,apps/**/*}.js'],
    languageOptions: { globals: { ...globals.browser, chrome: 'readonly' } },
    // Scripts of a page share their globals.
    rules: { 'no-undef': 'off', 'no-unused-vars': 'off' },
  },
  {
    // As Chrome Apps were written.
    files: ['examples/{electron,web-server}/app/*.js', 'examples/chrome-app/apps/**/*.js'],
    languageOptions: { globals: { ...globals.browser, chrome: 'readonly' } },
    rules: { 'no-var': 'off', 'object-shorthand': 'off' },
  },
];
