'use strict';

/**
 * Writes the parser of `chrome-sockets-tcp check` to `dist/`, so that the package has no dependencies.
 * `npm run setup` and `npm pack` run it.
 */

const { copyFileSync, mkdirSync } = require('node:fs');
const { dirname, join } = require('node:path');

const folder = join(__dirname, '..', 'dist');
const parser = dirname(require.resolve('@babel/parser/package.json'));

mkdirSync(folder, { recursive: true });
copyFileSync(join(parser, 'lib', 'index.js'), join(folder, 'babel-parser.js'));
copyFileSync(join(parser, 'LICENSE'), join(folder, 'LICENSE-babel-parser'));
