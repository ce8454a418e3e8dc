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

/** Runs the function as the callback of a failed call and returns its result. */
function inFailingCallback(callback, args = []) {
  const returned = [];
  callWithLastError(MESSAGE, (...given) => returned.push(callback(...given)), args);
  expect(returned).toHaveLength(1);
  return returned[0];
}

const readMessage = () => runtime.lastError?.message;

describe('lastError', () => {
  test('exists only during the callback', () => {
    expect('lastError' in runtime).toBe(false);
    expect(inFailingCallback(readMessage)).toBe(MESSAGE);
    expect('lastError' in runtime).toBe(false);
  });

  test('shows its message on the console', () => {
    expect(inFailingCallback(() => inspect(runtime.lastError))).toContain(MESSAGE);
  });

  test('is undefined when microtasks of the callback run', async () => {
    const later = inFailingCallback(() => Promise.resolve().then(() => 'lastError' in runtime));
    await expect(later).resolves.toBe(false);
  });

  test('accompanies the callback’s arguments', () => {
    expect(inFailingCallback((code) => [code, readMessage()], [-102])).toEqual([-102, MESSAGE]);
  });

  test('has only a read-only message and is not an Error', () => {
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

  test('is one object for each error and can be stored', () => {
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

  test('may be deleted in a callback and exists again in the next', () => {
    inFailingCallback(() => delete runtime.lastError);
    expect(inFailingCallback(readMessage)).toBe(MESSAGE);
  });
});

describe('an unchecked error', () => {
  test('is reported on the console when the callback has not read it', () => {
    inFailingCallback(() => {});
    expect(console.error.mock.calls).toEqual([[`Unchecked runtime.lastError: ${MESSAGE}`]]);
  });

  test('is reported when the callback only uses the in operator', () => {
    expect(inFailingCallback(() => 'lastError' in runtime)).toBe(true);
    expect(console.error).toHaveBeenCalledTimes(1);
  });

  test('is not reported when the callback has read it', () => {
    inFailingCallback(() => runtime.lastError);
    expect(console.error).not.toHaveBeenCalled();
  });

  test('is reported although the callback threw, and the exception is raised', () => {
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

describe('a lastError that a script assigns', () => {
  test('before the callback, stays and suppresses the report', () => {
    runtime.lastError = 'mine';
    expect(inFailingCallback(() => runtime.lastError)).toBe('mine');
    expect(runtime.lastError).toBe('mine');
    expect(console.error).not.toHaveBeenCalled();
  });

  test('before the callback, is replaced if it is undefined', () => {
    runtime.lastError = undefined;
    expect(inFailingCallback(readMessage)).toBe(MESSAGE);
    expect('lastError' in runtime).toBe(false);
  });

  test('during the callback, is returned until it is undefined, and reading it does not check the error', () => {
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

test('all objects with lastError show the same error, and reading one checks it', () => {
  const other = showLastErrorOn({});
  inFailingCallback(() => expect(other.lastError).toBe(runtime.lastError));
  console.error.mockClear();
  inFailingCallback(() => other.lastError);
  expect(console.error).not.toHaveBeenCalled();
});

test('a frozen object is not changed', () => {
  const frozen = showLastErrorOn(Object.freeze({}));
  expect(inFailingCallback(() => [frozen.lastError, readMessage()])).toEqual([undefined, MESSAGE]);
});
