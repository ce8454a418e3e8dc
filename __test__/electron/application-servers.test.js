'use strict';

// Server sockets of pages, in the main process's half without Electron.

const { once } = require('node:events');
const {
  DENIED,
  bytes,
  dial,
  endApplications,
  listen,
  newApplication,
  openPage,
} = require('../support/application.js');

afterEach(endApplications);

describe('servers of pages', () => {
  const LISTEN = { sockets: { tcpServer: { listen: '127.0.0.1' } } };

  test('need the permission of the manifest', async () => {
    const { code } = await listen(openPage(newApplication()));
    expect(code).toBe(DENIED);
  });

  test('accept sockets that the page can use', async () => {
    const page = openPage(newApplication(LISTEN));
    page.listen();
    const server = await listen(page);
    expect(server.code).toBe(0);
    const client = await dial(server.port);
    client.write('ping');
    await server.until(() => server.accepted.length === 1);
    const [socketId] = server.accepted;
    await page.tcp.setPaused(socketId, false);
    await page.receives(socketId, 'ping');
    await page.call('send', socketId, bytes('pong'));
    expect(String((await once(client, 'data'))[0])).toBe('pong');
  });

  test('end with their page, together with their connections', async () => {
    const page = openPage(newApplication(LISTEN));
    const server = await listen(page);
    const client = await dial(server.port);
    const closed = once(client, 'end');
    client.resume();
    await server.until(() => server.accepted.length === 1);
    page.close();
    await closed;
    await expect(dial(server.port)).rejects.toThrow('ECONNREFUSED');
  });

  test('accept sockets up to the limit of the application', async () => {
    const page = openPage(newApplication(LISTEN, { maxSockets: 2 }));
    const server = await listen(page);
    await dial(server.port);
    await server.until(() => server.accepted.length === 1);
    await dial(server.port);
    await server.until(() => server.failed.length === 1);
    expect(server.failed).toEqual([-12]);
    await page.tcp.close(server.accepted[0]);
    await page.tcpServer.setPaused(server.socketId, false);
    await server.until(() => server.accepted.length === 2);
  });

  test('are unknown to sockets.tcp and to other applications', async () => {
    const page = openPage(newApplication(LISTEN));
    const { socketId, port } = await listen(page);
    await expect(page.tcp.close(socketId)).rejects.toThrow('Socket not found');
    const other = openPage(newApplication(LISTEN));
    await expect(other.tcpServer.close(socketId)).rejects.toThrow('Socket not found');
    expect(await other.tcpServer.getSockets()).toEqual([]);
    expect(await page.tcpServer.getSockets()).toMatchObject([{ socketId, localPort: port }]);
  });

  test('stay for another page if they are persistent', async () => {
    const application = newApplication(LISTEN);
    const [one, two] = [openPage(application), openPage(application)];
    const server = await listen(one);
    await one.tcpServer.update(server.socketId, { persistent: true });
    one.end();
    const waits = await two.tcpServer.getInfo(server.socketId);
    expect(waits).toMatchObject({ paused: true, localPort: server.port });
    const accepted = new Promise((resolve) => two.tcpServer.onAccept.addListener(resolve));
    await dial(server.port);
    await two.tcpServer.setPaused(server.socketId, false);
    const { clientSocketId } = await accepted;
    expect(await two.tcp.getInfo(clientSocketId)).toMatchObject({ connected: true, paused: true });
  });
});
