'use strict';

/** Helpers of the tests in pages. */

const atStart = typeof globalThis.chrome?.sockets?.tcp?.create;
const texts = {};
const lengths = {};
const errors = [];

function listen() {
  const { tcp } = chrome.sockets;
  tcp.onReceive.addListener(({ socketId, data }) => {
    lengths[socketId] = (lengths[socketId] ?? 0) + data.byteLength;
    if (data.byteLength < 1000) {
      texts[socketId] = (texts[socketId] ?? '') + new TextDecoder().decode(data);
    }
  });
  tcp.onReceiveError.addListener(({ socketId, resultCode }) => errors.push([socketId, resultCode]));
}

/** The first argument of the callback, or the message of lastError if there is none. */
function call(method, ...args) {
  return new Promise((resolve) => {
    chrome.sockets.tcp[method](...args, (value) => {
      resolve(value ?? chrome.runtime.lastError?.message);
    });
  });
}

async function connect(host, port, properties = {}) {
  const { socketId } = await chrome.sockets.tcp.create(properties);
  const result = await call('connect', socketId, host, port);
  if (result !== 0) throw new Error(`connect: ${result}`);
  return socketId;
}

const send = (socketId, text) => call('send', socketId, new TextEncoder().encode(text).buffer);

/** Resolves once a condition holds. */
async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

Object.assign(globalThis, {
  atStart,
  texts,
  lengths,
  errors,
  listen,
  call,
  connect,
  send,
  until,
});
