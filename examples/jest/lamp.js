'use strict';

/**
 * A controller of a network lamp, as a Chrome App has it: the lamp takes `ON` and `OFF`, each on a
 * line, and answers `OK` or `ERR` with a reason.
 */

/* global chrome */

/**
 * @param {string} host
 * @param {number} port
 * @param {'ON' | 'OFF'} command
 * @param {(error: Error | null) => void} callback
 */
function switchLamp(host, port, command, callback) {
  const { tcp } = chrome.sockets;
  let reply = '';
  /** @type {number | undefined} */
  let lamp;

  /** @param {Error | null} error */
  function finish(error) {
    tcp.onReceive.removeListener(onReceive);
    tcp.onReceiveError.removeListener(onReceiveError);
    if (lamp === undefined) callback(error);
    else tcp.close(lamp, () => callback(error));
  }

  /** @param {{ socketId: number, data: ArrayBuffer }} info */
  function onReceive({ socketId, data }) {
    if (socketId !== lamp) return;
    reply += new TextDecoder().decode(data);
    if (!reply.includes('\n')) return;
    const line = reply.split('\n')[0].trim();
    finish(line === 'OK' ? null : new Error(`the lamp refused: ${line}`));
  }

  /** @param {{ socketId: number, resultCode: number }} info */
  function onReceiveError({ socketId, resultCode }) {
    if (socketId === lamp) finish(new Error(`the connection ended with ${resultCode}`));
  }

  tcp.onReceive.addListener(onReceive);
  tcp.onReceiveError.addListener(onReceiveError);
  tcp.create({}, ({ socketId }) => {
    lamp = socketId;
    tcp.connect(socketId, host, port, () => {
      const { lastError } = chrome.runtime;
      if (lastError) return finish(new Error(lastError.message));
      tcp.send(socketId, new TextEncoder().encode(`${command}\n`).buffer, () => {});
    });
  });
}

module.exports = { switchLamp };
