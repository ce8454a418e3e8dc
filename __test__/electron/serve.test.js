'use strict';

// serve() in a real Electron: the pages that get the API, its errors and its warnings.

const { startServer } = require('../../support/servers.js');
const {
  LOOPBACK,
  ask,
  connect,
  describeElectron,
  evaluate,
  hasSockets,
  newApplication,
  newName,
  openWindow,
} = require('../support/electron-windows.js');

describeElectron('without a grant', () => {
  test('a page that is not served, or whose application is closed, has no API', async () => {
    const partition = newName('application');
    expect(await hasSockets(await openWindow(partition))).toBe(false);
    await ask('serve', partition, LOOPBACK);
    const window = await openWindow(partition);
    expect(await hasSockets(window)).toBe(true);
    await ask('unserve', partition);
    await ask('reload', window);
    expect(await hasSockets(window)).toBe(false);
  });

  test('documents from the web and frames have no API', async () => {
    const window = await openWindow(await newApplication(), {
      nodeIntegrationInSubFrames: true,
    });
    expect(await ask('frames', window)).toEqual([true, false]);
    await ask('loadURL', window, `http://127.0.0.1:${await ask('startWeb')}/`);
    expect(await hasSockets(window)).toBe(false);
    await ask('loadURL', window, 'data:text/html,<p>from anywhere');
    expect(await hasSockets(window)).toBe(false);
    await ask('load', window);
    expect(await hasSockets(window)).toBe(true);
  });

  test('serve({ webContents }) serves a window apart from its session', async () => {
    const partition = newName('application');
    const window = newName('window');
    await ask('open', window, partition);
    await ask('serve', newName('application'), LOOPBACK, [window]);
    await ask('load', window);
    const other = await openWindow(partition);
    expect(await hasSockets(window)).toBe(true);
    expect(await hasSockets(other)).toBe(false);

    await ask('serve', partition, LOOPBACK);
    await ask('reload', other);
    const { port } = await startServer();
    const socketId = await connect(window, port);
    expect(await evaluate(other, `call('getInfo', ${socketId})`)).toBe('Socket not found');
    expect(await evaluate(other, `call('getSockets')`)).toEqual([]);
  });

  test('serve() registers the preload file once and accepts it again', async () => {
    const partition = await newApplication();
    await ask('serve', newName('application'), LOOPBACK, [await openWindow(partition)]);
    const preload = await ask('preload');
    expect(await ask('preloads', partition)).toEqual([preload]);
    expect(await hasSockets(await openWindow(partition, { preload }))).toBe(true);
  });

  test.each([
    [{}, 'serve: expected a session or webContents, one of the two'],
    [{ session: {}, webContents: {} }, 'serve: expected a session or webContents, one of the two'],
    [{ session: {}, pages: 'file:', manifest: {} }, 'serve: pages: expected a function'],
    [{ session: {} }, 'serve: manifest: expected an object or the path of a file'],
    [
      { session: {}, schemes: ['https'], manifest: {} },
      expect.stringMatching(/^serve: schemes: expected /),
    ],
    [{ session: {}, manifest: {}, page: 1 }, expect.stringMatching(/^serve: page: no such option/)],
  ])('the error of serve(%j) names the expected options', async (options, complaint) => {
    expect(await ask('complaint', options)).toEqual(complaint);
  });
});

describeElectron('serve() warns', () => {
  test.each([
    [null, 'serve: expected an object with options, found null'],
    [
      { webContents: 'window', manifest: {} },
      'serve: webContents: expected a WebContents, found a window: pass its webContents',
    ],
    [
      { webContents: 'windows', manifest: {} },
      'serve: webContents: expected a WebContents, found a window: pass its webContents',
    ],
    [
      { session: 'window', manifest: {} },
      'serve: session: expected a Session, found a window: pass its webContents.session',
    ],
    [
      { session: 'webContents', manifest: {} },
      'serve: session: expected a Session, found a WebContents',
    ],
    [
      { webContents: 'session', manifest: {} },
      'serve: webContents: expected a WebContents, found a Session',
    ],
    [
      { session: 'persist:name', manifest: {} },
      'serve: session: expected a Session, found a string',
    ],
    [
      { session: 'session', maniFest: {} },
      expect.stringMatching(/^serve: maniFest: no such option, expected one of session, /),
    ],
  ])('that a target is of the wrong kind: %j', async (options, complaint) => {
    await openWindow(newName('application'));
    expect(await ask('complaint', options)).toEqual(complaint);
  });

  const warningsOf = async () =>
    (await ask('takeWarnings')).filter((text) => text.startsWith('chrome-sockets-tcp: serve: '));

  test('once that a page has loaded before, and that a manifest allows nothing', async () => {
    const partition = newName('application');
    const window = await openWindow(partition);
    await openWindow(partition);
    await warningsOf();
    await ask('serve', partition, { sockets: { tcp: { connect: [] } } });
    expect(await warningsOf()).toEqual([
      expect.stringMatching(
        /manifest: it has no sockets\.tcp\.connect and no sockets\.tcpServer\.listen, so/,
      ),
      expect.stringMatching(/page\.html has loaded without .*: call serve\(\) before it loads, or/),
    ]);
    await ask('reload', window);
    expect(await evaluate(window, 'typeof chrome.sockets')).toBe('object');
    expect(await warningsOf()).toEqual([]);
  });

  test('once which option admits the page of a development server', async () => {
    const window = await openWindow(await newApplication());
    await warningsOf();
    const origin = `http://127.0.0.1:${await ask('startWeb')}`;
    await ask('loadURL', window, `${origin}/`);
    await ask('loadURL', window, `${origin}/again`);
    const [warning, ...others] = await warningsOf();
    expect(others).toEqual([]);
    expect(warning).toContain(`${origin}/ has no chrome.sockets.tcp`);

    // It does.
    const option = /the option pages: \(url, origin\) => (.+) would admit it/.exec(warning)[1];
    const partition = newName('application');
    await ask('serve', partition, LOOPBACK, undefined, { pages: `return ${option}` });
    const admitted = await openWindow(partition);
    await ask('loadURL', admitted, `${origin}/`);
    expect(await evaluate(admitted, 'typeof chrome.sockets')).toBe('object');
    expect(await warningsOf()).toEqual([]);
  });

  test('once how documents of a custom scheme are admitted', async () => {
    const partition = await newApplication();
    const window = await openWindow(partition);
    await warningsOf();
    for (const scheme of ['app', 'odd']) {
      await ask('registerScheme', partition, scheme);
      await ask('loadURL', window, `${scheme}://host/page.html`);
    }
    expect(await warningsOf()).toEqual([
      expect.stringContaining(
        "app://host/page.html has no chrome.sockets.tcp: the option schemes: ['app']",
      ),
      expect.stringContaining('register its scheme odd as standard'),
    ]);
  });

  test('once that a frame has no API, and not of the popups of hostile pages', async () => {
    const window = await openWindow(await newApplication(), { nodeIntegrationInSubFrames: true });
    await ask('allowPopups', window, {});
    await warningsOf();
    expect(await ask('frames', window)).toEqual([true, false]);
    await ask('popup', window, "window.open('about:blank')", newName('window'));
    expect(await warningsOf()).toEqual([
      expect.stringMatching(/page\.html: a frame has no chrome\.sockets\.tcp, only the main/),
    ]);
  });
});
