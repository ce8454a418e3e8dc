'use strict';

/**
 * Poses as the preload file, as a page could that has broken out of its sandbox. A popup of such a page
 * keeps the port that the page passes on to it.
 */

const { contextBridge, ipcRenderer } = require('electron');

/** @type {MessagePort | undefined} */
let passedOn;
globalThis.addEventListener('message', ({ ports: [port] }) => {
  passedOn = port;
});

function answerTo(port, call) {
  const answered = new Promise((resolve) => (port.onmessage = ({ data }) => resolve(data)));
  port.postMessage([call]);
  return answered;
}

contextBridge.exposeInMainWorld('hostile', {
  granted: () => Boolean(ipcRenderer.sendSync('chrome-sockets-tcp:granted')),
  /**
   * Sends messages over a port of its own; the last is made by code, for values that no bridge
   * transfers.
   */
  post: (messages, code) => {
    const { port1, port2 } = new MessageChannel();
    ipcRenderer.postMessage('chrome-sockets-tcp:page', null, [port2]);
    for (const message of messages) port1.postMessage(message);
    if (code !== undefined) {
      const strange = {
        blob: () => [new Blob(['x'])],
        port: () => {
          const { port1: sent } = new MessageChannel();
          return [[['getSockets', 1, sent]], [sent]];
        },
        buffer: () => {
          const sent = new ArrayBuffer(8);
          return [[['send', 1, 1, sent]], [sent]];
        },
        canvas: () => {
          const sent = new OffscreenCanvas(1, 1);
          return [sent, [sent]];
        },
        sparse: () => [new Array(2 ** 32 - 1)],
        deep: () => {
          let message = [];
          for (let depth = 0; depth < 1000; depth++) message = [message];
          return [message];
        },
      };
      port1.postMessage(...strange[code]());
    }
  },
  /** Connects a socket over a port of its own, and passes the port on to a popup. */
  connectAndPassOn: async (port, popup) => {
    const { port1, port2 } = new MessageChannel();
    ipcRenderer.postMessage('chrome-sockets-tcp:page', null, [port2]);
    const socketId = (await answerTo(port1, ['create', 0]))[4];
    await answerTo(port1, ['connect', 1, socketId, '127.0.0.1', port, 0]);
    globalThis.open('', popup).postMessage('port', '*', [port1]);
    return socketId;
  },
  /** Calls over the port that was passed on. */
  callPassedOn: (call) => answerTo(passedOn, call),
  hasPassedOn: () => passedOn !== undefined,
  /** Values that are not ports. */
  send: (channel, ...args) => ipcRenderer.send(channel, ...args),
  ports: (count) => {
    const ports = Array.from({ length: count }, () => new MessageChannel().port1);
    ipcRenderer.postMessage('chrome-sockets-tcp:page', { any: 'thing' }, ports);
  },
});
