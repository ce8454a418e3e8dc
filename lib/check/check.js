'use strict';

/** `chrome-sockets-tcp check`: which APIs an application uses, and where each is available. */

const { findManifest } = require('./application.js');
const { classify } = require('./apis.js');
const { Program } = require('./program.js');
const { listFiles, Reader } = require('./sources.js');

/** Sources that are parsed, of all that are read; a syntax tree takes about fifty times as much. */
const MAX_PARSED_BYTES = 24 * 1024 * 1024;

/** How often a new alias may lead to further files. */
const MAX_PASSES = 4;

/** Shorter names are in every file. */
const MIN_NAME = 3;

/**
 * @typedef {import('./apis.js').Where} Where
 * @typedef {import('./program.js').Use} Use
 *
 * @typedef {object} ApiReport
 * @property {string} api
 * @property {Where | 'unknown'} where
 * @property {string} as
 * @property {{ file: string, line: number, column: number }[]} uses
 *
 * @typedef {'module' | 'port' | 'rewrite' | 'unused'} Outcome
 *
 * @typedef {object} Report
 * @property {import('./application.js').Manifest | undefined} manifest
 * @property {Outcome} verdict
 * @property {ApiReport[]} apis
 * @property {string[]} notes
 * @property {{ found: number, parsed: number }} files
 * @property {boolean} isComplete
 */

/**
 * @param {string} root
 * @returns {Report}
 * @throws {Error} If the folder cannot be read.
 */
function check(root) {
  const listing = listFiles(root);
  const reader = new Reader(root);
  const notes = [...listing.notes];
  const { manifest, others, problems } = findManifest(reader, listing.manifests);
  notes.push(...problems);
  if (others.length > 0) notes.push(`other manifests: ${others.slice(0, 8).join(', ')}`);
  const { uses, parsed, isComplete } = findUses(reader, listing.sources, notes);
  const apis = reportApis(uses, notes);
  notes.push(...remarks(manifest, apis));
  return {
    manifest,
    verdict: judge(apis),
    apis,
    notes,
    files: { found: listing.sources.length, parsed },
    isComplete: isComplete && listing.isComplete,
  };
}

/**
 * Parses the files that mention the API, then those that mention one of its aliases.
 *
 * @param {InstanceType<typeof Reader>} reader
 * @param {string[]} sources
 * @param {string[]} notes
 * @returns {{ uses: Use[], parsed: number, isComplete: boolean }}
 */
function findUses(reader, sources, notes) {
  const program = new Program();
  /** @type {Use[]} */
  const textUses = [];
  /** @type {Map<string, string>} */
  const waiting = new Map();
  let isComplete = true;
  for (const source of sources) {
    const { text, problem } = reader.read(source);
    if (text !== undefined) waiting.set(source, text);
    else isComplete = leaveOut(source, problem, notes);
  }
  let bytes = 0;
  let names = ['chrom\\w*', 'ChromePromise', 'nw'];
  for (let pass = 0; names.length > 0 && pass < MAX_PASSES; pass++) {
    const known = new Set(program.sharedNames);
    const words = new RegExp(`(?<![\\w$])(?:${names.join('|')})(?![\\w$])`);
    for (const [source, text] of waiting) {
      if (!words.test(text)) continue;
      waiting.delete(source);
      bytes += text.length;
      if (bytes > MAX_PARSED_BYTES) {
        isComplete = leaveOut(source, `over the total of ${MAX_PARSED_BYTES} bytes`, notes);
        continue;
      }
      try {
        program.addFile(source, text);
      } catch (/** @type {any} */ { message }) {
        notes.push(`${source} could not be parsed (${message}): searched as text`);
        textUses.push(...searchText(source, text));
      }
    }
    program.findUses();
    names = program.sharedNames
      .filter((name) => name.length >= MIN_NAME && !known.has(name))
      .map((name) => name.replace(/[^\w]/g, '\\$&'));
  }
  const uses = [...program.findUses(), ...textUses];
  return { uses, parsed: program.files.size, isComplete };
}

/** @returns {false} */
function leaveOut(
  /** @type {string} */ source,
  /** @type {string} */ problem,
  /** @type {string[]} */ notes,
) {
  notes.push(`${source} was not read: ${problem}`);
  return false;
}

/**
 * @param {string} file
 * @param {string} text Cannot be parsed.
 * @returns {Use[]}
 */
function searchText(file, text) {
  const uses = [];
  for (const { 0: path, index } of text.matchAll(/\bchrome(?:\.[A-Za-z]\w*){2,6}/g)) {
    const before = text.slice(0, index).split('\n');
    uses.push({ path, file, line: before.length, column: String(before.at(-1)).length + 1 });
  }
  return uses;
}

/**
 * @param {Use[]} uses
 * @param {string[]} notes Gets the namespaces of which no member was found.
 * @returns {ApiReport[]}
 */
function reportApis(uses, notes) {
  /** @type {Map<string, ApiReport>} */
  const apis = new Map();
  /** @type {Map<string, Use>} */
  const mentions = new Map();
  /** @type {Set<string>} */
  const seen = new Set();
  for (const use of uses) {
    const { path, file, line, column } = use;
    const api = classify(path);
    if (!api) continue;
    if (!api.isMember) {
      if (!mentions.has(api.name)) mentions.set(api.name, use);
      continue;
    }
    const place = `${api.name} ${file}:${line}:${column}`;
    if (seen.has(place)) continue;
    seen.add(place);
    const { where, as } = api.verdict;
    const report = apis.get(api.name) ?? {
      api: api.name,
      where: api.isKnown ? where : 'unknown',
      as,
      uses: [],
    };
    report.uses.push({ file, line, column });
    apis.set(api.name, report);
  }
  for (const [name, { file, line }] of mentions) {
    if ([...apis.keys()].some((api) => api.startsWith(`${name}.`))) continue;
    notes.push(`${file}:${line} names ${name}, and no use of a member was found`);
  }
  return [...apis.values()].sort((a, b) => (a.api < b.api ? -1 : 1));
}

/**
 * @param {ApiReport[]} apis
 * @returns {Outcome}
 */
function judge(apis) {
  const isOurs = (/** @type {ApiReport} */ { api }) =>
    /^chrome\.(?:sockets\.tcp|sockets\.tcpServer|socket)\./.test(api);
  if (!apis.some(isOurs)) return 'unused';
  if (apis.some(({ where }) => where === 'nowhere')) return 'rewrite';
  return apis.some(({ where }) => where === 'electron') ? 'port' : 'module';
}

/**
 * @param {Report['manifest']} manifest
 * @param {ApiReport[]} apis
 * @returns {string[]}
 */
function remarks(manifest, apis) {
  const usesTcp = apis.some(({ api }) => api === 'chrome.sockets.tcp.connect');
  if (!manifest) {
    return usesTcp
      ? ['no manifest of an app was found: give serve() one with sockets.tcp.connect']
      : [];
  }
  const notes = manifest.notes.map((note) => `${manifest.path}: ${note}`);
  if (usesTcp && !manifest.allowsTcp) {
    notes.push(
      `${manifest.path}: without sockets.tcp.connect, serve() lets pages connect to no host: add it, ` +
        'or pass serve() a manifest object that has it',
    );
  }
  return notes;
}

module.exports = { check };
