'use strict';

/**
 * Records the API's verdict on servers: the result of `secure()`, and the events after it. Runs in
 * Chromium's service worker as well as here, so it uses only features that both have.
 *
 * @param {{ sockets: { tcp: any }, runtime: any }} chrome
 * @param {{ port: number, host?: string, address?: string, follow?: boolean, tlsVersion?: object }[]}
 *   servers `host`: the name that is verified, where it is not the address; `follow`: read until the
 *   connection ends
 * @param {number} together
 * @returns {Promise<string[]>} e.g. `0`, `-202`; with `follow` `0, "hello", -100`
 */
async function judgeAll(chrome, servers, together) {
  const { tcp } = chrome.sockets;
  const TIMEOUT_MS = 4000;
  const call = (method, ...args) =>
    new Promise((resolve) => {
      tcp[method](...args, (result) => {
        void chrome.runtime.lastError;
        resolve(result);
      });
    });
  const listeners = new Map();
  const receive = ({ socketId, data }) => {
    const text = String.fromCharCode(...new Uint8Array(data));
    listeners.get(socketId)?.({ text });
  };
  const fail = ({ socketId, resultCode }) => listeners.get(socketId)?.({ code: resultCode });
  tcp.onReceive.addListener(receive);
  tcp.onReceiveError.addListener(fail);

  const ending = (socketId) =>
    new Promise((resolve) => {
      let received = '';
      listeners.set(socketId, ({ text, code }) => {
        if (code === undefined) received += text;
        else resolve(received ? `0, ${JSON.stringify(received)}, ${code}` : `0, ${code}`);
      });
      tcp.setPaused(socketId, false);
    });
  const judge = async (socketId, { port, host, address = '127.0.0.1', follow, tlsVersion }) => {
    tcp.setPaused(socketId, true);
    const connected = await call('connect', socketId, address, port);
    if (connected !== 0) return `not connected: ${connected}`;
    // That fails, and its host is the one that secure() verifies.
    if (host !== undefined) await call('connect', socketId, host, port);
    const secured = await call('secure', socketId, tlsVersion ? { tlsVersion } : {});
    return secured === 0 && follow ? ending(socketId) : String(secured);
  };

  const results = [];
  const left = [...servers.entries()];
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const [index, server] = next;
      const { socketId } = await call('create', {});
      let timer;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, TIMEOUT_MS, 'no answer');
      });
      results[index] = await Promise.race([judge(socketId, server), late]);
      clearTimeout(timer);
      listeners.delete(socketId);
      await call('close', socketId);
    }
  };
  await Promise.all(Array.from({ length: together }, work));
  tcp.onReceive.removeListener(receive);
  tcp.onReceiveError.removeListener(fail);
  return results;
}

module.exports = { judgeAll };
