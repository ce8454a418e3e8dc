/** Sockets and servers that leave no trace in the transcript unless they fail. Runs unchanged on both sides. */

/**
 * @param {{ tcp: any, tcpServer: any, runtime: any }} api
 * @param {{ mainPort: number }} peer
 * @param {import('./entries.mjs').Entries} entries
 * @param {import('./writer.mjs').Writer} writer
 * @param {import('./events.mjs').Events} events
 */
export function createOpeners({ tcp, tcpServer, runtime }, { mainPort }, entries, writer, events) {
  const log = (text) => entries.log(text);
  const show = (value) => writer.show(value);

  async function create(properties = {}) {
    const info = await new Promise((resolve) => tcp.create(properties, resolve));
    events.learn(info.socketId);
    return info.socketId;
  }

  /** A connected socket. */
  async function open({ properties, paused = false, host = '127.0.0.1', port } = {}) {
    const id = await create(properties);
    if (paused) await new Promise((resolve) => tcp.setPaused(id, true, resolve));
    const code = await new Promise((resolve) =>
      tcp.connect(id, host, port ?? mainPort, (result) => {
        if (runtime.lastError) log(`open: ${runtime.lastError.message}`);
        resolve(result);
      }),
    );
    if (code !== 0) log(`open: connect gave ${show(code)}`);
    return id;
  }

  /** A server socket. */
  async function createServer(properties = {}) {
    const info = await new Promise((resolve) => tcpServer.create(properties, resolve));
    events.learn(info.socketId, 'tcpServer');
    return info.socketId;
  }

  /** A listening socket and its port. */
  async function openServer({ properties, address = '127.0.0.1', port = 0, backlog } = {}) {
    const id = await createServer(properties);
    const options = backlog === undefined ? [] : [backlog];
    await new Promise((resolve) =>
      tcpServer.listen(id, address, port, ...options, (code) => {
        if (runtime.lastError) log(`openServer: ${runtime.lastError.message}`);
        else if (code !== 0) log(`openServer: listen gave ${show(code)}`);
        resolve();
      }),
    );
    return { id, port: await portOf(id) };
  }

  /** The port of a listening socket, which the transcript shows by its name from now on. */
  async function portOf(id) {
    const info = await new Promise((resolve) => tcpServer.getInfo(id, resolve));
    writer.learnPort(info.localPort, writer.socket(id, 'tcpServer'));
    return info.localPort;
  }

  return { create, createServer, open, openServer, portOf };
}

/** Closes every socket that a scenario has left. */
export async function closeAll({ tcp, tcpServer }) {
  const allSockets = (api = tcp) => new Promise((resolve) => api.getSockets(resolve));
  for (const api of [tcpServer, tcp].filter(Boolean)) {
    const left = await allSockets(api);
    await Promise.all(
      left.map(({ socketId }) => new Promise((resolve) => api.close(socketId, resolve))),
    );
  }
  // The end of a socket that was reading follows the callback of its close.
  await allSockets();
}
