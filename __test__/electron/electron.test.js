'use strict';

// In a real Electron: pages that are sandboxed and isolated, renderers with Node, the main process.

const { once } = require('node:events');
const { join } = require('node:path');
const { electronPath, startElectron, NO_ELECTRON } = require('../../support/electron.js');
const { startFlood } = require('../support/flood.js');
const { certificate, echo, startServer, stopServers } = require('../support/servers.js');

const describeElectron = electronPath() ? describe : describe.skip;
if (!electronPath()) console.warn(`The tests in Electron are skipped: ${NO_ELECTRON}`);

const LOOPBACK = { sockets: { tcp: { connect: ['127.0.0.1:*', 'localhost:*'] } } };

jest.setTimeout(20_000);

let electron;
/** @type {Map<number, (message: any) => void>} */
const waiting = new Map();
let commands = 0;
let names = 0;

/** Has the app do something. */
async function ask(command, ...args) {
  commands += 1;
  const answer = new Promise((resolve) => waiting.set(commands, resolve));
  electron.send({ id: commands, command, args });
  const { error, value } = await answer;
  if (error !== undefined) throw new Error(error);
  return value;
}

const evaluate = (window, code) => ask('evaluate', window, code);
const newName = (kind) => `${kind} ${(names += 1)}`;

/** A window of an application that is served by its session. */
async function openWindow(partition, webPreferences) {
  const name = newName('window');
  await ask('open', name, partition, webPreferences);
  await ask('load', name);
  return name;
}

async function newApplication(manifest = LOOPBACK) {
  const partition = newName('application');
  await ask('serve', partition, manifest);
  return partition;
}

const connect = (window, port, properties = {}) =>
  evaluate(window, `connect('127.0.0.1', ${port}, ${JSON.stringify(properties)})`);

const says = (window, socketId, text) =>
  evaluate(window, `until(() => texts[${socketId}] === ${JSON.stringify(text)})`);

describeElectron('in Electron', () => {
  beforeAll(async () => {
    electron = await startElectron(join(__dirname, 'app.js'));
    const { exited } = await electron.next();
    if (exited) throw new Error(exited);
    void (async () => {
      for (;;) {
        const message = await electron.next();
        if (message.exited) {
          for (const answer of waiting.values()) answer({ error: message.exited });
          return;
        }
        waiting.get(message.id)?.(message);
        waiting.delete(message.id);
      }
    })();
  });

  afterAll(() => electron?.close());
  afterEach(stopServers);

  describe('a sandboxed page', () => {
    test('has the API before its own scripts run, of its own realm', async () => {
      const window = await openWindow(await newApplication());
      expect(await evaluate(window, '[atStart, typeof require, typeof process]')).toEqual([
        'function',
        'undefined',
        'undefined',
      ]);
      const { port } = await startServer({ onConnection: echo });
      const seen = await evaluate(
        window,
        `(async () => {
          const { tcp } = chrome.sockets;
          const event = new Promise((resolve) => tcp.onReceive.addListener(resolve));
          const promise = tcp.create();
          const socketId = await connect('127.0.0.1', ${port});
          await send(socketId, 'own');
          const info = await event;
          let thrown;
          try { tcp.close('1'); } catch (error) { thrown = error; }
          const rejected = await tcp.close(-1).catch((error) => error);
          return [
            promise instanceof Promise,
            info.data instanceof ArrayBuffer,
            Object.getPrototypeOf(info) === Object.prototype,
            (await tcp.getSockets()) instanceof Array,
            thrown instanceof TypeError,
            rejected instanceof Error,
          ];
        })()`,
      );
      expect(seen).toEqual(Array(6).fill(true));
    });

    test('speaks TLS', async () => {
      const window = await openWindow(await newApplication());
      const { port } = await startServer({ onConnection: echo, tls: certificate() });
      const socketId = await evaluate(
        window,
        `(async () => {
          listen();
          const socketId = (await chrome.sockets.tcp.create()).socketId;
          await call('setPaused', socketId, true);
          await call('connect', socketId, 'localhost', ${port});
          const result = await call('secure', socketId);
          if (result !== 0) throw new Error(result);
          await call('setPaused', socketId, false);
          await send(socketId, 'encrypted');
          return socketId;
        })()`,
      );
      await says(window, socketId, 'encrypted');
    });

    test('sends in order, small and large, many in one turn', async () => {
      const window = await openWindow(await newApplication());
      const { port, accepted } = await startServer();
      const socketId = await connect(window, port);
      const peer = await accepted();
      let total = 0;
      let ordered = true;
      const all = new Promise((resolve) => {
        peer.on('data', (data) => {
          for (const byte of data) ordered &&= byte === total++ % 251;
          if (total >= 2_000_000) resolve(undefined);
        });
      });
      const ended = await evaluate(
        window,
        `(async () => {
          const bytes = Uint8Array.from({ length: 2_000_000 }, (_, index) => index % 251);
          const ends = [];
          const calls = [];
          for (let from = 0, size = 1; from < bytes.length; from += size, size = (size * 3) % 99_991) {
            const number = calls.length;
            const piece = bytes.subarray(from, from + size);
            calls.push(call('send', ${socketId}, piece).then((info) => {
              ends.push(number);
              return info.resultCode === 0 && info.bytesSent === piece.length;
            }));
            // The application may use its buffer again.
            if (number % 10 === 9) await null;
          }
          const results = await Promise.all(calls);
          return results.every(Boolean) && ends.every((number, index) => number === index);
        })()`,
      );
      expect(ended).toBe(true);
      await all;
      expect(ordered).toBe(true);
    });

    test('is denied what its manifest does not list', async () => {
      const { port } = await startServer();
      const manifest = { sockets: { tcp: { connect: [`localhost:${port}`] } } };
      const window = await openWindow(await newApplication(manifest));
      const denied = `connect('127.0.0.1', ${port}).catch((error) => error.message)`;
      expect(await evaluate(window, denied)).toBe('connect: Does not have permission');
      expect(await evaluate(window, `connect('localhost', ${port})`)).toBeGreaterThan(0);
    });
  });

  test('a page of Manifest V2 gets no promises', async () => {
    const manifest = { manifest_version: 2, sockets: { tcp: { connect: '*' } } };
    const window = await openWindow(await newApplication(manifest));
    const returned =
      "String(chrome.sockets.tcp.getSockets()) + ' ' + String(chrome.sockets.tcp.close(9))";
    expect(await evaluate(window, returned)).toBe('undefined undefined');
  });

  describe('without a grant', () => {
    const exists = (window) =>
      evaluate(window, "typeof chrome === 'object' && 'sockets' in chrome");

    test('a page has no API, nor has one whose application is closed', async () => {
      const partition = newName('application');
      expect(await exists(await openWindow(partition))).toBe(false);
      await ask('serve', partition, LOOPBACK);
      const window = await openWindow(partition);
      expect(await exists(window)).toBe(true);
      await ask('unserve', partition);
      await ask('reload', window);
      expect(await exists(window)).toBe(false);
    });

    test('documents from the web and frames have none', async () => {
      const window = await openWindow(await newApplication(), {
        nodeIntegrationInSubFrames: true,
      });
      expect(await ask('frames', window)).toEqual([true, false]);
      await ask('loadURL', window, `http://127.0.0.1:${await ask('startWeb')}/`);
      expect(await exists(window)).toBe(false);
      await ask('loadURL', window, 'data:text/html,<p>from anywhere');
      expect(await exists(window)).toBe(false);
      await ask('load', window);
      expect(await exists(window)).toBe(true);
    });

    test('a webContents is served without its session, and apart from it', async () => {
      const partition = newName('application');
      const window = newName('window');
      await ask('open', window, partition);
      await ask('serve', newName('application'), LOOPBACK, [window]);
      await ask('load', window);
      const other = await openWindow(partition);
      expect(await exists(window)).toBe(true);
      expect(await exists(other)).toBe(false);

      await ask('serve', partition, LOOPBACK);
      await ask('reload', other);
      const { port } = await startServer();
      const socketId = await connect(window, port);
      expect(await evaluate(other, `call('getInfo', ${socketId})`)).toBe('Socket not found');
      expect(await evaluate(other, `call('getSockets')`)).toEqual([]);
    });

    test('the preload file is registered once and may be named again', async () => {
      const partition = await newApplication();
      await ask('serve', newName('application'), LOOPBACK, [await openWindow(partition)]);
      const preload = await ask('preload');
      expect(await ask('preloads', partition)).toEqual([preload]);
      expect(await exists(await openWindow(partition, { preload }))).toBe(true);
    });

    test.each([
      [{}, 'serve: expected a session or webContents, one of the two'],
      [
        { session: {}, webContents: {} },
        'serve: expected a session or webContents, one of the two',
      ],
      [{ session: {}, pages: 'file:', manifest: {} }, 'serve: pages: expected a function'],
      [{ session: {} }, 'serve: manifest: expected an object or the path of a file'],
      [
        { session: {}, schemes: ['https'], manifest: {} },
        expect.stringMatching(/^serve: schemes: expected /),
      ],
      [
        { session: {}, manifest: {}, page: 1 },
        expect.stringMatching(/^serve: page: no such option/),
      ],
    ])('serve(%j) says what it expected', async (options, complaint) => {
      expect(await ask('complaint', options)).toEqual(complaint);
    });
  });

  describe('serve() says', () => {
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
    ])('what is wrong with %j', async (options, complaint) => {
      await openWindow(newName('application'));
      expect(await ask('complaint', options)).toEqual(complaint);
    });

    const warningsOf = async () =>
      (await ask('takeWarnings')).filter((text) => text.startsWith('chrome-sockets-tcp: serve: '));

    test('once, that a page has loaded before, and that a manifest allows nothing', async () => {
      const partition = newName('application');
      const window = await openWindow(partition);
      await openWindow(partition);
      await warningsOf();
      await ask('serve', partition, { sockets: { tcp: { connect: [] } } });
      expect(await warningsOf()).toEqual([
        expect.stringMatching(
          /manifest: it has no sockets\.tcp\.connect and no sockets\.tcpServer\.listen, so/,
        ),
        expect.stringMatching(
          /page\.html has loaded without .*: call serve\(\) before it loads, or/,
        ),
      ]);
      await ask('reload', window);
      expect(await evaluate(window, 'typeof chrome.sockets')).toBe('object');
      expect(await warningsOf()).toEqual([]);
    });

    test('once, which option admits the page of a development server', async () => {
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

    test('once, how documents of a scheme of the application are admitted', async () => {
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

    test('once, that a frame has no API, and nothing of the popups of hostile pages', async () => {
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

  describe('a document gets the API by a list:', () => {
    const has = "typeof chrome === 'object' && 'sockets' in chrome";
    const exists = (window) => ask('evaluateNow', window, has);

    test.each([
      ["window.open('')"],
      ["window.open('about:blank')"],
      [`window.open("javascript:'<p>written by the opener'")`],
      ["window.open(URL.createObjectURL(new Blob(['<p>'], { type: 'text/html' })))"],
      ["window.open('data:text/html,<p>')"],
      ["window.open('').document.write('<script>1</script>')"],
    ])('none that %s shows, from a page that has it and from the web', async (code) => {
      const partition = await newApplication();
      const window = await openWindow(partition);
      expect(await exists(window)).toBe(true);
      await ask('allowPopups', window, {});
      const web = `http://127.0.0.1:${await ask('startWeb')}/`;
      let opened = 0;
      for (const url of [undefined, web]) {
        if (url) await ask('loadURL', window, url);
        const popup = newName('window');
        // The first page's content security policy forbids some.
        if (!(await ask('popup', window, code, popup))) continue;
        opened += 1;
        expect(await exists(popup)).toBe(false);
        await ask('close', popup);
      }
      expect(opened).toBeGreaterThan(0);
    });

    test('none in a frame, whatever its document, and no popup of one', async () => {
      const partition = await newApplication();
      const window = await openWindow(partition, { nodeIntegrationInSubFrames: true });
      await ask('allowPopups', window, { nodeIntegrationInSubFrames: true });
      const web = `http://127.0.0.1:${await ask('startWeb')}/`;
      await evaluate(
        window,
        `Promise.all([
          ['src', '${web}'],
          ['srcdoc', '<p>'],
          ['src', 'page.html'],
          ['src', 'page.html', 'allow-scripts'],
          ['src', 'about:blank'],
        ].map(([name, value, sandbox]) => new Promise((resolve) => {
          const frame = document.createElement('iframe');
          if (sandbox) frame.sandbox = sandbox;
          frame[name] = value;
          frame.onload = resolve;
          document.body.append(frame);
        }))).then(() => {})`,
      );
      const frames = await ask('evaluateInFrames', window, has);
      expect(frames).toEqual(Array(frames.length).fill(false));
      // Electron 25 cannot look into the frame from the web.
      expect([4, 5]).toContain(frames.length);
      const opened = await ask(
        'evaluateInFrames',
        window,
        `(() => {
          const popup = window.open("javascript:'<p>'");
          try {
            return Boolean(popup?.chrome?.sockets);
          } catch {
            return 'out of reach';
          }
        })()`,
      );
      expect(opened).not.toContain(true);
    });

    test('none that stands for an error, and none that is sandboxed', async () => {
      const partition = newName('application');
      await ask('serve', partition, LOOPBACK, undefined, { pages: 'return true' });
      const window = await openWindow(partition);
      expect(await exists(window)).toBe(true);
      expect(await ask('failToLoad', window, 'file:///does/not/exist.html')).toBe(true);
      expect(await exists(window)).toBe(false);
      const web = `http://127.0.0.1:${await ask('startWeb')}`;
      await ask('loadURL', window, `${web}/sandboxed`);
      expect(await exists(window)).toBe(false);
      await ask('loadURL', window, `${web}/`);
      expect(await exists(window)).toBe(true);
    });

    test('those of a scheme that the application names', async () => {
      const partition = newName('application');
      await ask('serve', partition, LOOPBACK, undefined, { schemes: ['app', 'odd'] });
      const window = await openWindow(partition);
      for (const [scheme, expected] of [
        ['app', true],
        // It was not registered as a standard scheme, so its documents have no origin.
        ['odd', false],
      ]) {
        await ask('registerScheme', partition, scheme);
        await ask('loadURL', window, `${scheme}://host/page.html`);
        expect(await exists(window)).toBe(expected);
      }
      const other = await newApplication();
      const unnamed = await openWindow(other);
      await ask('registerScheme', other, 'app');
      await ask('loadURL', unnamed, 'app://host/page.html');
      expect(await exists(unnamed)).toBe(false);
    });

    test.each([
      ["return url === origin + '/'", true],
      ['return origin.length', false],
      ['return Promise.resolve(true)', false],
      ["throw new Error('by\\u001b[31m design')", false],
    ])('pages() { %s } admits a document of the web: %s', async (pages, expected) => {
      const partition = newName('application');
      await ask('serve', partition, LOOPBACK, undefined, { pages });
      const window = await openWindow(partition);
      await ask('loadURL', window, `http://127.0.0.1:${await ask('startWeb')}/`);
      expect(await exists(window)).toBe(expected);
      const warnings = await ask('takeWarnings');
      const about = warnings.filter((text) => text.includes('serve: pages: '));
      const thrown = 'chrome-sockets-tcp: serve: pages: Error: by\\u001b[31m design';
      expect(about).toEqual(pages.startsWith('throw') ? [thrown] : []);
    });
  });

  describe('two windows', () => {
    test('are one application: both get the events, and either may use a socket', async () => {
      const partition = await newApplication();
      const [one, two] = [await openWindow(partition), await openWindow(partition)];
      await evaluate(one, 'listen()');
      await evaluate(two, 'listen()');
      const { port } = await startServer({ onConnection: echo });
      const socketId = await connect(one, port);
      await evaluate(two, `send(${socketId}, 'to both')`);
      await Promise.all([says(one, socketId, 'to both'), says(two, socketId, 'to both')]);
    });
  });

  describe.each([
    ['is closed', (window) => ask('close', window)],
    ['is reloaded', (window) => ask('reload', window)],
    ['navigates', (window) => ask('loadURL', window, 'data:text/html,elsewhere')],
    ['crashes', (window) => ask('crash', window)],
  ])('when a page %s', (_how, leave) => {
    test('its sockets close, and persistent ones stay, paused, for the next', async () => {
      const partition = await newApplication();
      const [leaving, staying] = [await openWindow(partition), await openWindow(partition)];
      await evaluate(staying, 'listen()');
      const { port, accepted } = await startServer();
      await connect(leaving, port);
      const closing = once((await accepted()).resume(), 'close');
      const properties = { persistent: true, name: 'line', bufferSize: 7 };
      const socketId = await connect(leaving, port, properties);
      const peer = await accepted();
      await leave(leaving);
      await closing;

      const [info, ...others] = await evaluate(staying, `call('getSockets')`);
      expect(others).toEqual([]);
      expect(info).toMatchObject({ ...properties, socketId, connected: true, paused: true });
      await new Promise((resolve) => peer.write('meanwhile', resolve));
      await evaluate(staying, `call('setPaused', ${socketId}, false)`);
      await says(staying, socketId, 'meanwhile');
      expect(await evaluate(staying, 'errors')).toEqual([]);
    });
  });

  test('a page that is busy throttles the peer, in bounded memory', async () => {
    const partition = await newApplication();
    const window = await openWindow(partition);
    const flood = await startFlood(96);
    try {
      await evaluate(window, 'listen()');
      const socketId = await connect(window, flood.port, { bufferSize: 65536 });
      const before = await ask('memory');
      const busy = evaluate(window, '{ const end = Date.now() + 1500; while (Date.now() < end); }');
      await flood.stalled();
      expect(flood.sentBytes()).toBeLessThan(flood.totalBytes / 2);
      expect((await ask('memory')) - before).toBeLessThan(24 * 1024 * 1024);
      await busy;
      await evaluate(window, `until(() => lengths[${socketId}] === ${flood.totalBytes})`);
    } finally {
      await flood.stop();
    }
  });

  describe('a hostile page', () => {
    const preload = join(__dirname, 'hostile-preload.js');

    /** Another page of the same application, and whether it is as it was. */
    async function openWitness(partition) {
      const window = await openWindow(partition);
      await evaluate(window, 'listen()');
      const { port } = await startServer({ onConnection: echo });
      const socketId = await connect(window, port);
      return {
        socketId,
        async isWell() {
          await evaluate(window, `send(${socketId}, 'well')`);
          await says(window, socketId, 'well');
        },
      };
    }

    test.each(['blob', 'port', 'buffer', 'canvas', 'sparse', 'deep'])(
      'can do no harm by a message with a %s',
      async (strange) => {
        const partition = await newApplication();
        const witness = await openWitness(partition);
        const hostile = await openWindow(partition, { preload });
        await evaluate(hostile, `hostile.post([], '${strange}')`);
        await evaluate(hostile, 'hostile.granted()');
        await witness.isWell();
      },
    );

    test('can do no harm by any message, and is banned until it is loaded again', async () => {
      const partition = await newApplication();
      const witness = await openWitness(partition);
      const hostile = await openWindow(partition, { preload });
      for (let load = 0; load < 10; load++) {
        await evaluate(
          hostile,
          `(() => {
            const methods = ['create', 'close', 'connect', 'send', 'sendGathered', 'secure', 'update',
              'listen', 'received', 'setPaused', 'constructor', '__proto__', 1, null];
            const values = [0, 1, -1, 0.5, NaN, 2 ** 32, 'localhost', '', true, null, undefined, [], {},
              new Uint8Array(3), new Int32Array(4), new ArrayBuffer(2), new Date(), new Map(), 10n];
            const pick = (list) => list[Math.floor(Math.random() * list.length)];
            for (let round = 0; round < 50; round++) {
              const args = Array.from({ length: Math.random() * 7 }, () => pick(values));
              hostile.post([[[pick(methods), ...args]], pick(values)]);
            }
            hostile.post([0]);
          })()`,
        );
        expect(await evaluate(hostile, 'until(() => !hostile.granted())')).toBeUndefined();
        await ask('reload', hostile);
        expect(await evaluate(hostile, 'hostile.granted()')).toBe(true);
      }
      for (const count of [0, 1, 2]) await evaluate(hostile, `hostile.ports(${count})`);
      await evaluate(hostile, "hostile.send('chrome-sockets-tcp:page', 1)");
      expect(await evaluate(hostile, 'hostile.granted()')).toBe(true);
      await witness.isWell();
    });

    describe.each([
      ['navigates', (window, web) => ask('loadURL', window, `${web}/`)],
      ['shows an error', (window) => ask('failToLoad', window, 'file:///does/not/exist.html')],
      ['is closed', (window) => ask('close', window)],
      ['is reloaded', (window) => ask('reload', window)],
    ])('that has passed its port on and %s', (_how, leave) => {
      test('has gone all the same, and stays while nothing of this happens', async () => {
        const partition = await newApplication();
        const window = await openWindow(partition, { preload });
        await ask('allowPopups', window, { preload });
        const popup = newName('window');
        // A name that is known already would be that of the popup of another page.
        await ask('popup', window, `window.open('about:blank', '${popup}')`, popup);
        const { port, accepted } = await startServer();
        const socketId = await evaluate(window, `hostile.connectAndPassOn(${port}, '${popup}')`);
        const closed = once((await accepted()).resume(), 'close');
        await evaluate(
          popup,
          'new Promise((resolve) => {\
          const look = () => (hostile.hasPassedOn() ? resolve() : setTimeout(look, 5));\
          look();\
        })',
        );

        const web = `http://127.0.0.1:${await ask('startWeb')}`;
        await evaluate(window, "location.hash = 'elsewhere'; history.pushState(1, '', '?here')");
        expect(await ask('failToLoad', window, `${web}/nothing`)).toBe(true);
        const [, , , failure] = await evaluate(
          popup,
          `hostile.callPassedOn(['getInfo', 9, ${socketId}])`,
        );
        expect(failure).toBeFalsy();

        await leave(window, web);
        await closed;
      });
    });

    test('never gets the port by replacing what is in its realm', async () => {
      const window = await openWindow(await newApplication());
      const { port } = await startServer({ onConnection: echo });
      const found = await evaluate(
        window,
        `(async () => {
          const { apply, construct, ownKeys } = Reflect;
          const { defineProperty, getOwnPropertyDescriptor } = Object;
          const [Port, Event] = [MessagePort, MessageEvent];
          const { get: targetOf } = getOwnPropertyDescriptor(window.Event.prototype, 'target');
          const seen = [];
          let watching = false;
          const isPort = (value) =>
            value instanceof Port || (value instanceof Event && apply(targetOf, value, []) instanceof Port);
          const note = (value, key) => {
            if (watching && isPort(value)) seen[seen.length] = String(key);
          };
          const watched = (f, key) => function (...args) {
            note(this, key);
            for (let i = 0; i < args.length; i++) note(args[i], key);
            const result = new.target ? construct(f, args, new.target) : apply(f, this, args);
            note(result, key);
            return result;
          };
          let count = 0;
          for (const object of [
            Port.prototype, EventTarget.prototype, Event.prototype, window.Event.prototype,
            Function.prototype, Array.prototype, Map.prototype, WeakMap.prototype, Promise.prototype,
            Object.prototype, Reflect, Object, Array, Promise, Symbol.prototype,
            Object.getPrototypeOf([][Symbol.iterator]()), Object.getPrototypeOf(Uint8Array.prototype),
          ]) {
            for (const key of ownKeys(object)) {
              const descriptor = getOwnPropertyDescriptor(object, key);
              if (!descriptor.configurable || key === 'constructor' || key === '__proto__') continue;
              for (const part of ['value', 'get', 'set']) {
                if (typeof descriptor[part] === 'function') {
                  descriptor[part] = watched(descriptor[part], key);
                  count++;
                }
              }
              defineProperty(object, key, descriptor);
            }
          }
          watching = true;
          listen();
          const socketId = await connect('127.0.0.1', ${port});
          await send(socketId, 'x'.repeat(500));
          await until(() => texts[socketId]?.length === 500);
          await call('close', socketId);
          watching = false;
          return { seen, count };
        })()`,
      );
      expect(found.count).toBeGreaterThan(100);
      expect(found.seen).toEqual([]);
    });

    test('cannot end or stall the main process at any size of its calls', async () => {
      const partition = newName('application');
      await ask('serve', partition, {}, undefined, { maxSockets: 20_480 });
      const witness = await openWindow(partition);
      const before = await ask('memory');
      for (const attack of [
        `[[['create', 0, false, 'x'.repeat(64 * 1024 * 1024), 1]]]`,
        `Array.from({ length: 20 }, () => Array.from({ length: 1024 }, () => ['create', 0]))`,
        `[Array.from({ length: 1024 }, () => ['getSockets', 0])]`,
        `[[['connect', 0, 1, '\\u00e9'.repeat(1e6), 80, 0]]]`,
        `Array.from({ length: 600 }, () => Array.from({ length: 1024 }, () => ['getSockets', 0]))`,
      ]) {
        const hostile = await openWindow(partition, { preload });
        await evaluate(hostile, `hostile.post(${attack})`);
        const begun = performance.now();
        for (let count = 0; count < 10; count++) await evaluate(witness, `call('getInfo', -1)`);
        expect(performance.now() - begun).toBeLessThan(5000);
        expect((await ask('memory')) - before).toBeLessThan(768 * 1024 * 1024);
        await ask('close', hostile);
      }
    }, 60_000);

    test('gets nothing over a port of its own where nothing is granted', async () => {
      const hostile = await openWindow(newName('application'), { preload });
      const { port, accepted } = await startServer();
      expect(await evaluate(hostile, 'hostile.granted()')).toBe(false);
      const calls = [
        ['create', 0],
        ...Array.from({ length: 99 }, (_, id) => ['connect', 1, id, '127.0.0.1', port, 0]),
      ];
      await evaluate(hostile, `hostile.post([${JSON.stringify(calls)}])`);
      // A page that may connect does so later, and its connection is the first.
      const window = await openWindow(await newApplication());
      const socketId = await connect(window, port);
      const { localPort } = await evaluate(window, `call('getInfo', ${socketId})`);
      expect((await accepted()).remotePort).toBe(localPort);
    });
  });

  describe('with Node', () => {
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

    test('the main process uses the module itself', async () => {
      const { port } = await startServer({ onConnection: echo, tls: certificate() });
      await ask('main', "void require('../../entry/register.js')");
      expect(await ask('main', converse(port))).toEqual([0, 'hello']);
    });

    test('a renderer uses the module itself, and its sockets end with the page', async () => {
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
});
