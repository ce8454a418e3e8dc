'use strict';

// The apps of examples/chrome-app, unmodified Chrome Apps in sandboxed pages, against servers on loopback.

const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { irc } = require('../../examples/demo/servers.js');
const { electronPath, startElectron, NO_ELECTRON } = require('../../support/electron.js');
const { untilShown } = require('../support/example-page.js');
const { startServer, stopServers } = require('../../support/servers.js');

const testElectron = electronPath() ? test : test.skip;
if (!electronPath()) console.warn(`The Chrome Apps are not tested: ${NO_ELECTRON}`);

jest.setTimeout(60_000);

let folder;
let electron;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-app-'))));
afterEach(async () => {
  await electron?.close();
  electron = undefined;
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
});

async function start(name, options = {}) {
  electron = await startElectron(join(__dirname, 'chrome-app-driver.js'), {
    environment: { CHROME_APP: name, ...options },
  });
  expect(await electron.next()).toEqual({ ready: true });
}

async function ask(command, args = {}) {
  electron.send({ command, ...args });
  const { value, error, exited } = await electron.next();
  if (error ?? exited) throw new Error(error ?? exited);
  return value;
}

const evaluate = (page, code) => ask('evaluate', { page, code });

/** Waits until an element of a page has a text. */
const shows = (page, selector, text) => evaluate(page, untilShown(selector, text));

const submit = (page, form, values) =>
  evaluate(
    page,
    `{
      for (const [id, value] of Object.entries(${JSON.stringify(values)})) {
        document.getElementById(id).value = value;
      }
      document.getElementById('${form}').requestSubmit();
    }`,
  );

/** A picture of the page, with something in it. */
async function photograph(page, name) {
  const file = join(process.env.PICTURES ?? folder, `${name}.png`);
  const { width } = await ask('picture', { page, file });
  expect(width).toBeGreaterThanOrEqual(400);
  expect(readFileSync(file).length).toBeGreaterThan(3000);
}

testElectron('a telnet client is launched by its background page and exchanges data', async () => {
  const { port } = await startServer({
    onConnection(socket) {
      socket.write('login: ');
      socket.on('data', (data) => socket.end(`Hello ${String(data).trim()}\r\n`));
    },
  });
  await start('telnet');
  const page = 'terminal.html';
  await shows(page, '#screen', 'Line Telnet 1.0');
  expect(await ask('state', { page })).toEqual({
    isVisible: true,
    windows: 2,
    preferences: { sandbox: true, contextIsolation: true, nodeIntegration: false },
  });
  await submit(page, 'prompt', { line: `open localhost ${port}` });
  await shows(page, '#screen', 'login: ');
  await submit(page, 'prompt', { line: 'ada' });
  const text = await shows(page, '#screen', '[closed -100]');
  expect(text).toContain('login: > ada\nHello ada');
  await photograph(page, 'telnet');
  expect(await evaluate(page, 'typeof require + typeof process')).toBe('undefinedundefined');
  // Chrome's content security policy.
  expect(
    await evaluate(page, "(() => { try { return eval('1'); } catch { return 'refused'; } })()"),
  ).toBe('refused');
});

testElectron('an IRC client keeps its settings and its connection', async () => {
  const { port } = await startServer({ onConnection: irc });
  await start('irc');
  const page = 'salon.html';
  // The page marks its body when chrome.storage has answered.
  const isReady = (nick) =>
    evaluate(
      page,
      `new Promise((resolve) => {
        const look = () => {
          if (document.getElementById('nick').value === '${nick}') resolve();
        };
        new MutationObserver(look).observe(document.body, { attributes: true });
        look();
      })`,
    );
  await isReady('visitor');
  await submit(page, 'login', { host: '127.0.0.1', port: '7000', nick: 'ada' });
  await shows(page, '#log', 'Not connected: Does not have permission');
  await submit(page, 'login', { host: 'localhost', port: String(port), nick: 'ada' });
  await shows(page, '#log', 'ada is in #salon');
  await photograph(page, 'irc');

  // The settings come from chrome.storage, and the connection is the background page's.
  await evaluate(page, 'location.reload()');
  await isReady('ada');
  const background = '_generated_background_page.html';
  const { socketId, others } = await evaluate(
    background,
    `new Promise((resolve) => chrome.sockets.tcp.getInfo(connection.socketId, ({ connected }) =>
      resolve({ socketId: connected, others: chrome.app.window.getAll().length })))`,
  );
  expect({ socketId, others }).toEqual({ socketId: true, others: 1 });
});

testElectron('an app ends after its last window closes and onSuspend fires', async () => {
  await start('irc');
  const page = 'salon.html';
  await evaluate(page, '0');
  await ask('close', { page });
  const { exited } = await electron.next();
  expect(exited).toMatch(/^Electron ended: 0/);
});

testElectron('a client from NW.js gets its permission from serve()', async () => {
  const { port } = await startServer({
    onConnection: (socket) =>
      socket.on('data', ([, , , , command]) => {
        const answer = Buffer.from(`$M>\u0004${String.fromCharCode(command)}BTFL`);
        socket.write(Buffer.concat([answer, Buffer.from([0])]));
      }),
  });
  await start('flight');
  const page = 'main.html';
  expect(await ask('warnings')).toEqual([]);
  await submit(page, 'connect', { address: `tcp://localhost:${port}` });
  await shows(page, '#status', 'Firmware: BTFL');
  await photograph(page, 'flight');
});

testElectron('serve() warns that a manifest without it allows no address', async () => {
  await start('flight', { AS_IT_IS: '1' });
  const page = 'main.html';
  await submit(page, 'connect', { address: 'tcp://localhost:1' });
  await shows(page, '#status', 'Not connected: Does not have permission');
  expect(await ask('warnings')).toEqual([
    'chrome-sockets-tcp: serve: manifest: it has no sockets.tcp.connect and no sockets.tcpServer.listen, so pages may use no address',
  ]);
});

testElectron("the stand-ins behave like Chrome's APIs", async () => {
  await start('irc');
  const page = 'salon.html';
  await evaluate(page, '0');
  const found = await evaluate(
    page,
    `(async () => {
      const { storage, runtime, i18n, app } = chrome;
      const call = (area, method, ...args) =>
        new Promise((resolve) => storage[area][method](...args, resolve));
      const changes = [];
      storage.onChanged.addListener((changed, area) => changes.push([area, changed]));
      await call('local', 'set', { a: 1, b: [2] });
      const got = [
        await call('local', 'get', 'a'),
        await call('local', 'get', ['b', 'c']),
        await call('local', 'get', { b: 0, c: 3 }),
        await call('local', 'get', null),
        await call('sync', 'get', ['a']),
      ];
      await call('local', 'remove', 'a');
      got.push(await call('local', 'get', null));
      await call('local', 'clear');
      got.push(await call('local', 'get', null));
      const again = await new Promise((resolve) =>
        app.window.create('salon.html', { id: 'salon' }, resolve),
      );
      const background = await new Promise(runtime.getBackgroundPage);
      return {
        got,
        changes,
        id: runtime.id.length,
        url: runtime.getURL('salon.html') === location.href,
        name: runtime.getManifest().version,
        text: i18n.getMessage('JOINED', ['ada', '#a']),
        none: i18n.getMessage('missing'),
        isSame: again === app.window.current() && again === app.window.get('salon'),
        background: background.location.pathname,
      };
    })()`,
  );
  expect(found).toEqual({
    got: [{ a: 1 }, { b: [2] }, { b: [2], c: 3 }, { a: 1, b: [2] }, {}, { b: [2] }, {}],
    changes: [
      ['local', { a: { newValue: 1 }, b: { newValue: [2] } }],
      ['local', { a: { oldValue: 1 } }],
      ['local', { b: { oldValue: [2] } }],
    ],
    id: 32,
    url: true,
    name: '1.0',
    text: 'ada is in #a',
    none: '',
    isSame: true,
    background: '/_generated_background_page.html',
  });
});

testElectron('a web server in a background page answers and shows requests', async () => {
  await start('web-server');
  const page = 'shelf.html';
  const state = await shows(page, '#state', 'Listening on 127.0.0.1:');
  const origin = `http://${state.slice('Listening on '.length)}`;
  const response = await fetch(`${origin}/`);
  expect([response.status, await response.text()]).toEqual([200, '<h1>Shelf</h1>']);
  expect((await fetch(`${origin}/missing`)).status).toBe(404);
  await shows(page, '#log', '/missing');
  await photograph(page, 'web-server');
});
