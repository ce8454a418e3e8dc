'use strict';

/**
 * The part of a macOS SDK that the linker needs: the names of the frameworks' and libraries' symbols.
 * The SDK itself may be used on Apple's machines only. Zig has the names of libSystem; those of the two
 * frameworks are declared by the crates that call them.
 */

const { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { ToolError, crateFolders, once, run } = require('./tools.js');

const FRAMEWORKS = {
  Security: { crates: ['security-framework-sys'], version: '1.0.0' },
  CoreFoundation: { crates: ['core-foundation-sys'], version: '150.0.0' },
};

/** @param {string} folder @returns {string[]} The text of each Rust file below it. */
function sourcesBelow(folder) {
  const names = /** @type {string[]} */ (readdirSync(folder, { recursive: true }));
  const files = names.filter((name) => name.endsWith('.rs'));
  return files.map((name) => readFileSync(path.join(folder, name), 'utf8'));
}

/** @param {string[]} crates @param {Map<string, string>} folders of all crates, by name */
function declaredBy(crates, folders) {
  const symbols = new Set();
  for (const crate of crates) {
    const folder = folders.get(crate);
    if (!folder) throw new ToolError(`the lock file has no crate ${crate}`);
    for (const text of sourcesBelow(path.join(folder, 'src'))) {
      for (const [, name] of text.matchAll(/^\s*pub (?:unsafe )?fn (\w+)\s*\(/gm)) {
        symbols.add(name);
      }
      for (const [, name] of text.matchAll(/^\s*pub static (?:mut )?(k\w+)\s*:/gm)) {
        symbols.add(name);
      }
    }
  }
  return [...symbols].sort();
}

/**
 * @param {string} name where the library is at run time
 * @param {string} version
 * @param {string[]} symbols
 */
function stub(name, version, symbols) {
  return [
    '--- !tapi-tbd',
    'tbd-version: 4',
    'targets: [ x86_64-macos, arm64-macos ]',
    `install-name: '${name}'`,
    `current-version: ${version}`,
    'compatibility-version: 1.0.0',
    'exports:',
    '  - targets: [ x86_64-macos, arm64-macos ]',
    `    symbols: [ ${symbols.map((symbol) => `_${symbol}`).join(', ')} ]`,
    '...\n',
  ].join('\n');
}

/**
 * Rust's LLD as the linker of macOS. It knows neither the `-Wl` that napi-build passes by itself, for
 * Clang, nor `-flavor`, which rustc passes and the program's name says already.
 *
 * @returns {string} The path of a program.
 */
function makeLinker() {
  const sysroot = run('rustc', ['--print', 'sysroot']).trim();
  const lld = path.join(sysroot, 'lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld/ld64.lld');
  if (!existsSync(lld)) throw new ToolError(`${lld} is missing: install Rust from rustup.rs`);
  const folder = once('macos-linker', (made) => {
    const script = [
      '#!/bin/sh',
      'for argument do',
      '  shift',
      '  case $argument in',
      '    -Wl | -flavor | darwin) ;;',
      '    *) set -- "$@" "$argument" ;;',
      '  esac',
      'done',
      `exec '${lld}' "$@"\n`,
    ];
    writeFileSync(path.join(made, 'ld64'), script.join('\n'), { mode: 0o755 });
  });
  return path.join(folder, 'ld64');
}

/**
 * @param {string} tools The folder of Python's programs, among which is Zig.
 * @returns {{ sdk: string, linker: string }}
 */
function makeFrameworks(tools) {
  const linker = makeLinker();
  const sdk = once('macos-sdk', (folder) => {
    const zig = path.dirname(
      run(path.join(tools, 'python'), ['-c', 'import ziglang; print(ziglang.__file__)']).trim(),
    );
    const library = path.join(folder, 'usr/lib');
    mkdirSync(library, { recursive: true });
    mkdirSync(path.join(folder, 'usr/include'));
    // libc and libm are other names of libSystem.
    const system = readFileSync(path.join(zig, 'lib/libc/darwin/libSystem.tbd'), 'utf8');
    const names = new Set(Array.from(system.matchAll(/\b_([A-Za-z_]\w*)/g), ([, name]) => name));
    const systemStub = stub('/usr/lib/libSystem.B.dylib', '1351.0.0', [...names].sort());
    for (const name of ['libSystem', 'libc', 'libm']) {
      writeFileSync(path.join(library, `${name}.tbd`), systemStub);
    }
    const folders = crateFolders();
    const iconv = ['iconv', 'iconv_open', 'iconv_close'];
    writeFileSync(
      path.join(library, 'libiconv.tbd'),
      stub('/usr/lib/libiconv.2.dylib', '7.0.0', iconv),
    );
    for (const [name, { crates, version }] of Object.entries(FRAMEWORKS)) {
      const framework = path.join(folder, `System/Library/Frameworks/${name}.framework`);
      mkdirSync(framework, { recursive: true });
      const place = `/System/Library/Frameworks/${name}.framework/Versions/A/${name}`;
      const text = stub(place, version, declaredBy(crates, folders));
      writeFileSync(path.join(framework, `${name}.tbd`), text);
    }
  });
  return { sdk, linker };
}

module.exports = { makeFrameworks };
