'use strict';

/** The page's counterpart of ../../context.js: a page has no asynchronous contexts. */

/** @returns {undefined} */
const capture = () => undefined;

const neutralContext = () => ({
  /**
   * @template R
   * @param {() => R} action
   */
  runInAsyncScope: (action) => action(),
});

module.exports = { capture, neutralContext };
