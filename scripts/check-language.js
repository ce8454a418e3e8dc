'use strict';

/**
 * Counts pronouns that stand where a concrete noun should ("What cannot be used is an error") in the
 * documents and in the doc comments of `src`, `lib`, tests and tools. Each text may have at most
 * MAX_RATE of them per 1,000 words. Code, tables' code spans and links are left out.
 *
 *     node scripts/check-language.js            # fails on a text above the limit
 *     node scripts/check-language.js --verbose  # shows each sentence that counts
 */

const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '..');

/** Uses per 1,000 words. */
const MAX_RATE = 3;

/** Shorter texts are judged together with the others of their group: one word would decide. */
const MIN_WORDS = 350;

/** Folders of JavaScript that is not part of the package. */
const TOOLS = [
  '__test__/*.js',
  'bench/*.js',
  'conformance/*.mjs',
  'examples/*.js',
  'fuzz/js/*.js',
  'reliability/*.js',
  'scripts/*.js',
  'support/*.js',
];

const PRONOUNS =
  /\b(?:what|whatever|who|whoever|whom|nobody|somebody|anybody|nothing|so much|so many)\b/gi;

/** @returns {string[]} The tracked files with this extension below these paths. */
function tracked(/** @type {string[]} */ ...patterns) {
  const output = execFileSync('git', ['ls-files', '--', ...patterns], { cwd: ROOT });
  return output.toString().split('\n').filter(Boolean);
}

const read = (/** @type {string} */ file) => readFileSync(join(ROOT, file), 'utf8');

/** @returns {string} The text without code. */
function prose(/** @type {string} */ markdown) {
  return markdown
    .replace(/^ *```[^]*?^ *```/gm, ' ')
    .replace(/`[^`\n]*`/g, ' ')
    .replace(/\]\([^)]*\)/g, ']');
}

/** @returns {string} The doc comments of Rust or JavaScript source. */
function docComments(/** @type {string} */ source) {
  const lines = source.match(/^\s*\/\/[/!].*$/gm) ?? [];
  const blocks = source.match(/\/\*\*[^]*?\*\//g) ?? [];
  const text = [...lines, ...blocks].join('\n').replace(/^\s*(?:\/\/[/!]|\/?\*+\/?)/gm, '');
  return prose(text.replace(/@(?:param|property) \{.+?\} \[?[\w.]+/g, ' '));
}

/** @type {[string, string][]} Name and prose of each text. */
const texts = [
  ...tracked('*.md').map((file) => /** @type {[string, string]} */ ([file, prose(read(file))])),
  ['doc comments of src', tracked('src/*.rs').map(read).map(docComments).join('\n')],
  ['doc comments of lib', tracked('lib/*.js').map(read).map(docComments).join('\n')],
  [
    'doc comments of tests and tools',
    tracked(...TOOLS)
      .map(read)
      .map(docComments)
      .join('\n'),
  ],
  ['*.d.ts', tracked('*.d.ts').map(read).map(docComments).join('\n')],
];

const verbose = process.argv.includes('--verbose');
let failed = false;
let [shortWords, shortUses] = [0, 0];

/** Prints a text's rate and notes whether it is above the limit. */
function judge(
  /** @type {string} */ name,
  /** @type {number} */ words,
  /** @type {number} */ uses,
) {
  const rate = (1000 * uses) / Math.max(words, 1);
  const above = rate > MAX_RATE;
  failed ||= above;
  if (above || verbose) console.log(`${name}: ${rate.toFixed(1)} of at most ${MAX_RATE}`);
}

for (const [name, text] of texts) {
  const words = text.split(/\s+/).filter((word) => /\w/.test(word)).length;
  const found = [...text.matchAll(PRONOUNS)];
  if (verbose) {
    for (const { 0: word, index } of found) {
      const around = text.slice(Math.max(0, index - 50), index + word.length + 50);
      console.log(`  ${name}: …${around.replace(/\s+/g, ' ')}…`);
    }
  }
  if (words < MIN_WORDS) {
    shortWords += words;
    shortUses += found.length;
  } else {
    judge(name, words, found.length);
  }
}
judge('short texts together', shortWords, shortUses);
if (failed) {
  console.log('Replace pronouns by the noun they stand for; --verbose shows each place.');
  process.exit(1);
}
