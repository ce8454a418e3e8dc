'use strict';

/** The report of `chrome-sockets-tcp check` as text. */

const { escaped } = require('../base/shown.js');

/** @typedef {import('./check.js').Report} Report */

const HEADINGS = /** @type {const} */ ([
  ['here', 'Provided by chrome-sockets-tcp'],
  ['electron', 'To be had in Electron, Node or the Web'],
  ['nowhere', 'Nowhere'],
  ['unknown', 'Unknown to this tool'],
]);

const VERDICTS = {
  module: 'chrome-sockets-tcp provides every API that was found.',
  port: 'chrome-sockets-tcp provides the sockets; the other APIs have replacements.',
  rewrite: 'parts must be rewritten: an API is available nowhere.',
  unused: 'no use of chrome.sockets.tcp was found.',
};

/** Places that are listed for each API. */
const MAX_PLACES = 4;

/**
 * @param {Report} report
 * @param {boolean} isLong Whether to list all places.
 * @returns {string}
 */
function format({ manifest, verdict, apis, notes, files, isComplete }, isLong) {
  const lines = [];
  if (manifest) {
    const version = manifest.version === undefined ? '' : `, manifest_version ${manifest.version}`;
    lines.push(`${manifest.name || 'unnamed'}: ${manifest.kind}${version} (${manifest.path})`);
  }
  lines.push(`${files.found} source files, ${files.parsed} of them mention the API`, '');
  for (const [where, heading] of HEADINGS) {
    const group = apis.filter((api) => api.where === where);
    if (group.length === 0) continue;
    lines.push(heading);
    for (const [as, members] of groupBy(group)) {
      if (where !== 'here' && where !== 'unknown') lines.push(`  ${as}:`);
      for (const { api, uses } of members) lines.push(`    ${api}  ${places(uses, isLong)}`);
    }
    lines.push('');
  }
  if (notes.length > 0) lines.push('Notes', ...notes.map((note) => `  ${note}`), '');
  if (!isComplete) lines.push('The application was not read whole; see the notes.');
  lines.push(`Verdict: ${VERDICTS[verdict]}`);
  return lines.map((line) => `${shown(line)}\n`).join('');
}

/**
 * @param {Report['apis']} apis
 * @returns {Map<string, Report['apis']>} By their replacement.
 */
function groupBy(apis) {
  const groups = new Map();
  for (const api of apis) groups.set(api.as, [...(groups.get(api.as) ?? []), api]);
  return groups;
}

/**
 * @param {Report['apis'][number]['uses']} uses
 * @param {boolean} isLong
 * @returns {string}
 */
function places(uses, isLong) {
  const listed = isLong ? uses : uses.slice(0, MAX_PLACES);
  const text = listed.map(({ file, line }) => `${file}:${line}`).join(', ');
  return listed.length < uses.length ? `${text} and ${uses.length - listed.length} more` : text;
}

/** @param {string} line @returns {string} Without characters that a terminal obeys. */
function shown(line) {
  return (line.match(/[^]{1,300}/g) ?? []).map(escaped).join('');
}

module.exports = { format };
