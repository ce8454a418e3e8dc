'use strict';

const { join } = require('node:path');
const { ROOT, runNode } = require('./support/child.js');

const run = (code) => runNode(['--eval', `const tcp = require('./index.js');\n${code}`]);

describe('an unhandled exception', () => {
  test.each([
    ['a callback', `tcp.getSockets(() => { throw new Error('mine'); });`],
    ['a callback of a failing call', `tcp.close(99, () => { throw new Error('mine'); });`],
    [
      'a listener',
      `tcp.onReceive.addListener(() => { throw new Error('mine'); });
       tcp.onReceive.dispatch({});`,
    ],
  ])('in %s ends the process', async (_title, code) => {
    const { code: exitCode, stderr } = await run(code);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/Error: mine\r?\n {4}at .*\[eval\]:/);
  });
});

test('microtasks of an event run before the next event despite exceptions', async () => {
  const { code, stdout, stderr } = await run(`
    const order = [];
    process.on('uncaughtException', () => {});
    const throwing = () => { throw new Error('mine'); };
    let calls = 0;
    const callback = () => {
      const call = ++calls;
      order.push('callback ' + call);
      Promise.resolve().then(() => {}).then(() => order.push('microtasks of ' + call));
      tcp.onReceive.dispatch();
      throw new Error('mine');
    };
    tcp.onReceive.addListener(throwing);
    tcp.getSockets(callback);
    tcp.getSockets(callback);
    tcp.getSockets(() => console.log(order.join(', ')));`);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: 'callback 1, microtasks of 1, callback 2, microtasks of 2\n',
    stderr: '',
  });
});

test('an exception in a callback clears lastError', async () => {
  const { code, stdout, stderr } = await run(`
    const runtime = require('./entry/runtime.js');
    process.on('uncaughtException', (exception) => console.log(exception, 'lastError' in runtime));
    tcp.close(99, () => { void runtime.lastError; throw 'mine'; });
    tcp.getSockets(() => console.log('next', 'lastError' in runtime));`);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: 'mine false\nnext false\n',
    stderr: '',
  });
});

test('an assertion that fails in a callback fails the jest test that is running', async () => {
  const config = {
    rootDir: join(ROOT, '__test__', 'fixtures'),
    testMatch: ['**/failing-assertion.js'],
    // The failed test goes on waiting for its `done`.
    testTimeout: 500,
  };
  const jest = [require.resolve('jest/bin/jest'), '--config', JSON.stringify(config)];
  const { code, stderr } = await runNode(jest, { timeout: 60_000 });
  expect(code).toBe(1);
  // Jest's marks are others on Windows.
  expect(stderr).toMatch(/[✕×] fails in the callback \(/);
  expect(stderr).toMatch(/[✕×] fails in the callback that has ended it/);
  expect(stderr).toMatch(/[✓√] passes/);
  expect(stderr).toMatch(/● fails in the callback\s+expect\(received\)\.toBe\(expected\)/);
  expect(stderr).not.toContain('Test suite failed to run');
}, 70_000);
