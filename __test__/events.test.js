'use strict';

const { createEvent, emit } = require('../lib/renderer/event.js');
const { reportException } = require('../lib/renderer/report-exception.js');

// jest fails the running test when an exception is raised; exceptions.test.js lets them happen.
jest.mock('../lib/renderer/report-exception.js', () => ({ reportException: jest.fn() }));

let event;
let order;

/** A listener that notes that it ran. */
const noting = (name) => () => {
  order.push(name);
};

beforeEach(() => {
  event = createEvent();
  order = [];
  reportException.mockClear();
});

describe('listeners', () => {
  test('run in the order in which they were added', () => {
    event.addListener(noting('first'));
    event.addListener(noting('second'));
    event.dispatch();
    expect(order).toEqual(['first', 'second']);
  });

  test('are added once, at their first place', () => {
    const first = noting('first');
    event.addListener(first);
    event.addListener(noting('second'));
    event.addListener(first);
    event.dispatch();
    expect(order).toEqual(['first', 'second']);
  });

  test('can be removed', () => {
    const listener = noting('never');
    event.addListener(listener);
    event.removeListener(listener);
    event.dispatch();
    expect(order).toEqual([]);
    expect(event.hasListeners()).toBe(false);
  });

  test('get all arguments unchanged, and the global object as this', () => {
    const info = {};
    const seen = [];
    event.addListener(function (...args) {
      seen.push([this, args]);
    });
    event.addListener((...args) => seen.push([globalThis, args]));
    event.dispatch(info, 2);
    expect(seen).toHaveLength(2);
    for (const [receiver, args] of seen) {
      expect(receiver).toBe(globalThis);
      expect(args[0]).toBe(info);
      expect(args[1]).toBe(2);
    }
  });

  test('removed or added while an event is dispatched count from the next event on', () => {
    const removed = noting('removed');
    const added = noting('added');
    event.addListener(() => {
      order.push('first');
      event.removeListener(removed);
      event.addListener(added);
    });
    event.addListener(removed);
    event.dispatch();
    expect(order).toEqual(['first', 'removed']);
    event.dispatch();
    expect(order).toEqual(['first', 'removed', 'first', 'added']);
  });

  test('may dispatch the event again', () => {
    let depth = 0;
    event.addListener(() => {
      order.push(depth);
      if (depth++ < 2) event.dispatch();
    });
    event.dispatch();
    expect(order).toEqual([0, 1, 2]);
  });

  test('belong to one event only', () => {
    const other = createEvent();
    const listener = noting('never');
    event.addListener(listener);
    expect(other.hasListener(listener)).toBe(false);
    other.dispatch();
    expect(order).toEqual([]);
  });
});

describe('dispatch', () => {
  test('returns the results of the listeners without undefined', () => {
    event.addListener(() => 1);
    event.addListener(() => {});
    event.addListener(() => null);
    expect(event.dispatch()).toStrictEqual({ results: [1, null] });
  });

  test('returns undefined when all results are undefined', () => {
    expect(event.dispatch(1)).toBeUndefined();
    event.addListener(() => {});
    expect(event.dispatch(1)).toBeUndefined();
  });
});

describe('a listener that throws', () => {
  const throwing = (exception) => () => {
    throw exception;
  };

  test('keeps no other listener from running', () => {
    event.addListener(noting('before'));
    event.addListener(throwing(new Error('from a listener')));
    event.addListener(noting('after'));
    expect(event.dispatch()).toBeUndefined();
    expect(order).toEqual(['before', 'after']);
  });

  test('has its exception raised, whatever its type', () => {
    const exception = new Error('from a listener');
    event.addListener(throwing(exception));
    event.addListener(throwing(undefined));
    event.addListener(class {});
    emit(event, {});
    expect(reportException.mock.calls).toEqual([[exception], [undefined], [expect.any(TypeError)]]);
  });
});

describe('events of the module itself', () => {
  test('reach the listeners even if the app has replaced dispatch', () => {
    event.dispatch = () => {
      throw new Error('replaced');
    };
    event.addListener(noting('listener'));
    emit(event, {});
    expect(order).toEqual(['listener']);
  });
});

describe('invalid use', () => {
  const listener = () => {};

  test.each([
    ['no argument', []],
    ['a string', ['x']],
    ['a string and something else', ['x', 1]],
    ['an object', [{}]],
  ])('addListener ignores %s', (_title, args) => {
    expect(event.addListener(...args)).toBeUndefined();
    expect(event.hasListeners()).toBe(false);
  });

  test.each([[[undefined]], [[null]], [[{}]]])('addListener refuses filters: %j', (filters) => {
    expect(() => event.addListener(listener, ...filters)).toThrow(
      new TypeError('This event does not support filters'),
    );
    expect(event.hasListeners()).toBe(false);
  });

  test('removeListener ignores values that are not listeners', () => {
    event.addListener(listener);
    expect(event.removeListener()).toBeUndefined();
    expect(event.removeListener('x', 2)).toBeUndefined();
    expect(event.removeListener(() => {})).toBeUndefined();
    expect(event.hasListener(listener)).toBe(true);
  });

  test('hasListener demands an argument', () => {
    expect(() => event.hasListener()).toThrow(new TypeError('Insufficient number of arguments.'));
  });

  test.each([
    ['str', 'str'],
    ['', ''],
    [undefined, 'undefined'],
    [null, 'null'],
    [5, ''],
    [true, ''],
    [1n, ''],
    [Symbol('s'), ''],
    [{}, ''],
    [['a'], ''],
    [new String('s'), ''],
  ])('hasListener refuses %p', (value, shown) => {
    expect(() => event.hasListener(value)).toThrow(
      new TypeError(`Error processing argument at index 0, conversion failure from ${shown}`),
    );
  });

  test('hasListener treats a proxy of a listener as another function', () => {
    const proxy = new Proxy(listener, {});
    event.addListener(proxy);
    expect([event.hasListener(proxy), event.hasListener(listener)]).toEqual([true, false]);
  });

  describe.each(['addListener', 'removeListener', 'hasListener', 'hasListeners', 'dispatch'])(
    '%s',
    (method) => {
      test.each([
        ['undefined', () => undefined],
        ['null', () => null],
        ['a number', () => 1],
        ['the global object', () => globalThis],
        ['another object', () => ({})],
        ['an object that inherits from an event', () => Object.create(event)],
        ['a proxy of an event', () => new Proxy(event, {})],
      ])('refuses %s as its receiver', (_title, receiver) => {
        expect(() => event[method].call(receiver(), listener)).toThrow(
          new TypeError('Illegal invocation: Function must be called on an object of type Event'),
        );
      });
    },
  );

  test('hasListener checks its argument before its receiver', () => {
    expect(() => event.hasListener.call({})).toThrow('Insufficient number of arguments.');
    expect(() => event.hasListener.call({}, 5)).toThrow('conversion failure from ');
  });

  test('the functions of one event work on another', () => {
    const other = createEvent();
    event.addListener.call(other, listener);
    expect(event.hasListener(listener)).toBe(false);
    expect(other.hasListener(listener)).toBe(true);
  });

  test('events cannot be constructed', () => {
    const message = 'Objects of type Event cannot be created using the constructor.';
    expect(() => new event.constructor()).toThrow(new Error(message));
    expect(() => event.constructor()).toThrow(new Error(message));
  });
});
