'use strict';

/** The targets of package.json that can be built on Linux, and the requirements of each file. */

/**
 * @typedef {object} Target
 * @property {string} platform The name in the package's and the file's name.
 * @property {string} triple Rust's target. It differs from the package's where the toolchain does.
 * @property {'mingw' | 'zig' | 'none'} linker
 * @property {string} [glibc] The oldest glibc that has the symbols.
 * @property {string} [minimum] The oldest macOS.
 * @property {string[]} [parts] The targets whose files are joined into one.
 * @property {{ format: string, architecture: string, libraries: RegExp }} file
 * @property {number} megabytes The bound of the size.
 */

const APPLE = String.raw`/System/Library/Frameworks/(Security|CoreFoundation)\.framework/.*`;
const MACOS_LIBRARIES = new RegExp(
  `^(/usr/lib/(libSystem\\.B|libiconv\\.2|libcharset\\.1)\\.dylib|${APPLE})$`,
);
const GLIBC_LIBRARIES = /^(lib(c|m|dl|pthread|gcc_s)\.so\.\d|ld-linux-[\w-]+\.so\.\d)$/;
/** Libraries that are part of Windows 10, with either C runtime. */
const WINDOWS_LIBRARIES =
  /^(kernel32|ntdll|ws2_32|advapi32|crypt32|secur32|bcrypt|bcryptprimitives|userenv|msvcrt|api-ms-win-(crt|core)-[\w-]+)\.dll$/i;

/** @type {Record<string, Target>} */
const TARGETS = {
  'x86_64-pc-windows-msvc': {
    platform: 'win32-x64-msvc',
    // MinGW's: the same system libraries without Microsoft's linker.
    triple: 'x86_64-pc-windows-gnu',
    linker: 'mingw',
    file: { format: 'PE', architecture: 'AMD64', libraries: WINDOWS_LIBRARIES },
    megabytes: 5.5,
  },
  'aarch64-pc-windows-msvc': {
    platform: 'win32-arm64-msvc',
    // Clang's MinGW, which Zig has for arm64, too.
    triple: 'aarch64-pc-windows-gnullvm',
    linker: 'zig',
    file: { format: 'PE', architecture: 'ARM64', libraries: WINDOWS_LIBRARIES },
    megabytes: 5.5,
  },
  'x86_64-unknown-linux-gnu': {
    platform: 'linux-x64-gnu',
    triple: 'x86_64-unknown-linux-gnu',
    linker: 'zig',
    glibc: '2.17',
    file: { format: 'ELF', architecture: 'X86_64', libraries: GLIBC_LIBRARIES },
    megabytes: 5.5,
  },
  'aarch64-unknown-linux-gnu': {
    platform: 'linux-arm64-gnu',
    triple: 'aarch64-unknown-linux-gnu',
    linker: 'zig',
    glibc: '2.17',
    file: { format: 'ELF', architecture: 'AARCH64', libraries: GLIBC_LIBRARIES },
    megabytes: 5,
  },
  'x86_64-unknown-linux-musl': {
    platform: 'linux-x64-musl',
    triple: 'x86_64-unknown-linux-musl',
    linker: 'zig',
    file: { format: 'ELF', architecture: 'X86_64', libraries: /^libc\.so$/ },
    megabytes: 6,
  },
  'aarch64-unknown-linux-musl': {
    platform: 'linux-arm64-musl',
    triple: 'aarch64-unknown-linux-musl',
    linker: 'zig',
    file: { format: 'ELF', architecture: 'AARCH64', libraries: /^libc\.so$/ },
    megabytes: 5.5,
  },
  'x86_64-apple-darwin': {
    platform: 'darwin-x64',
    triple: 'x86_64-apple-darwin',
    linker: 'zig',
    minimum: '11.0',
    file: { format: 'MachO', architecture: 'X86_64', libraries: MACOS_LIBRARIES },
    megabytes: 5.5,
  },
  'aarch64-apple-darwin': {
    platform: 'darwin-arm64',
    triple: 'aarch64-apple-darwin',
    linker: 'zig',
    minimum: '11.0',
    file: { format: 'MachO', architecture: 'ARM64', libraries: MACOS_LIBRARIES },
    megabytes: 5,
  },
};

TARGETS['universal-apple-darwin'] = {
  ...TARGETS['aarch64-apple-darwin'],
  platform: 'darwin-universal',
  triple: 'universal-apple-darwin',
  linker: 'none',
  parts: ['x86_64-apple-darwin', 'aarch64-apple-darwin'],
  megabytes: 10.5,
};

/** The symbols that Node looks up in an addon. It needs no others. */
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

/** AWS-LC's header exports these of any DLL, which no other library can clash with on Windows. */
const EXPORTS_OF_AWS_LC = /^aws_lc_\d+_\d+_\d+_jent_/;

/**
 * @param {Target} target
 * @param {Record<string, any>[]} facts of scripts/cross/inspect.py
 * @param {number} bytes
 * @returns {string[]} the defects of the file
 */
function complaints(target, facts, bytes) {
  const parts = target.parts?.map((name) => TARGETS[name]) ?? [target];
  const found = parts.flatMap((part, index) =>
    facts[index] ? complaintsAbout(part, facts[index]) : [`it lacks ${part.file.architecture}`],
  );
  if (facts.length > parts.length) found.push(`it has ${facts.length} architectures`);
  const { megabytes } = target;
  if (bytes > megabytes * 1e6) found.push(`it has ${bytes} bytes, the bound is ${megabytes} MB`);
  return found;
}

/** @param {Target} target @param {Record<string, any>} facts of one architecture */
function complaintsAbout({ file, glibc, minimum }, facts) {
  const found = [];
  for (const key of /** @type {const} */ (['format', 'architecture'])) {
    if (facts[key] !== file[key]) found.push(`${key}: ${facts[key]} instead of ${file[key]}`);
  }
  for (const library of facts.libraries) {
    if (!file.libraries.test(library)) found.push(`it needs ${library}`);
  }
  const exported = facts.exports.map((/** @type {string} */ name) => name.replace(/^_/, ''));
  const strange = exported.filter(
    (/** @type {string} */ name) =>
      !EXPORTS.includes(name) && !(file.format === 'PE' && EXPORTS_OF_AWS_LC.test(name)),
  );
  if (strange.length > 0) found.push(`it exports ${strange.length} more: ${strange.slice(0, 5)}`);
  if (!exported.includes(EXPORTS[0])) found.push(`it does not export ${EXPORTS[0]}`);
  const numbers = (/** @type {string} */ version) => Number(version.split('.')[1]);
  for (const version of facts.versions ?? []) {
    const [, needed] = /^GLIBC_([\d.]+)$/.exec(version) ?? [];
    if (needed && glibc && numbers(needed) > numbers(glibc)) found.push(`it needs ${version}`);
  }
  if (minimum && facts.minimum !== minimum) found.push(`it needs macOS ${facts.minimum}`);
  if (minimum && facts.name.includes('/') && !facts.name.startsWith('@')) {
    found.push(`its install name is the path ${facts.name}`);
  }
  if (minimum && file.architecture === 'ARM64' && !facts.signed) found.push('it has no signature');
  if (minimum && !facts.aligned) found.push('it does not begin at a page');
  return found;
}

module.exports = { EXPORTS, TARGETS, complaints };
