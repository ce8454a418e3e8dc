/**
 * Installs `chrome.sockets.tcp` and `chrome.runtime.lastError` as globals, beside whatever `chrome`
 * already holds, so that a Chrome App's code runs as it is. Exports nothing; for the types of the
 * globals use `@types/chrome-apps`.
 *
 * A call without a callback returns a promise, as in Manifest V3. Code of Manifest V2, which expects
 * none, needs `configure({ manifest })` or, without a manifest, `configure({ manifestVersion: 2 })`.
 */
export {};
