'use strict';

const { runNode } = require('./support/child.js');
const { closeSockets, runtime, tcp } = require('./support/client.js');

afterEach(closeSockets);

const UNKNOWN = 99999;

test('methods without a callback return a promise of this realm', async () => {
  const promise = tcp.create({ name: 'n' });
  expect(promise).toBeInstanceOf(Promise);
  expect(promise.constructor).toBe(Promise);
  expect(Object.getOwnPropertyNames(promise)).toEqual([]);
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

describe('the promise of a call that fails', () => {
  const run = (code) => runNode(['--eval', `const tcp = require('./index.js');\n${code}`]);
  const unchecked = 'Unchecked runtime.lastError: Socket not found\n';

  test('is reported on the console when no code uses it', async () => {
    const { code, stdout, stderr } = await run(`
      tcp.close(${UNKNOWN});
      tcp.getSockets(() => console.log('goes on'));`);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'goes on\n', stderr: unchecked });
  });

  test('reaches unhandledRejection listeners', async () => {
    const { code, stdout, stderr } = await run(`
      process.on('unhandledRejection', (error) => console.log('unhandled', error.message));
      tcp.close(${UNKNOWN});`);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'unhandled Socket not found\n',
      stderr: '',
    });
  });

  test('can still be handled later', async () => {
    const { code, stdout, stderr } = await run(`
      const promise = tcp.close(${UNKNOWN});
      tcp.getSockets(() => promise.catch(({ message }) => console.log(message)));`);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'Socket not found\n',
      stderr: unchecked,
    });
  });

  test.each([
    ['then', 'tcp.close(1).then(() => {});'],
    ['finally', 'tcp.close(1).finally(() => {});'],
    ['await', '(async () => { await tcp.close(1); })();'],
    ['Promise.all', 'Promise.all([tcp.close(1)]);'],
  ])('is an ordinary unhandled rejection after %s', async (_title, call) => {
    const { code, stderr } = await run(call);
    expect(code).toBe(1);
    expect(stderr).toContain('Error: Socket not found');
    expect(stderr).not.toContain('Unchecked');
  });

  test.each([
    ['catch', 'tcp.close(1).catch(seen);'],
    ['await', '(async () => { try { await tcp.close(1); } catch (e) { seen(e); } })();'],
    ['Promise.allSettled', 'Promise.allSettled([tcp.close(1)]).then(([r]) => seen(r.reason));'],
    ['Promise.race', 'Promise.race([tcp.close(1)]).catch(seen);'],
    ['an async function that returns it', '(async () => tcp.close(1))().catch(seen);'],
  ])('is handled with %s', async (_title, call) => {
    const { code, stdout, stderr } = await run(
      `const seen = ({ message }) => console.log(message);\n${call}`,
    );
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'Socket not found\n',
      stderr: '',
    });
  });
});
