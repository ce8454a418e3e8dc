/**
 * Carries `lastError` as `chrome.runtime` does, for code that imports the module instead of
 * installing `chrome-sockets-tcp/register`.
 */
declare const runtime: {
  /**
   * Why the call failed whose callback is running. The property exists only while that callback
   * runs. A callback that does not read it is reported on the console:
   * `Unchecked runtime.lastError: …` (extensions/renderer/bindings/api_last_error.cc).
   */
  readonly lastError?: { readonly message: string };
};

export = runtime;
