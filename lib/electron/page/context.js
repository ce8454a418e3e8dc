'use strict';

/** The page's counterpart of ../../context.js: a page has no asynchronous contexts. */

/** @returns {undefined} */
const capture = () => undefined;

class Capturing {
  capture = capture;
}

const neutralContext = () => ({
  /**
   * @template R
   * @param {() => R} action
   */
  runInAsyncScope: (action) => action(),
});

module.exports = { capture, Capturing, neutralContext };
