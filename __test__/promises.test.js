'use strict';

const { closeSockets, runtime, tcp } = require('./support/client.js');

afterEach(closeSockets);

const UNKNOWN = 99999;

test('the methods with an optional callback return a promise of this realm without one', async () => {
  const promise = tcp.create({ name: 'n' });
  expect(promise).toBeInstanceOf(Promise);
  const { socketId } = await promise;
  const promises = [
    tcp.update(socketId, {}),
    tcp.setPaused(socketId, true),
    tcp.disconnect(socketId),
    tcp.getInfo(socketId),
    tcp.getSockets(),
    tcp.close(socketId),
  ];
  for (const other of promises) expect(other).toBeInstanceOf(Promise);
  await expect(Promise.all(promises)).resolves.toStrictEqual([
    undefined,
    undefined,
    undefined,
    { connected: false, name: 'n', paused: true, persistent: false, socketId },
    [{ connected: false, name: 'n', paused: true, persistent: false, socketId }],
    undefined,
  ]);
});

test('null and undefined count as no callback', async () => {
  const [first, second] = await Promise.all([tcp.create({}, null), tcp.create({}, undefined)]);
  expect(second.socketId).toBe(first.socketId + 1);
});

test('a method that has a callback returns undefined', () => {
  expect(tcp.getSockets(() => {})).toBeUndefined();
});

test.each([
  ['update', [UNKNOWN, {}]],
  ['setPaused', [UNKNOWN, true]],
  ['disconnect', [UNKNOWN]],
  ['close', [UNKNOWN]],
  ['getInfo', [UNKNOWN]],
])('%s rejects with a plain Error and without lastError', async (method, args) => {
  const seen = jest.fn((error) => [error, 'lastError' in runtime]);
  const [error, hasLastError] = await tcp[method](...args).catch(seen);
  expect(seen).toHaveBeenCalledTimes(1);
  expect(error).toStrictEqual(new Error('Socket not found'));
  expect(Object.keys(error)).toEqual([]);
  expect(hasLastError).toBe(false);
});

test('promises and callbacks are settled in the order of the calls', async () => {
  const order = [];
  const promises = [
    tcp.getSockets().then(() => order.push('first promise')),
    new Promise((resolve) => tcp.getSockets(() => resolve(order.push('callback')))),
    tcp.getSockets().then(() => order.push('second promise')),
  ];
  await Promise.all(promises);
  expect(order).toEqual(['first promise', 'callback', 'second promise']);
});

test('a rejection nobody handles is the environment’s, and not reported as lastError', async () => {
  const { runNode } = require('./support/child.js');
  const { code, stderr } = await runNode(['--eval', `require('./index.js').close(${UNKNOWN});`]);
  expect(code).toBe(1);
  expect(stderr).toContain('Error: Socket not found');
  expect(stderr).not.toContain('Unchecked runtime.lastError');
});
