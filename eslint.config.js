'use strict';

const js = require('@eslint/js');
const globals = require('globals');

module.exports = [
  { ignores: ['binding.js', 'coverage/', 'target/'] },
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
    // These also run inside a browser page.
    files: ['lib/{arguments,canonical-host,schema}.js'],
    languageOptions: { globals: { ...globals['shared-node-browser'], ...globals.commonjs } },
    rules: {
      'no-restricted-globals': ['error', 'Buffer', 'process', 'global', 'setImmediate'],
    },
  },
  {
    files: ['__test__/**/*.js'],
    languageOptions: { globals: globals.jest },
  },
];
