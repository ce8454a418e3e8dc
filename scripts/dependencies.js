'use strict';

/**
 * The crates of the native module.
 *
 * - `npm run check:dependencies`: at most 70 crates on any platform, each from crates.io with the
 *   checksum of the lock file and a licence; the same crates in the manifest of the fuzz targets; no
 *   package that npm would install as a dependency; and, where cargo-deny is installed, the rules of
 *   .cargo/deny.toml on licences, duplicates and sources.
 * - `npm run sbom -- TARGET FILE`: the same as a bill of materials in CycloneDX's format.
 */

const { execFileSync, spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const { readFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const { name, version, dependencies, napi } = require('../package.json');

const MAX_CRATES = 70;

/**
 * @param {string} target
 * @returns {{ name: string, version: string, license: string, source: string }[]} Without crates
 *   that are only used for building.
 */
function cratesOf(target) {
  const args = ['tree', '--locked', '--edges', 'normal,no-proc-macro', '--target', target];
  const format = ['--prefix', 'none', '--no-dedupe', '--format', '{p}|{l}'];
  const lines = execFileSync('cargo', [...args, ...format], { cwd: root, encoding: 'utf8' });
  return [...new Set(lines.trim().split('\n'))].map((line) => {
    const [, crate, number, source = '', license] =
      /^(\S+) v(\S+)(?: \((.+)\))?\|(.*)$/.exec(line) ?? [];
    if (!crate) throw new Error(`cargo tree said: ${line}`);
    return { name: crate, version: number, license, source };
  });
}

/** The checksums of the lock file, by name and version. */
function checksums() {
  const lock = readFileSync(path.join(root, 'Cargo.lock'), 'utf8');
  const packages =
    /name = "(.+)"\nversion = "(.+)"\nsource = "registry\+https:\/\/github.com\/rust-lang\/crates.io-index"\nchecksum = "(.+)"/g;
  return new Map([...lock.matchAll(packages)].map(([, a, b, sum]) => [`${a} ${b}`, sum]));
}

/**
 * @param {string} manifest
 * @returns {Map<string, string>} The direct dependencies on Linux, and how they are configured, by name.
 */
function dependenciesOf(manifest) {
  const args = ['metadata', '--no-deps', '--format-version', '1', '--manifest-path', manifest];
  const { packages } = JSON.parse(execFileSync('cargo', args, { cwd: root, encoding: 'utf8' }));
  const crates = packages[0].dependencies.filter(
    (/** @type {any} */ { kind, target }) =>
      kind === null && (target === null || target === 'cfg(unix)'),
  );
  return new Map(
    crates.map((/** @type {any} */ crate) => {
      const { name, req, features, uses_default_features: usual } = crate;
      return [name, JSON.stringify({ req, features, usual })];
    }),
  );
}

/**
 * The fuzz targets compile src/ with a manifest of their own, which no other check compiles.
 */
function compareManifests() {
  const fuzzed = dependenciesOf('fuzz/Cargo.toml');
  for (const [crate, configuration] of dependenciesOf('Cargo.toml')) {
    if (fuzzed.get(crate) === configuration) continue;
    throw new Error(`fuzz/Cargo.toml does not have ${crate} as Cargo.toml does: ${configuration}`);
  }
}

function check() {
  compareManifests();
  const sums = checksums();
  for (const target of napi.targets.filter((triple) => !triple.startsWith('universal'))) {
    const crates = cratesOf(target);
    console.log(`${target}: ${crates.length} crates`);
    if (crates.length > MAX_CRATES) throw new Error(`more than ${MAX_CRATES} crates`);
    for (const crate of crates) {
      const id = `${crate.name} ${crate.version}`;
      if (!crate.license) throw new Error(`${id} has no licence`);
      if (crate.name !== name && !sums.has(id)) throw new Error(`${id} has no checksum`);
    }
  }
  if (dependencies) throw new Error(`npm would install ${Object.keys(dependencies)}`);
  if (spawnSync('cargo', ['deny', '--version']).status !== 0) {
    console.log('cargo-deny is not installed (cargo install cargo-deny --locked): left out');
    return;
  }
  const args = ['deny', '--locked', 'check', 'licenses', 'bans', 'sources'];
  execFileSync('cargo', args, { cwd: root, stdio: 'inherit' });
}

/**
 * @param {string} target
 * @param {string} file
 */
function writeBill(target, file) {
  const sums = checksums();
  const reference = (/** @type {{ name: string, version: string }} */ crate) =>
    `pkg:cargo/${crate.name}@${crate.version}`;
  const libraries = cratesOf(target).filter((crate) => crate.name !== name);
  const components = libraries.map((crate) => ({
    type: 'library',
    'bom-ref': reference(crate),
    name: crate.name,
    version: crate.version,
    purl: reference(crate),
    hashes: [{ alg: 'SHA-256', content: sums.get(`${crate.name} ${crate.version}`) }],
    licenses: [{ expression: crate.license.replaceAll('/', ' OR ') }],
  }));
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    // Identical contents give an identical result.
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify([target, version, components]))}`,
    version: 1,
    metadata: {
      component: {
        type: 'library',
        'bom-ref': `pkg:npm/${name}@${version}`,
        name,
        version,
        purl: `pkg:npm/${name}@${version}`,
      },
      properties: [{ name: 'target', value: target }],
    },
    components,
  };
  writeFileSync(file, `${JSON.stringify(bill, null, 2)}\n`);
  console.log(`${file}: ${components.length} components`);
}

/** @param {string} text @returns {string} A UUID of version 8 (RFC 9562), which is free to be a hash. */
function uuidOf(text) {
  const hex = createHash('sha256').update(text).digest('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return [...parts, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}

const [, , command, ...args] = process.argv;
if (command === 'check' && args.length === 0) {
  check();
} else if (command === 'sbom' && args.length === 2) {
  writeBill(args[0], args[1]);
} else {
  console.error('usage: node scripts/dependencies.js check | sbom TARGET FILE');
  process.exit(2);
}
