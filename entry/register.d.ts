/**
 * Installs `chrome.sockets.tcp`, `chrome.sockets.tcpServer` and `chrome.runtime.lastError` as globals
 * and keeps other members of `chrome`, so that a Chrome App's code runs unmodified. Exports nothing.
 *
 * A call without a callback returns a promise, as in Manifest V3. Code of Manifest V2, which
 * expects none, needs `configure({ manifest })` or, without a manifest, `configure({
 * manifestVersion: 2 })`.
 *
 * TypeScript then knows the globals. If `@types/chrome-apps` or `@types/chrome` declares them as
 * well, those declarations take precedence.
 */
import api = require('../index');
import serverApi = require('./server');

declare namespace shown {
  /** The error of the call whose callback is running; see `chrome-sockets-tcp/runtime`. */
  const lastError: { readonly message?: string } | undefined;
}

// Aliases are the only declarations that merge with those of other packages. The compiler reports the
// conflict at the alias, where a comment can suppress it.
declare global {
  namespace chrome.sockets {
    // @ts-ignore
    export import tcp = api;
    // @ts-ignore
    export import tcpServer = serverApi;
  }
  namespace chrome.runtime {
    // @ts-ignore
    export import lastError = shown.lastError;
  }
}

export {};
