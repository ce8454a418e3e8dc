'use strict';

const { execFileSync } = require('node:child_process');

/** The arguments with which npx prints the path of Bun. */
const BUN_ARGUMENTS = ['bun', '-e', 'console.log(process.execPath)'];

/** @returns {string} the path of Bun, which npx gets from the registry */
function findBun() {
  return execFileSync('npx', ['-y', ...BUN_ARGUMENTS], { encoding: 'utf8' }).trim();
}

module.exports = { BUN_ARGUMENTS, findBun };
