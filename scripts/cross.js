'use strict';

/**
 * Builds the native module for other platforms on Linux, and checks each file:
 * `npm run cross -- TARGET…`, where a target is one of package.json's or `all`. The result goes to
 * artifacts/bindings-TARGET/, where `npm run assemble` expects it. `--check` examines a file that is
 * there instead of building it, `--compare` builds it twice and compares the bytes, `--clippy` lints the
 * code of that platform, `--units` runs the unit tests of Windows under wine. docs/platforms.md has the
 * figures.
 *
 * Rust's standard library comes from rustup if `rustup target add` has installed the target. Otherwise
 * it is compiled from the sources that Debian packages.
 */

const { spawnSync } = require('node:child_process');
const {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');

const { compare } = require('./cross/compare.js');
const { makeFrameworks } = require('./cross/frameworks.js');
const { join } = require('./cross/universal.js');
const { EXPORTS, TARGETS, complaints } = require('./cross/targets.js');
const {
  CARGO_HOME,
  FOLDER,
  ROOT,
  ToolError,
  crateFolders,
  need,
  once,
  pythonTools,
  run,
  rustWithSources,
} = require('./cross/tools.js');
const { worlds } = require('./cross/worlds.js');

/** @typedef {import('./cross/targets.js').Target} Target */

const CARGO_FOLDER = path.join(FOLDER, 'cargo');

/** @param {string} triple */
function isInstalled(triple) {
  return existsSync(run('rustc', ['--print', 'target-libdir', '--target', triple]).trim());
}

/** napi-build wants a file to link with, although the module finds Node's symbols at run time. */
function nodeLibrary() {
  return once('libnode', (target) => {
    writeFileSync(path.join(target, 'libnode.a'), '!<arch>\n');
    writeFileSync(path.join(target, 'libnode.dll'), '');
  });
}

/**
 * MinGW's linker wants two objects that building the standard library does not make.
 *
 * @param {string | undefined} library The sources of the standard library, if it is compiled.
 */
function mingwEnvironment(library) {
  need('x86_64-w64-mingw32-gcc', 'apt-get install gcc-mingw-w64-x86-64');
  const folder = once('mingw', (target) => {
    for (const name of library ? ['rsbegin', 'rsend'] : []) {
      const source = path.join(/** @type {string} */ (library), `rtstartup/${name}.rs`);
      const options = [
        '--edition',
        '2021',
        '--target',
        'x86_64-pc-windows-gnu',
        '-O',
        '--emit=obj',
      ];
      run('rustc', [...options, '-o', path.join(target, `${name}.o`), source], {
        env: { ...process.env, RUSTC_BOOTSTRAP: '1' },
      });
    }
  });
  return {
    env: {
      LIBNODE_PATH: nodeLibrary(),
      CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER: 'x86_64-w64-mingw32-gcc',
    },
    // The time of the build would be in the file.
    flags: ['-L', `native=${folder}`, '-C', 'link-arg=-Wl,--no-insert-timestamp'],
  };
}

/**
 * cargo-zigbuild does not pass rustc's list of exported symbols to Zig's linker, which finds them in a
 * section of any object.
 *
 * @param {NodeJS.ProcessEnv} env
 */
function exportsForZig(env) {
  const folder = once('windows-exports', (target) => {
    const source = path.join(target, 'exports.s');
    writeFileSync(source, `.section .drectve,"yn"\n.ascii " -export:${EXPORTS[0]} "\n`);
    const args = ['-m', 'ziglang', 'cc', '-target', 'aarch64-windows-gnu', '-c', source];
    run(path.join(pythonTools(), 'python'), [...args, '-o', path.join(target, 'exports.o')], {
      env: { ...process.env, ...env },
    });
  });
  return path.join(folder, 'exports.o');
}

/** @param {Target} target @returns {{ env: NodeJS.ProcessEnv, flags: string[] }} */
function zigEnvironment({ triple, minimum, platform }) {
  const env = { PATH: `${pythonTools()}:${process.env.PATH}` };
  if (triple.includes('musl')) return { env, flags: ['-C', 'target-feature=-crt-static'] };
  if (triple.includes('windows')) {
    return {
      env: { ...env, LIBNODE_PATH: nodeLibrary() },
      // With /Brepro, a hash is in the place of the time.
      flags: ['-C', `link-arg=${exportsForZig(env)}`, '-C', 'link-arg=-Wl,/Brepro'],
    };
  }
  if (!minimum) return { env, flags: [] };
  const { sdk, linker } = makeFrameworks(pythonTools());
  const name = `chrome-sockets-tcp.${platform}.node`;
  // -S: else the UUID would depend on the paths of the objects with debug information, AWS-LC's.
  const link = ['-install_name', `@rpath/${name}`, '-adhoc_codesign', '-S'];
  return {
    env: { ...env, SDKROOT: sdk, MACOSX_DEPLOYMENT_TARGET: minimum },
    flags: [
      '-C',
      `linker=${linker}`,
      '-C',
      'linker-flavor=ld64.lld',
      ...link.flatMap((argument) => ['-C', `link-arg=${argument}`]),
    ],
  };
}

/**
 * Paths of this machine that would otherwise be in the messages of panics. The last one that matches
 * counts.
 *
 * @param {string} [library] The sources of the standard library, if it is compiled.
 */
function remappedPaths(library) {
  // The folder of a registry is named after its host, which may be a mirror.
  const registries = new Set(Array.from(crateFolders().values(), (folder) => path.dirname(folder)));
  registries.delete(path.dirname(ROOT));
  const pairs = [
    [ROOT, '/chrome-sockets-tcp'],
    [CARGO_HOME, '/cargo'],
    ...Array.from(registries, (folder) => [folder, '/crates']),
    ...(library ? [[library, '/rust/library']] : []),
  ];
  return pairs.map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
}

/**
 * @param {Target} target
 * @param {object} [how]
 * @param {string} [how.subcommand] of Cargo
 * @param {string[]} [how.after] Cargo's last arguments.
 * @param {NodeJS.ProcessEnv} [how.env] More variables.
 */
function cargo(target, { subcommand = 'build', after = [], env: more = {} } = {}) {
  need('cargo', 'install Rust, https://rustup.rs');
  const { triple, linker, glibc } = target;
  const rust = isInstalled(triple) && linker !== 'mingw' ? undefined : rustWithSources();
  const { env, flags } =
    linker === 'mingw' ? mingwEnvironment(rust?.library) : zigEnvironment(target);
  const [program, command] =
    linker === 'mingw'
      ? ['cargo', subcommand]
      : [
          path.join(pythonTools(), 'cargo-zigbuild'),
          subcommand === 'build' ? 'zigbuild' : subcommand,
        ];
  const args = [command, '--release', '--lib', '--locked'];
  if (rust) args.push('-Zbuild-std=std,panic_unwind');
  args.push('--target', glibc ? `${triple}.${glibc}` : triple, ...after);
  const { status } = spawnSync(program, args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...process.env,
      ...env,
      ...more,
      ...(rust && { RUSTC_BOOTSTRAP: '1', RUSTC: rust.rustc }),
      // Clippy does not start rustc.
      ...(rust && subcommand === 'clippy' && { SYSROOT: rust.folder }),
      CARGO_TARGET_DIR: CARGO_FOLDER,
      CARGO_ENCODED_RUSTFLAGS: [...flags, ...remappedPaths(rust?.library)].join('\u001f'),
    },
  });
  if (status !== 0) throw new ToolError(`cargo ${command} failed for ${triple}`);
}

/** @param {string} name @param {Target} target @returns {string} the built file */
function build(name, target) {
  if (target.parts) {
    const parts = target.parts.map((part) => build(part, TARGETS[part]));
    const file = artifact(name, target);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, join(parts.map((part) => readFileSync(part))));
    return file;
  }
  cargo(target);
  const file = artifact(name, target);
  mkdirSync(path.dirname(file), { recursive: true });
  copyFileSync(builtFile(target), file);
  return file;
}

/** @param {Target} target @returns {string} what Cargo has built */
function builtFile({ triple, file }) {
  const extension = { PE: 'dll', ELF: 'so', MachO: 'dylib' }[file.format];
  const name = `${extension === 'dll' ? '' : 'lib'}chrome_sockets_tcp.${extension}`;
  return path.join(CARGO_FOLDER, triple, 'release', name);
}

/** @param {string} name @param {Target} target */
function artifact(name, { platform }) {
  return path.join(ROOT, `artifacts/bindings-${name}/chrome-sockets-tcp.${platform}.node`);
}

/** @param {string} file @param {Target} target @returns {string[]} its defects */
function examine(file, target) {
  const python = path.join(pythonTools(), 'python');
  const facts = JSON.parse(run(python, [path.join(__dirname, 'cross/inspect.py'), file]));
  const { size } = statSync(file);
  const details = facts.flatMap((/** @type {Record<string, any>} */ part) => [
    part.libraries.join(' '),
    ...(part.versions?.length ? [part.versions.join(' ')] : []),
    ...(part.minimum ? [`macOS ${part.minimum}, ${part.name}`] : []),
  ]);
  console.log(`${path.relative(ROOT, file)}: ${size} bytes, ${details.join(', ')}`);
  return complaints(target, facts, size);
}

/** MinGW's `thread_local!` hides from the lint that an initializer is const. */
const ALLOWED = ['-A', 'clippy::missing_const_for_thread_local'];

/** Wine 8 returns 0 from recv() after a reset, as at an end. */
const FAILING_UNDER_WINE = ['an_end_and_a_reset_differ_at_every_point'];

/** Runs the tests beside the Rust code under wine. @param {Target} target */
function testUnits(target) {
  if (target.linker !== 'mingw') throw new ToolError(`--units is for Windows x64`);
  const { env } = worlds.windows();
  const skipped = FAILING_UNDER_WINE.flatMap((name) => ['--skip', name]);
  cargo(target, {
    subcommand: 'test',
    after: ['--', ...skipped],
    env: { ...env, CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER: 'wine' },
  });
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      check: { type: 'boolean' },
      compare: { type: 'boolean' },
      clippy: { type: 'boolean' },
      units: { type: 'boolean' },
    },
  });
  const names = positionals.includes('all') ? Object.keys(TARGETS) : positionals;
  const unknown = names.filter((name) => !(name in TARGETS));
  if (names.length === 0 || unknown.length > 0) {
    throw new ToolError(
      `expected targets: all, ${Object.keys(TARGETS).join(', ')}` +
        (unknown.length > 0 ? `; not ${unknown.join(', ')}` : ''),
    );
  }
  for (const name of names) {
    const target = TARGETS[name];
    if (values.clippy) {
      for (const part of target.parts?.map((other) => TARGETS[other]) ?? [target]) {
        cargo(part, {
          subcommand: 'clippy',
          after: ['--tests', '--', '-D', 'warnings', ...ALLOWED],
        });
      }
      continue;
    }
    if (values.units) {
      testUnits(target);
      continue;
    }
    const file = values.check ? artifact(name, target) : build(name, target);
    const wrong = examine(file, target);
    if (wrong.length > 0) throw new ToolError(`${name}: ${wrong.join('; ')}`);
  }
  if (values.compare) compare(names, (name) => artifact(name, TARGETS[name]));
}

try {
  main();
} catch (error) {
  if (!(error instanceof ToolError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
