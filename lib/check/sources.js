'use strict';

/** The files of an application: bounded in number, size and depth; links are not followed. */

const { lstatSync, readFileSync, readdirSync } = require('node:fs');
const { extname, join } = require('node:path');
const { fileProblem } = require('../base/shown.js');

/** Bounds of one check. More is reported and makes the check incomplete. */
const MAX_FILES = 20_000;
const MAX_DEPTH = 24;
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_READ_BYTES = 256 * 1024 * 1024;

const SCRIPTS = new Set(['.js', '.mjs', '.cjs', '.jsx', '.ts', '.mts', '.cts', '.tsx']);
const DOCUMENTS = new Set(['.html', '.htm', '.xhtml', '.vue', '.svelte']);

/** Languages that are compiled to JavaScript. */
const OTHER_LANGUAGES = new Set(['.coffee', '.dart', '.cljs', '.elm', '.ls']);

/** Dependencies and the history; their files are not the application's. */
const SKIPPED = new Set(['node_modules', '.git', '.hg', '.svn']);

/**
 * @typedef {object} Listing
 * @property {string[]} sources Relative paths with slashes.
 * @property {string[]} manifests
 * @property {string[]} notes
 * @property {boolean} isComplete
 */

/**
 * @param {string} root
 * @returns {Listing}
 * @throws {Error} If the folder cannot be read.
 */
function listFiles(root) {
  /** @type {Listing} */
  const listing = { sources: [], manifests: [], notes: [], isComplete: true };
  /** @type {Map<string, number>} */
  const others = new Map();
  let count = 0;
  const visit = (/** @type {string} */ folder, /** @type {number} */ depth) => {
    for (const entry of entriesOf(root, folder, listing)) {
      if (++count > MAX_FILES) {
        if (listing.isComplete) listing.notes.push(`only the first ${MAX_FILES} files were read`);
        listing.isComplete = false;
        return;
      }
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (SKIPPED.has(entry.name)) continue;
        if (depth < MAX_DEPTH) visit(path, depth + 1);
        else listing.isComplete = false;
      } else if (entry.isFile()) {
        sortFile(path, listing, others);
      }
    }
  };
  visit('', 0);
  for (const [extension, number] of others) {
    listing.notes.push(
      `files that end in ${extension} are not read (${number}): check their output`,
    );
  }
  return listing;
}

/**
 * @param {string} root
 * @param {string} folder
 * @param {Listing} listing
 */
function entriesOf(root, folder, listing) {
  try {
    const entries = readdirSync(join(root, folder), { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (folder === '') throw error;
    listing.notes.push(`${folder} could not be read (${fileProblem(error)})`);
    listing.isComplete = false;
    return [];
  }
}

/**
 * @param {string} path
 * @param {Listing} listing
 * @param {Map<string, number>} others
 */
function sortFile(path, listing, others) {
  const extension = extname(path).toLowerCase();
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (/^manifest(?:\.[\w-]+)*\.json$/.test(name) || name === 'package.json') {
    listing.manifests.push(path);
  } else if (SCRIPTS.has(extension) || DOCUMENTS.has(extension)) {
    if (!/\.d\.[cm]?ts$/.test(path)) listing.sources.push(path);
  } else if (OTHER_LANGUAGES.has(extension)) {
    others.set(extension, (others.get(extension) ?? 0) + 1);
  }
}

/** Reads the sources of one application. */
class Reader {
  #bytes = 0;

  /** @param {string} root */
  constructor(root) {
    this.root = root;
  }

  /**
   * @param {string} path
   * @returns {{ text: string, problem?: undefined } | { text?: undefined, problem: string }}
   */
  read(path) {
    const file = join(this.root, path);
    try {
      const { size } = lstatSync(file);
      if (size > MAX_FILE_BYTES) return { problem: `larger than ${MAX_FILE_BYTES} bytes` };
      this.#bytes += size;
      if (this.#bytes > MAX_READ_BYTES) {
        return { problem: `over the total of ${MAX_READ_BYTES} bytes` };
      }
      return { text: scriptsOf(readFileSync(file, 'utf8'), path) };
    } catch (error) {
      return { problem: fileProblem(error) };
    }
  }

  /** @param {string} path @returns {string} The whole text of a small file. */
  readWhole(path) {
    const file = join(this.root, path);
    const { size } = lstatSync(file);
    if (size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`);
    return readFileSync(file, 'utf8');
  }
}

/**
 * @param {string} text
 * @param {string} path
 * @returns {string} The scripts of a document, with blanks for the rest, so that lines and columns stay.
 */
function scriptsOf(text, path) {
  if (!DOCUMENTS.has(extname(path).toLowerCase())) return text;
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(/<!--[^]*?-->|(<script\b[^>]*>)([^]*?)<\/script/gi)) {
    const [, tag, script] = match;
    if (tag === undefined) continue;
    const type = /\btype\s*=\s*["']?([^"'\s>]+)/i.exec(tag)?.[1] ?? '';
    if (type !== '' && !/javascript|ecmascript|module|babel|jsx|tsx?$/i.test(type)) continue;
    const start = match.index + tag.length;
    pieces.push(blanked(text.slice(end, start)), script, ';');
    end = start + script.length + 1;
  }
  // The semicolon stands in the place of `<`.
  return pieces.join('');
}

const blanked = (/** @type {string} */ text) => text.replace(/[^\n\r]/g, ' ');

module.exports = { listFiles, Reader };
