'use strict';

/** Writes the tables and plots of a run into bench/README.md and bench/plots. */

const { readFileSync, writeFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const { drawPlots } = require('./plot.js');
const { sections } = require('./report.js');

/**
 * Replaces the parts of a document between `<!-- begin NAME … -->` and `<!-- end NAME -->`. An empty
 * part leaves the document's as it is.
 *
 * @param {string} document
 * @param {Record<string, string>} parts by name
 * @returns {string}
 */
function fill(document, parts) {
  let text = document;
  for (const [name, part] of Object.entries(parts)) {
    if (!part) continue;
    const place = new RegExp(`(<!-- begin ${name}\\b[^>]*-->\n)[^]*?(<!-- end ${name} -->)`);
    if (!place.test(text)) throw new Error(`There is no place for "${name}".`);
    text = text.replace(place, (_, begin, end) => `${begin}\n${part.trimEnd()}\n\n${end}`);
  }
  return text;
}

/** The groups of workloads that have tables; the others have plots. */
const GROUPS = ['table', 'scaling'];

/**
 * @param {any} results
 * @returns {Promise<string[]>} the paths of the files
 */
async function writeReadme(results) {
  const drawings = drawPlots(results, join(__dirname, 'plots'));
  const images = drawings
    .filter(({ group }) => group === 'scaling')
    .map(({ path, title }) => `![${title}](plots/${basename(path)})`);
  const rows = results.rows.filter((/** @type {any} */ { group }) => GROUPS.includes(group));
  const parts = sections({ ...results, rows });
  if (images.length > 0) parts.scaling += `\n\n${images.join('\n')}\n`;
  const path = join(__dirname, 'README.md');
  const text = fill(readFileSync(path, 'utf8'), parts);
  const format = {
    parser: 'markdown',
    proseWrap: /** @type {const} */ ('always'),
    printWidth: 120,
  };
  writeFileSync(path, await require('prettier').format(text, format));
  return [path, ...drawings.map((drawing) => drawing.path)];
}

module.exports = { fill, writeReadme };
