'use strict';

// Chrome Apps are of Manifest V2, where no method returns a promise.

const { once } = require('node:events');

const { configure } = require('../entry/configure.js');
const { connect } = require('../entry/duplex.js');
const sockets = require('../entry/promises.js');
const tcp = require('../index.js');
const { call } = require('./support/client.js');
const { echo, startServer, stopServers } = require('../support/servers.js');
const { runNode } = require('./support/child.js');

const manifest = (/** @type {unknown} */ manifest_version) => ({
  ...(manifest_version !== undefined && { manifest_version }),
  sockets: { tcp: { connect: '*' } },
});

const NO_SOCKET = 2 ** 31 - 1;

/** The methods that need no callback, and arguments for them. */
const CALLS = /** @type {[string, unknown[]][]} */ ([
  ['create', [{}]],
  ['update', [NO_SOCKET, {}]],
  ['setPaused', [NO_SOCKET, true]],
  ['disconnect', [NO_SOCKET]],
  ['close', [NO_SOCKET]],
  ['getInfo', [NO_SOCKET]],
  ['getSockets', []],
]);

const perform = (/** @type {string} */ method, /** @type {unknown[]} */ args) =>
  /** @type {any} */ (tcp)[method](...args);

beforeEach(() => jest.spyOn(console, 'error').mockImplementation(() => {}));

afterEach(async () => {
  jest.restoreAllMocks();
  configure({ manifest: null, manifestVersion: null });
  for (const { socketId } of await tcp.getSockets()) await tcp.close(socketId);
  await stopServers();
});

describe.each([
  ['a manifest', { manifest: manifest(2) }],
  ['configure()', { manifestVersion: 2 }],
  ['configure() despite the manifest', { manifest: manifest(3), manifestVersion: 2 }],
])('Manifest V2 by %s', (_by, configuration) => {
  test.each(CALLS)('%s() without a callback returns undefined', async (method, args) => {
    configure(configuration);
    expect(perform(method, args)).toBeUndefined();
    await call('getSockets');
    const failed = args.includes(NO_SOCKET);
    expect(console.error.mock.calls).toEqual(
      failed ? [['Unchecked runtime.lastError: Socket not found']] : [],
    );
  });

  test('calls with a callback work as before', async () => {
    configure(configuration);
    const { args, lastError } = await call('close', NO_SOCKET);
    expect({ args, lastError }).toEqual({ args: [], lastError: 'Socket not found' });
  });

  test('chrome-sockets-tcp/promises still returns promises', async () => {
    configure(configuration);
    const { socketId } = await sockets.create({ name: 'n' });
    expect(await sockets.getInfo(socketId)).toMatchObject({ name: 'n' });
    await expect(sockets.getInfo(NO_SOCKET)).rejects.toThrow('Socket not found');
    expect(console.error).not.toHaveBeenCalled();
  });

  test('received() and streams still work', async () => {
    configure(configuration);
    const server = await startServer({ onConnection: echo });
    const stream = connect({ host: '127.0.0.1', port: server.port });
    stream.write('hello');
    const [data] = await once(stream, 'data');
    expect(String(data)).toBe('hello');
    stream.destroy();
    await once(stream, 'close');

    const { socketId } = await sockets.create();
    await sockets.connect(socketId, '127.0.0.1', server.port);
    await sockets.send(socketId, Buffer.from('hello'));
    for await (const received of sockets.received(socketId)) {
      expect(Buffer.from(received).toString()).toBe('hello');
      break;
    }
    expect(console.error).not.toHaveBeenCalled();
  });
});

describe.each([
  ['without a manifest', {}],
  ['with a manifest without manifest_version', { manifest: manifest(undefined) }],
  ['with Manifest V3', { manifest: manifest(3) }],
  ['with Manifest V3 by configure()', { manifest: manifest(2), manifestVersion: 3 }],
])('%s', (_with, configuration) => {
  test.each(CALLS)('%s() without a callback returns a promise', async (method, args) => {
    configure(configuration);
    const promise = perform(method, args);
    expect(promise).toBeInstanceOf(Promise);
    await promise.catch(() => {});
  });
});

test('a new version applies to the next call', async () => {
  const before = tcp.close(NO_SOCKET);
  configure({ manifestVersion: 2 });
  await expect(before).rejects.toThrow('Socket not found');
  configure({ manifestVersion: null });
  expect(tcp.getSockets()).toBeInstanceOf(Promise);
});

test.each(['2', 1, 2.5, null, [], true])('manifest_version %j is refused', (version) => {
  expect(() => configure({ manifest: manifest(version) })).toThrow(
    /^configure: manifest: manifest_version: expected 2 or 3, found /,
  );
  expect(() => configure({ manifestVersion: /** @type {any} */ (version ?? 4) })).toThrow(
    /^configure: manifestVersion: expected 2, 3 or null, found /,
  );
});

test('a failure without a callback is not an unhandled rejection', async () => {
  const { code, stdout, stderr } = await runNode([
    '--eval',
    `process.on('unhandledRejection', () => console.log('unhandled'));
     require('./entry/register.js');
     require('./entry/configure.js').configure({ manifestVersion: 2 });
     chrome.sockets.tcp.close(98765);`,
  ]);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: '',
    stderr: 'Unchecked runtime.lastError: Socket not found\n',
  });
});
