'use strict';

/** The main process's half without Electron: pages are message channels of Node. */

const { once } = require('node:events');
const net = require('node:net');
const { MessageChannel, receiveMessageOnPort } = require('node:worker_threads');
const { Application } = require('../../lib/electron/application.js');
const { RemoteNative } = require('../../lib/electron/page/remote-native.js');
const { createNamespaces } = require('../../lib/renderer/namespace.js');
const { COMPLETE } = require('../../lib/base/deliveries.js');
const runtime = require('../../entry/runtime.js');
const { stopServers } = require('../../support/servers.js');

const DENIED = 'Does not have permission';
const EVERYTHING = { sockets: { tcp: { connect: '' } } };

/** @type {(() => void)[]} */
const cleanups = [];

/** For `afterEach`: closes the applications, pages and servers of a test. */
async function endApplications() {
  for (const cleanup of cleanups.splice(0)) cleanup();
  await stopServers();
  jest.restoreAllMocks();
}

function newApplication(manifest = EVERYTHING, configuration = {}) {
  const application = new Application({ manifest, ...configuration });
  cleanups.push(() => application.close());
  return application;
}

/** A page's end of a channel to the application, and how to end the page. */
function openPort(application, document) {
  const { port1, port2 } = new MessageChannel();
  const end = application.addPage(
    {
      // Like Electron's MessagePortMain, which removes ports from the message.
      on: (event, listener) =>
        event === 'message'
          ? port2.on(event, (data) => listener({ data, ports: data?.ports ?? [] }))
          : port2.on(event, listener),
      postMessage: (message) => port2.postMessage(message),
      start() {},
      close: () => port2.close(),
    },
    document,
  );
  cleanups.push(() => port1.close());
  return { port: port1, end };
}

/** Like lib/electron/page/main.js, for a port of Node. */
const channelOver = (port) => ({
  post: (message) => port.postMessage(message),
  listen: (listener) => port.on('message', listener),
});

/** A page: the API over such a port, and a record of its events. */
function openPage(application) {
  const { port, end } = openPort(application);
  const { tcp, tcpServer } = createNamespaces(new RemoteNative(channelOver(port)));
  const received = new Map();
  const failed = [];
  let wake = () => {};
  return {
    tcp,
    tcpServer,
    end,
    close: () => port.close(),
    failed,
    listen() {
      tcp.onReceive.addListener(({ socketId, data }) => {
        received.set(socketId, (received.get(socketId) ?? '') + Buffer.from(data).toString());
        wake();
      });
      tcp.onReceiveError.addListener(({ socketId, resultCode }) => {
        failed.push([socketId, resultCode]);
        wake();
      });
    },
    async receives(socketId, text) {
      while (received.get(socketId) !== text) await new Promise((resolve) => (wake = resolve));
    },
    text: (socketId) => received.get(socketId) ?? '',
    /** The first argument of the callback, or the message of lastError if there is none. */
    call: (method, ...args) =>
      new Promise((resolve) =>
        tcp[method](...args, (value) => resolve(value ?? runtime.lastError?.message)),
      ),
    async connect(port, properties = {}) {
      const { socketId } = await tcp.create(properties);
      expect(await this.call('connect', socketId, '127.0.0.1', port)).toBe(0);
      return socketId;
    },
  };
}

/** A listening socket of a page, its port, and the sockets that it accepts. */
async function listen(page) {
  const { socketId } = await page.tcpServer.create();
  const code = await new Promise((resolve) =>
    page.tcpServer.listen(socketId, '127.0.0.1', 0, (result) =>
      resolve(result ?? runtime.lastError?.message),
    ),
  );
  const accepted = [];
  const failed = [];
  let wake = () => {};
  page.tcpServer.onAccept.addListener((info) => {
    accepted.push(info.clientSocketId);
    wake();
  });
  page.tcpServer.onAcceptError.addListener((info) => {
    failed.push(info.resultCode);
    wake();
  });
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => (wake = resolve));
  };
  const { localPort } = await page.tcpServer.getInfo(socketId);
  return { socketId, code, port: localPort, accepted, failed, until };
}

/** A connected client of Node. */
async function dial(port) {
  const client = net.connect({ port, host: '127.0.0.1' });
  cleanups.push(() => client.destroy());
  client.on('error', () => {});
  await once(client, 'connect');
  return client;
}

const bytes = (text) => new TextEncoder().encode(text).buffer;

/** The answers that have come to a page that posts by itself, oldest first. */
function takeAnswers(port) {
  const answers = [];
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
    if (next.message[0] === COMPLETE) answers.push(next.message);
  }
  return answers;
}

/** Waits for that many answers of a page that posts by itself. */
async function answersOf(port, count) {
  const answers = [];
  while (answers.length < count) {
    answers.push(...takeAnswers(port));
    await new Promise(setImmediate);
  }
  return answers;
}

module.exports = {
  DENIED,
  EVERYTHING,
  answersOf,
  bytes,
  cleanups,
  dial,
  endApplications,
  listen,
  newApplication,
  openPage,
  openPort,
  takeAnswers,
};
