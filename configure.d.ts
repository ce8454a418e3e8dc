/**
 * Sets options for this instance of the module, of which there is one in each environment: the main
 * thread and each worker have their own. What is set counts from the next call of the API on; open
 * connections stay as they are.
 *
 * Options that are left out or `undefined` keep what they are; `null` takes an option back.
 *
 * @throws If an option is unknown or its value cannot be used; nothing is changed then. The message
 *   names the option, and the file where there is one, what was found and what was expected.
 */
export declare function configure(configuration: Configuration): void;

export interface Configuration {
  /**
   * The manifest of the Chrome App: an object, or the path of the file. From then on `connect()`
   * is allowed only what its `sockets.tcp.connect` patterns match, as in Chromium; a connect that is
   * denied calls back without arguments, and `lastError.message` is `Does not have permission`.
   *
   * Default: none, everything is allowed.
   */
  manifest?: object | string | URL | null;
}
