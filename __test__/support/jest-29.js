'use strict';

// The command line of jest 29, whose name in node_modules/.bin belongs to jest 30:
// `node jest-29.js '{"config": …, "runInBand": true}'`. A file, because jest hands the flags of its
// own Node down to its workers, an --eval among them.

const { runCLI } = require('jest-core-29');

async function main() {
  const argv = { _: [], $0: 'jest', ...JSON.parse(process.argv[2]) };
  const { results } = await runCLI(argv, ['.']);
  process.exitCode = results.success ? 0 : 1;
}

void main();
