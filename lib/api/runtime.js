'use strict';

const { showLastErrorOn } = require('../renderer/last-error.js');

/** Carries `lastError` as `chrome.runtime` does, for code that does not install `register`. */
const runtime = showLastErrorOn({});

module.exports = runtime;
