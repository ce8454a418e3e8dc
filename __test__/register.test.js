'use strict';

/** Runs register in a fresh instance of the module. */
function register() {
  jest.resetModules();
  require('../entry/register.js');
  return { tcp: require('../index.js'), runtime: require('../entry/runtime.js') };
}

/** lastError as it is seen on globalThis.chrome.runtime in a failing callback. */
const lastErrorSeen = () =>
  new Promise((resolve) => {
    globalThis.chrome.sockets.tcp.close(12345, () => resolve(globalThis.chrome.runtime.lastError));
  });

afterEach(() => {
  delete globalThis.chrome;
});

test('creates a missing global chrome', async () => {
  const { tcp, runtime } = register();
  expect(globalThis.chrome.sockets.tcp).toBe(tcp);
  expect(globalThis.chrome.sockets.tcpServer).toBe(require('../entry/server.js'));
  expect(globalThis.chrome.runtime).toBe(runtime);
  await expect(lastErrorSeen()).resolves.toMatchObject({ message: 'Socket not found' });
  expect(globalThis.chrome.runtime.id).toMatch(/^[a-p]{32}$/);
  expect(Object.keys(globalThis.chrome)).toEqual(['sockets', 'runtime']);
});

test('passes the guards of libraries and throws at the first call of a missing API', () => {
  register();
  const { udp } = globalThis.chrome.sockets;
  const listener = () => {};
  udp.onReceive.addListener(listener);
  udp.onReceiveError.addListener(listener);
  expect(udp.onReceive.hasListener(listener)).toBe(true);
  const methods = Object.keys(udp).filter((name) => !name.startsWith('on'));
  expect(methods).toHaveLength(14);
  for (const method of methods) {
    expect(() => udp[method]({}, listener)).toThrow(
      `chrome.sockets.udp.${method}: not provided by chrome-sockets-tcp`,
    );
  }
});

test('keeps what chrome already holds', async () => {
  const udp = {};
  const storage = {};
  const runtime = { id: 'app', getManifest: () => ({}) };
  const chrome = { storage, runtime, sockets: { udp } };
  globalThis.chrome = chrome;
  const { tcp } = register();

  expect(globalThis.chrome).toBe(chrome);
  expect(chrome.storage).toBe(storage);
  expect(chrome.runtime).toBe(runtime);
  expect(chrome.sockets.udp).toBe(udp);
  expect(chrome.sockets.tcp).toBe(tcp);
  await expect(lastErrorSeen()).resolves.toMatchObject({ message: 'Socket not found' });
  expect(Object.keys(runtime)).toEqual(['id', 'getManifest']);
});

test('keeps the first object if it runs twice', async () => {
  const { tcp } = register();
  const { runtime } = globalThis.chrome;
  register();
  expect(globalThis.chrome.sockets.tcp).toBe(tcp);
  expect(globalThis.chrome.runtime).toBe(runtime);
  await expect(lastErrorSeen()).resolves.toMatchObject({ message: 'Socket not found' });
  expect('lastError' in runtime).toBe(false);
});

test('adds an id to a chrome.runtime without one', () => {
  globalThis.chrome = { runtime: Object.freeze({ getManifest: () => ({}) }) };
  register();
  expect(globalThis.chrome.runtime.id).toMatch(/^[a-p]{32}$/);
});

test('replaces a frozen chrome.runtime', async () => {
  const frozen = Object.freeze({ id: 'app' });
  globalThis.chrome = { runtime: frozen };
  register();
  expect(globalThis.chrome.runtime.id).toBe('app');
  await expect(lastErrorSeen()).resolves.toMatchObject({ message: 'Socket not found' });
});

test('leaves an otherwise complete chrome unchanged', () => {
  globalThis.chrome = Object.freeze({});
  expect(register).toThrow(TypeError);
});

test('the module shows the same lastError in chrome-sockets-tcp/runtime', async () => {
  const { tcp, runtime } = register();
  const same = await new Promise((resolve) => {
    tcp.close(12345, () => resolve(runtime.lastError === globalThis.chrome.runtime.lastError));
  });
  expect(same).toBe(true);
});
