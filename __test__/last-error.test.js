'use strict';

const { inspect } = require('node:util');
const { callWithLastError, showLastErrorOn } = require('../lib/renderer/last-error.js');
const { reportException } = require('../lib/renderer/report-exception.js');

// jest fails the running test when an exception is raised; exceptions.test.js lets them happen.
jest.mock('../lib/renderer/report-exception.js', () => ({ reportException: jest.fn() }));

const MESSAGE = 'Socket not found';

let runtime;

beforeEach(() => {
  runtime = showLastErrorOn({});
  jest.spyOn(console, 'error').mockImplementation(() => {});
});

afterEach(() => {
  delete runtime.lastError;
  jest.restoreAllMocks();
});

/** Runs the function as the callback of a failed call and gives what it returned. */
function inFailingCallback(callback, args = []) {
  const returned = [];
  callWithLastError(MESSAGE, (...given) => returned.push(callback(...given)), args);
  expect(returned).toHaveLength(1);
  return returned[0];
}

const readMessage = () => runtime.lastError?.message;

describe('lastError', () => {
  test('is there for the length of the callback only', () => {
    expect('lastError' in runtime).toBe(false);
    expect(inFailingCallback(readMessage)).toBe(MESSAGE);
    expect('lastError' in runtime).toBe(false);
  });

  test('shows its message on the console', () => {
    expect(inFailingCallback(() => inspect(runtime.lastError))).toContain(MESSAGE);
  });

  test('is gone when microtasks of the callback run', async () => {
    const later = inFailingCallback(() => Promise.resolve().then(() => 'lastError' in runtime));
    await expect(later).resolves.toBe(false);
  });

  test('stands beside the callback’s arguments', () => {
    expect(inFailingCallback((code) => [code, readMessage()], [-102])).toEqual([-102, MESSAGE]);
  });

  test('has nothing but a read-only message, and is no Error', () => {
    inFailingCallback(() => {
      const { lastError } = runtime;
      expect(Object.keys(lastError)).toEqual(['message']);
      expect(Object.getOwnPropertyDescriptor(lastError, 'message')).toMatchObject({
        set: undefined,
        enumerable: true,
        configurable: true,
      });
      expect(() => {
        lastError.message = 'mine';
      }).toThrow('Cannot set property message of [object Object] which has only a getter');
      expect(lastError).not.toBeInstanceOf(Error);
      expect(JSON.stringify(lastError)).toBe(JSON.stringify({ message: MESSAGE }));
    });
  });

  test('is the same object each time it is read, another one for each error, and can be kept', () => {
    const read = () => [runtime.lastError, runtime.lastError];
    const [first, again] = inFailingCallback(read);
    const [second] = inFailingCallback(read);
    expect(first).toBe(again);
    expect(first).not.toBe(second);
    expect(first.message).toBe(MESSAGE);
  });

  test('is an own, enumerable, configurable property', () => {
    inFailingCallback(() => {
      expect(Object.getOwnPropertyDescriptor(runtime, 'lastError')).toMatchObject({
        enumerable: true,
        configurable: true,
      });
      expect(runtime.lastError.message).toBe(MESSAGE);
    });
  });

  test('may be deleted in a callback, and is back for the next', () => {
    inFailingCallback(() => delete runtime.lastError);
    expect(inFailingCallback(readMessage)).toBe(MESSAGE);
  });
});

describe('an unchecked error', () => {
  test('is reported on the console when the callback has not read it', () => {
    inFailingCallback(() => {});
    expect(console.error.mock.calls).toEqual([[`Unchecked runtime.lastError: ${MESSAGE}`]]);
  });

  test('is reported when the callback only looks whether there is one', () => {
    expect(inFailingCallback(() => 'lastError' in runtime)).toBe(true);
    expect(console.error).toHaveBeenCalledTimes(1);
  });

  test('is not reported when the callback has read it', () => {
    inFailingCallback(() => runtime.lastError);
    expect(console.error).not.toHaveBeenCalled();
  });

  test('is reported although the callback threw, and what it threw is raised', () => {
    const exception = new Error('from a callback');
    const throwing = () => {
      throw exception;
    };
    callWithLastError(MESSAGE, throwing, []);
    expect('lastError' in runtime).toBe(false);
    expect(console.error).toHaveBeenCalledTimes(1);
    expect(reportException.mock.calls).toEqual([[exception]]);
  });
});

describe('what a script puts there itself', () => {
  test('before the callback, stays, and then no error counts as unchecked', () => {
    runtime.lastError = 'mine';
    expect(inFailingCallback(() => runtime.lastError)).toBe('mine');
    expect(runtime.lastError).toBe('mine');
    expect(console.error).not.toHaveBeenCalled();
  });

  test('before the callback, does not stay if it is undefined', () => {
    runtime.lastError = undefined;
    expect(inFailingCallback(readMessage)).toBe(MESSAGE);
    expect('lastError' in runtime).toBe(false);
  });

  test('during the callback, is read from then on, which checks nothing, until it is undefined', () => {
    inFailingCallback(() => {
      runtime.lastError = 'mine';
      expect(runtime.lastError).toBe('mine');
    });
    expect('lastError' in runtime).toBe(false);
    expect(inFailingCallback(() => runtime.lastError)).toBe('mine');
    expect(console.error).toHaveBeenCalledTimes(2);
    inFailingCallback(() => {
      runtime.lastError = undefined;
    });
    expect(inFailingCallback(readMessage)).toBe(MESSAGE);
  });
});

test('the objects that show lastError show the same one, and reading one is enough', () => {
  const other = showLastErrorOn({});
  inFailingCallback(() => expect(other.lastError).toBe(runtime.lastError));
  console.error.mockClear();
  inFailingCallback(() => other.lastError);
  expect(console.error).not.toHaveBeenCalled();
});

test('a frozen object is left as it is', () => {
  const frozen = showLastErrorOn(Object.freeze({}));
  expect(inFailingCallback(() => [frozen.lastError, readMessage()])).toEqual([undefined, MESSAGE]);
});
