'use strict';

// The preload file without Electron: its two worlds are contexts that share nothing but events.

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const vm = require('node:vm');
const { MessageChannel } = require('node:worker_threads');
const { Application } = require('../../lib/electron/application.js');
const { ROOT } = require('../support/child.js');

const source = readFileSync(join(ROOT, 'dist', 'electron-preload.js'), 'utf8');

/** Runs it, and returns the page's global object and the posted messages. */
function run({ granted = { returnsPromises: true }, times = 1 } = {}) {
  const target = new EventTarget();
  const channels = [];
  const shared = {
    addEventListener: target.addEventListener.bind(target),
    dispatchEvent: target.dispatchEvent.bind(target),
  };
  class PageChannel {
    constructor() {
      channels.push(Object.assign(this, new MessageChannel()));
    }
  }
  const page = vm.createContext({ ...shared, console, MessageChannel: PageChannel, MessageEvent });
  const posted = [];
  const electron = {
    ipcRenderer: {
      sendSync: (channel) => channel === 'chrome-sockets-tcp:granted' && granted,
      postMessage: (...args) => posted.push(args),
    },
    webFrame: { executeJavaScript: async (code) => vm.runInContext(code, page) },
  };
  const preload = vm.createContext({
    ...shared,
    require(name) {
      if (name !== 'electron') throw new Error(`a sandboxed preload file cannot require ${name}`);
      return electron;
    },
  });
  for (let time = 0; time < times; time++) vm.runInContext(source, preload);
  return { page, posted, close: () => channels.forEach(({ port1 }) => port1.close()) };
}

test("installs the API before the page's scripts, with objects of the page's own world", async () => {
  const { page, posted, close } = run();
  const [[channel, message, [port]], ...others] = posted;
  expect([channel, message, others]).toEqual(['chrome-sockets-tcp:page', null, []]);
  const application = new Application({ manifest: {} });
  application.addPage({
    on: (event, listener) => port.on(event, (data) => listener({ data })),
    postMessage: (data) => port.postMessage(data),
    start() {},
    close: () => port.close(),
  });
  const result = await vm.runInContext(
    `chrome.sockets.tcp.create({ name: 'one' }).then(async ({ socketId }) => {
      const promise = chrome.sockets.tcp.getInfo(socketId);
      const info = await promise;
      return [
        promise instanceof Promise,
        Object.getPrototypeOf(info) === Object.prototype,
        info.name,
        Object.keys(chrome),
      ];
    })`,
    page,
  );
  expect([...result].flat()).toEqual([true, true, 'one', 'sockets', 'runtime']);
  application.close();
  close();
});

test('hides the port from scripts that replace methods and accessors of prototypes', async () => {
  const { page, posted, close } = run();
  const [[, , [port]]] = posted;
  const application = new Application({ manifest: {} });
  application.addPage({
    on: (event, listener) => port.on(event, (data) => listener({ data })),
    postMessage: (data) => port.postMessage(data),
    start() {},
    close: () => port.close(),
  });
  const seen = [];
  const { postMessage } = MessagePort.prototype;
  const data = Object.getOwnPropertyDescriptor(MessageEvent.prototype, 'data');
  try {
    MessagePort.prototype.postMessage = function (...args) {
      if (this !== port) seen.push('postMessage');
      return postMessage.apply(this, args);
    };
    Object.defineProperty(MessageEvent.prototype, 'data', {
      configurable: true,
      get() {
        if (this.target !== port) seen.push('data');
        return data.get.call(this);
      },
    });
    const created = vm.runInContext(
      `for (const name of ['apply', 'bind', 'call']) {
        const original = Function.prototype[name];
        Function.prototype[name] = function (...args) {
          if (this === MessagePort.prototype.postMessage) throw new Error('taken');
          return Reflect.apply(original, this, args);
        };
      }
      chrome.sockets.tcp.create()`,
      page,
    );
    expect(await created).toEqual({ socketId: expect.any(Number) });
  } finally {
    MessagePort.prototype.postMessage = postMessage;
    Object.defineProperty(MessageEvent.prototype, 'data', data);
    application.close();
    close();
  }
  expect(seen).toEqual([]);
});

test('gives no promises to a page of an app of Manifest V2', () => {
  const { page, close } = run({ granted: { returnsPromises: false } });
  expect(vm.runInContext('chrome.sockets.tcp.getSockets()', page)).toBeUndefined();
  close();
});

test('gives nothing to a page that is not granted', () => {
  const { page, posted } = run({ granted: null });
  expect(posted).toEqual([]);
  expect('chrome' in page).toBe(false);
});

test('runs once, even if both the session and the window name it', () => {
  const { posted, close } = run({ times: 2 });
  expect(posted).toHaveLength(1);
  close();
});
