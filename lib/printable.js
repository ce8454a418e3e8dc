'use strict';

/** Characters of a text of foreign origin that are shown at most. */
const MAX_LENGTH = 200;

/**
 * A text that others have written, for a log: cut off, in quotes and with nothing but printable ASCII, so
 * that it can neither forge lines nor control a terminal.
 *
 * @param {string} text
 * @returns {string}
 */
function printable(text) {
  const shown = JSON.stringify(text.slice(0, MAX_LENGTH));
  return shown.replace(/[^ -~]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

module.exports = { printable };
