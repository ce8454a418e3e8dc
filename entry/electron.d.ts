import type { Configuration } from './configure.js';
import type { Stats } from './stats.js';

/**
 * `chrome.sockets.tcp` for pages of Electron that have no Node: the main process's half. In the main
 * process itself and in renderers with Node the module works as it does everywhere.
 */

/**
 * Gives pages `chrome.sockets.tcp` and `chrome.runtime.lastError` before their first script runs.
 * Pages that are not served have no `chrome.sockets`, as pages without the permission in Chrome.
 *
 * Pages are not trusted: SECURITY.md states the limits. A page that sends an invalid message or
 * exceeds a limit loses the API until it is loaded again, and the process emits a warning.
 *
 * All pages of one call form one application, as the pages of a Chrome App do: they share the
 * sockets, and each page that listens gets the events. A socket closes with the page that created
 * it (closed, reloaded, navigated, crashed), unless it is `persistent`: then it stays open, paused,
 * and belongs to the next page that uses it. Other applications cannot access it.
 *
 * Call `serve()` before the pages load. It adds the preload file to the session. `webPreferences`
 * need no change, but may name the file.
 *
 * @returns An object that ends the application.
 * @throws If an option is missing or invalid, if the manifest cannot be read or Chrome would refuse it,
 *   or if the session or webContents is served already. The message names the option and the expected
 *   value.
 */
export declare function serve(options: Options): Application;

/**
 * Exactly one of `session` and `webContents`, where a webContents takes precedence over its
 * session; the pages to admit; and the options of `configure()`, here for the application.
 */
export interface Options extends Configuration {
  /** An Electron `Session`: all its webContents. */
  session?: object;
  /** An Electron `WebContents`, or several, which are then one application. */
  webContents?: object | object[];
  /**
   * The manifest of the Chrome App: an object, or the path of the file. As in Chrome, pages may
   * connect only to hosts that its `sockets.tcp.connect` patterns match. With `manifest_version` 2
   * no method returns a promise.
   */
  manifest: object | string | URL;
  /**
   * Schemes of the application's own whose documents get the API, in addition to local files: `['app']`
   * admits `app://…`. They must be registered with `protocol.registerSchemesAsPrivileged` as
   * `standard`, so that their documents have an origin.
   *
   * Default: none. Documents from `file:` URLs with a host (another machine) are not local files.
   */
  schemes?: string[];
  /**
   * Decides which documents get the API, in place of the list of schemes: only `true` admits a
   * document. A function that throws admits none.
   *
   * It is not asked about frames in pages, nor about documents whose origin is not that of their URL:
   * popups that their opener writes (`about:blank`, `javascript:`), `blob:` and `data:` URLs, sandboxed
   * documents and error pages. These never get the API.
   *
   * @param url The document's URL, with its path.
   * @param origin The document's origin, as `file://` or `https://example.com`.
   */
  pages?: (url: string, origin: string) => boolean;
  /**
   * The most sockets that the application may have at a time; `create()` then fails with `Too many
   * sockets`. `null` removes the limit.
   *
   * Default: 1024. Independent of the limit, connections fail with
   * `net::ERR_INSUFFICIENT_RESOURCES` (-12) while three quarters of the process's descriptors are
   * in use, so that Electron keeps the rest.
   */
  maxSockets?: number | null;
  /**
   * The absolute path of the preload file, for a bundled main process that does not load this package
   * from `node_modules`: a copy of `electron-preload.js` of the package.
   *
   * Default: {@link preload}.
   */
  preload?: string;
}

export interface Application {
  /**
   * The counters of this application, like those of `chrome-sockets-tcp/stats` for an environment.
   */
  stats(): Stats;
  /**
   * Closes all sockets, the persistent ones, too, and takes the API from the pages: their calls end
   * no more. The session or webContents can be served again.
   */
  close(): void;
}

/** The path of the preload file. It is self-contained, as sandboxed pages require. */
export declare const preload: string;
