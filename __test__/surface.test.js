'use strict';

// As Chromium 156 shows its chrome.sockets.tcp.

const { join } = require('node:path');
const tcp = require('../index.js');
const { runNode } = require('./support/child.js');

const METHODS = [
  'close',
  'connect',
  'create',
  'disconnect',
  'getInfo',
  'getSockets',
  'secure',
  'send',
  'setKeepAlive',
  'setNoDelay',
  'setPaused',
  'update',
];
const EVENTS = ['onReceiveError', 'onReceive'];
const PROPERTY = { writable: true, enumerable: true, configurable: true };

describe('the namespace', () => {
  test('is an ordinary object with 15 members', () => {
    expect(Reflect.ownKeys(tcp)).toEqual([...EVENTS, ...METHODS, 'DnsQueryType']);
    expect(Object.getPrototypeOf(tcp)).toBe(Object.prototype);
    expect(Object.isExtensible(tcp)).toBe(true);
  });

  test.each([...EVENTS, ...METHODS, 'DnsQueryType'])('has %s as a changeable property', (key) => {
    expect(Object.getOwnPropertyDescriptor(tcp, key)).toEqual({ ...PROPERTY, value: tcp[key] });
  });

  test('prints as in Chromium', () => {
    expect(JSON.stringify(tcp)).toBe(
      '{"onReceiveError":{},"onReceive":{},' +
        '"DnsQueryType":{"ANY":"any","IPV4":"ipv4","IPV6":"ipv6"}}',
    );
  });
});

describe.each(METHODS)('%s', (method) => {
  test('has length 0 and its name and is not a constructor', () => {
    expect(tcp[method]).toHaveLength(0);
    expect(tcp[method].name).toBe(method);
    expect('prototype' in tcp[method]).toBe(false);
    expect(() => new tcp[method]()).toThrow('is not a constructor');
  });
});

test('methods ignore their receiver', async () => {
  const { create, close } = tcp;
  const { socketId } = await create();
  await expect(close.call(null, socketId)).resolves.toBeUndefined();
});

describe.each(EVENTS)('%s', (name) => {
  test('has five functions', () => {
    const event = tcp[name];
    const functions = ['addListener', 'removeListener', 'hasListener', 'hasListeners', 'dispatch'];
    expect(Reflect.ownKeys(event)).toEqual(functions);
    for (const key of functions) {
      expect(Object.getOwnPropertyDescriptor(event, key)).toEqual({
        ...PROPERTY,
        value: event[key],
      });
      expect(event[key]).toHaveLength(0);
      expect(event[key].name).toBe(key);
      expect(() => new event[key]()).toThrow('is not a constructor');
    }
    expect(Object.prototype.toString.call(event)).toBe('[object Object]');
  });

  test('has a nameless constructor of its own kind', () => {
    const { constructor } = tcp[name];
    expect(constructor.name).toBe('');
    expect(Object.keys(Object.getPrototypeOf(tcp[name]))).toEqual([]);
    expect(Object.getPrototypeOf(constructor.prototype)).toBe(Object.prototype);
  });
});

test('events share their functions', () => {
  expect(tcp.onReceive).not.toBe(tcp.onReceiveError);
  expect({ ...tcp.onReceive }).toEqual({ ...tcp.onReceiveError });
  expect(tcp.onReceive.constructor).toBe(tcp.onReceiveError.constructor);
});

test('DnsQueryType can be changed, as any object', () => {
  expect(tcp.DnsQueryType).toStrictEqual({ ANY: 'any', IPV4: 'ipv4', IPV6: 'ipv6' });
  expect(Object.isFrozen(tcp.DnsQueryType)).toBe(false);
});

test('import gives the object that require gives', async () => {
  const { code, stdout, stderr } = await runNode([
    '--input-type=module',
    '--eval',
    `import { createRequire } from 'node:module';
     import tcp from 'chrome-sockets-tcp';
     import runtime from 'chrome-sockets-tcp/runtime';
     import 'chrome-sockets-tcp/register';
     const require = createRequire(${JSON.stringify(join(__dirname, 'x.js'))});
     console.log(tcp === require('chrome-sockets-tcp'), tcp === chrome.sockets.tcp,
       runtime === chrome.runtime, Object.keys(tcp).length);`,
  ]);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'true true true 15\n', stderr: '' });
});
