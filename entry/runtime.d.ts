/**
 * Carries `lastError` as `chrome.runtime` does, for code that imports the module instead of
 * installing `chrome-sockets-tcp/register`.
 */
declare const runtime: {
  /**
   * The error of the call whose callback is running. The property exists only while that callback
   * runs. An error that the callback does not read is reported on the console: `Unchecked
   * runtime.lastError: …` (extensions/renderer/bindings/api_last_error.cc).
   */
  readonly lastError?: { readonly message: string };
};

export = runtime;
