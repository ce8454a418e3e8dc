'use strict';

/**
 * The app that an Electron started by ../electron.js runs: the one that is named, so that an Electron
 * that can only run the app in its own folder runs any.
 */

require(/** @type {string} */ (process.env.ELECTRON_APP_MAIN));
