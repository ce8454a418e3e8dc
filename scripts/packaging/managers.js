'use strict';

/** Installs the packed package with each package manager but npm and uses it. */

const { mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { fileOf, runNode, versionOf } = require('./tools.js');

/**
 * @typedef {object} Tarballs
 * @property {string} main The tarball of the package.
 * @property {{ name: string, tarball: string }} native That of this platform's native module.
 */

/** Uses the package from CommonJS and from an ES module. */
const PROGRAMS = {
  'check.cjs': `const tcp = require('chrome-sockets-tcp');
tcp.create({}, ({ socketId }) => tcp.close(socketId, () => console.log('CommonJS works')));
`,
  'check.mjs': `import { create, close } from 'chrome-sockets-tcp/promises';
const { socketId } = await create();
await close(socketId);
console.log('ES module works');
`,
};

/** pnpm and Yarn take the native module from its tarball instead of the registry. */
const MANAGERS = [
  {
    name: 'pnpm',
    tool: 'pnpm',
    install: [fileOf('pnpm', 'bin', 'pnpm.cjs'), 'install', '--store-dir', '../store'],
  },
  {
    name: 'Yarn 1',
    tool: 'yarn',
    install: [fileOf('yarn', 'bin', 'yarn.js'), 'install', '--cache-folder', '../cache'],
  },
  { name: 'Yarn 4, node_modules', tool: '@yarnpkg/cli-dist', linker: 'node-modules' },
  { name: "Yarn 4, Plug'n'Play", tool: '@yarnpkg/cli-dist', linker: 'pnp' },
];

const YARN_4 = fileOf('@yarnpkg/cli-dist', 'bin', 'yarn.js');

/**
 * @param {string} folder
 * @param {Tarballs} tarballs
 * @param {string} [linker] of Yarn 4
 */
function writeProject(folder, { main, native }, linker) {
  mkdirSync(folder);
  const replaced = { [native.name]: `file:${native.tarball}` };
  const manifest = {
    private: true,
    dependencies: { 'chrome-sockets-tcp': `file:${main}` },
    resolutions: replaced,
    pnpm: { overrides: replaced },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  for (const [name, program] of Object.entries(PROGRAMS)) {
    writeFileSync(join(folder, name), program);
  }
  if (!linker) return;
  const settings = [
    `nodeLinker: ${linker}`,
    'enableTelemetry: false',
    'enableGlobalCache: false',
    'pnpEnableEsmLoader: true',
    // In CI the lockfile may not change otherwise, and this one is new.
    'enableImmutableInstalls: false',
  ];
  writeFileSync(join(folder, '.yarnrc.yml'), settings.join('\n'));
  // Marks the folder as a project of its own.
  writeFileSync(join(folder, 'yarn.lock'), '');
}

/**
 * @param {string} scratch A folder for the projects.
 * @param {Tarballs} tarballs
 */
function tryManagers(scratch, tarballs) {
  MANAGERS.forEach(({ name, tool, install = [YARN_4, 'install'], linker }, index) => {
    const folder = join(scratch, `manager-${index}`);
    writeProject(folder, tarballs, linker);
    runNode(folder, install);
    const node = linker ? [YARN_4, 'node'] : [];
    const output = Object.keys(PROGRAMS).map((program) => runNode(folder, [...node, program]));
    if (output.join('') !== 'CommonJS works\nES module works\n') {
      throw new Error(`${name}: the programs printed ${JSON.stringify(output)}`);
    }
    console.log(`${name} (${versionOf(tool)}): CommonJS and ES modules work`);
  });
}

module.exports = { tryManagers };
