'use strict';

// The module itself in a real Electron: the main process, and renderers with Node.

const { once } = require('node:events');
const { join } = require('node:path');
const { certificate, echo, startServer } = require('../../support/servers.js');
const {
  ask,
  describeElectron,
  evaluate,
  newName,
  openWindow,
} = require('../support/electron-windows.js');

describeElectron('with Node integration', () => {
  const converse = (port) => `(async () => {
    const { tcp } = chrome.sockets;
    const text = new Promise((resolve) => {
      tcp.onReceive.addListener(({ data }) => resolve(new TextDecoder().decode(data)));
    });
    const { socketId } = await tcp.create();
    const call = (method, ...args) =>
      new Promise((resolve) => tcp[method](socketId, ...args, resolve));
    await call('setPaused', true);
    await call('connect', 'localhost', ${port});
    const secured = await call('secure');
    await call('setPaused', false);
    await call('send', new TextEncoder().encode('hello').buffer);
    return [secured, await text];
  })()`;

  test('the main process loads the module directly', async () => {
    const { port } = await startServer({ onConnection: echo, tls: certificate() });
    await ask('main', "void require('../../entry/register.js')");
    expect(await ask('main', converse(port))).toEqual([0, 'hello']);
  });

  test('a renderer with Node loads the module directly, and its sockets end with the page', async () => {
    const { port, accepted } = await startServer({ onConnection: echo, tls: certificate() });
    const window = await openWindow(newName('application'), {
      sandbox: false,
      nodeIntegration: true,
      contextIsolation: false,
    });
    const register = JSON.stringify(join(__dirname, '../../entry/register.js'));
    await evaluate(window, `void require(${register})`);
    expect(await evaluate(window, converse(port))).toEqual([0, 'hello']);
    const closed = once(await accepted(), 'close');
    await ask('reload', window);
    await closed;
  });
});
