/** Calls that write themselves into the transcript. Runs unchanged on both sides. */

/**
 * @param {{ tcp: any, tcpServer: any, runtime: any }} api
 * @param {import('./entries.mjs').Entries} entries
 * @param {import('./writer.mjs').Writer} writer
 * @param {import('./events.mjs').Events} events
 */
export function createCalls({ tcp, tcpServer, runtime }, entries, writer, events) {
  const log = (text) => entries.log(text);
  const show = (value) => writer.show(value);
  let calls = 0;

  /** The message of lastError, as a transcript shows it. */
  const lastError = () => {
    const error = runtime.lastError;
    return error === undefined ? '' : `, lastError ${show(error.message)}`;
  };

  function showArguments(space, args) {
    return args
      .map((value, index) =>
        index === 0 && events.knows(value, space) ? writer.socket(value, space) : show(value),
      )
      .join(', ');
  }

  /**
   * Calls a method with a callback; the transcript shows the call and, later, the callback. The
   * promise is fulfilled when the callback has run, never if it never does.
   */
  function invoke(space, method, args) {
    calls += 1;
    const label = space === 'tcp' ? `${calls} ${method}` : `${calls} ${space}.${method}`;
    log(`${label}(${showArguments(space, args)})`);
    return new Promise((resolve) => {
      const callback = (...results) => {
        if (method === 'create' && results[0] !== undefined) {
          events.learn(results[0].socketId, space);
        }
        const shown = results.map((value) => writer.show(value, space)).join(', ');
        log(`${label}: called back (${shown})${lastError()}`);
        resolve({ value: results[0], error: runtime.lastError?.message });
      };
      try {
        const api = space === 'tcp' ? tcp : tcpServer;
        const returned = api[method](...args, callback);
        if (returned !== undefined) log(`${label}: returned ${show(returned)}`);
      } catch (error) {
        log(`${label}: threw ${show(error)}`);
        resolve({ threw: error });
      }
    });
  }

  const call = (method, ...args) => invoke('tcp', method, args);

  /** The same for a method of `tcpServer`. */
  const serve = (method, ...args) => invoke('tcpServer', method, args);

  /**
   * Runs a function and shows its result: returned, threw, and the result of a returned promise.
   * For calls that `call` cannot express.
   */
  async function attempt(label, action) {
    let returned;
    try {
      returned = action();
    } catch (error) {
      log(`${label}: threw ${show(error)}`);
      return undefined;
    }
    log(`${label}: returned ${show(returned)}`);
    if (!(returned instanceof Promise)) return returned;
    try {
      const value = await returned;
      if (value?.socketId !== undefined) events.learn(value.socketId);
      log(`${label}: fulfilled with ${show(value)}`);
      return value;
    } catch (error) {
      log(`${label}: rejected with ${show(error)}, lastError ${show(runtime.lastError)}`);
      return undefined;
    }
  }

  /** A callback that shows its arguments and lastError under a label, and a promise of it. */
  function expectCallback(label) {
    let resolve;
    const promise = new Promise((fulfil) => (resolve = fulfil));
    const callback = (...results) => {
      if (results[0]?.socketId !== undefined) events.learn(results[0].socketId);
      log(`${label}: called back (${results.map(show).join(', ')})${lastError()}`);
      resolve(results[0]);
    };
    return Object.assign(callback, { promise });
  }

  return { attempt, call, expectCallback, lastError, serve };
}
