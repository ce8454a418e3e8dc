'use strict';

/** Reads a manifest for `chrome-sockets-tcp check`: the kind of application, and remarks on it. */

const { parseManifest, readManifestText } = require('../options/manifest.js');

/**
 * @typedef {'Chrome App' | 'NW.js app' | 'extension'} Kind
 *
 * @typedef {object} Manifest
 * @property {string} path
 * @property {Kind} kind
 * @property {string} name
 * @property {number | undefined} version `manifest_version`.
 * @property {boolean} allowsTcp Whether it has `sockets.tcp.connect`.
 * @property {string[]} notes
 */

/** How the folders of an application stand to each other: the first is the one that ships. */
const KINDS = ['Chrome App', 'NW.js app', 'extension'];

/**
 * @param {InstanceType<typeof import('./sources.js').Reader>} reader
 * @param {string[]} paths Of files that may be manifests.
 * @returns {{ manifest: Manifest | undefined, others: string[], problems: string[] }}
 */
function findManifest(reader, paths) {
  /** @type {Manifest[]} */
  const found = [];
  /** @type {string[]} */
  const problems = [];
  for (const path of paths) {
    try {
      const manifest = readApplication(reader.readWhole(path), path);
      if (manifest) found.push(manifest);
    } catch (/** @type {any} */ { message }) {
      // Of the many package.json of a repository only an application's matters.
      if (!path.endsWith('package.json')) problems.push(`${path}: ${message}`);
    }
  }
  const rank = (/** @type {Manifest} */ { path, kind }) =>
    KINDS.indexOf(kind) * 100 + path.split('/').length;
  found.sort((a, b) => rank(a) - rank(b));
  const [manifest, ...rest] = found;
  return { manifest, others: rest.map(({ path, kind }) => `${path} (${kind})`), problems };
}

/**
 * @param {string} text
 * @param {string} path
 * @returns {Manifest | undefined}
 */
function readApplication(text, path) {
  const content = readManifestText(text);
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return undefined;
  const kind = kindOf(content, path);
  if (!kind) return undefined;
  const notes = remarks(content);
  let allowsTcp = false;
  if (kind !== 'NW.js app' || content.sockets !== undefined) {
    try {
      allowsTcp = !parseManifest(content).allowsNothing;
    } catch (/** @type {any} */ { message }) {
      notes.push(`serve() refuses this manifest, as Chrome does: ${message}`);
    }
  }
  const { name, manifest_version: version } = content;
  return { path, kind, name: String(name ?? ''), version, allowsTcp, notes };
}

/**
 * @param {any} content
 * @param {string} path
 * @returns {Kind | undefined}
 */
function kindOf(content, path) {
  if (path.endsWith('package.json')) {
    const isPage = typeof content.main === 'string' && /\.html?(?:[?#]|$)/.test(content.main);
    return isPage || content['chromium-args'] || content['node-remote'] ? 'NW.js app' : undefined;
  }
  if (content.app?.background || content.app?.launch || content.sockets) return 'Chrome App';
  const { background, browser_action: button, content_scripts: scripts, action } = content;
  return content.manifest_version && (background || button || scripts || action)
    ? 'extension'
    : undefined;
}

/**
 * @param {any} content
 * @returns {string[]}
 */
function remarks(content) {
  const notes = [];
  const permissions = Array.isArray(content.permissions) ? content.permissions : [];
  if (permissions.some((/** @type {any} */ entry) => entry?.socket)) {
    notes.push('it asks for the older chrome.socket; chrome.sockets needs the member "sockets"');
  }
  if (content.app?.background?.scripts) {
    const scripts = [content.app.background.scripts].flat().join(', ');
    notes.push(
      `background scripts (${scripts}): examples/chrome-app generates their page, as Chrome does`,
    );
  }
  if (content.sandbox?.pages) notes.push('sandboxed pages: a frame has no chrome.sockets');
  if (permissions.includes('webview')) notes.push('webview: enable webviewTag for the window');
  if (content.nacl_modules) notes.push('Native Client modules: compile them to WebAssembly');
  return notes;
}

module.exports = { findManifest };
