'use strict';

const { serverParsers } = require('../renderer/arguments.js');
const { canonicalAddress } = require('../renderer/server-namespace.js');
const { publishCall } = require('../native/diagnostics.js');
const { callback, isTooLong, NAME_TOO_LONG, shortened } = require('./checks.js');

/**
 * @typedef {import('./client-calls.js').Page} Page
 * @typedef {import('./client-calls.js').Parts} Parts
 */

/**
 * The calls of server sockets, as lib/renderer/server-namespace.js makes them. Invalid arguments throw
 * before any effect.
 *
 * @param {Parts} parts
 * @returns {Record<string, (page: Page, ...args: any[]) => void>}
 */
function serverCalls({ native, settings, owners, calls }) {
  return {
    closeServer: (page, request, id) => {
      const [socketId] = serverParsers.close([id, callback]);
      native.closeServer(calls.begin(page, request), owners.adopt(page, socketId));
      owners.delete(socketId);
    },

    createServer: (page, request, persistent, name) => {
      if (isTooLong(name)) return calls.fail(page, request, NAME_TOO_LONG);
      const [properties] = serverParsers.create([{ persistent, name }, callback]);
      const number = calls.begin(page, request);
      const socketId = native.createServer(number, properties.persistent, properties.name);
      if (socketId === null) return;
      owners.add(page, socketId);
      calls.note(number, { value: socketId });
    },

    disconnectServer: (page, request, id) => {
      const [socketId] = serverParsers.disconnect([id, callback]);
      const number = calls.begin(page, request);
      native.disconnectServer(number, owners.adopt(page, socketId));
    },

    getServerInfo: (page, request, id) => {
      const [socketId] = serverParsers.getInfo([id, callback]);
      const number = calls.begin(page, request);
      const known = owners.find(socketId);
      calls.keepValue(number, native.getServerInfo(number, known));
    },

    getServers: (page, request) => {
      const number = calls.begin(page, request);
      const infos = native.getServers(number);
      const known = infos.filter(({ socketId }) => owners.has(socketId));
      calls.keepValue(number, known);
    },

    listenOn: (page, request, id, wantedAddress, wantedPort, wantedBacklog) => {
      const [socketId, address, port, backlog] = serverParsers.listen([
        id,
        typeof wantedAddress === 'string' ? shortened(wantedAddress) : wantedAddress,
        wantedPort,
        wantedBacklog,
        callback,
      ]);
      const number = calls.begin(page, request);
      const used = owners.adopt(page, socketId);
      const call = { socketId, host: address, port: port & 0xffff };
      calls.note(number, { publishEnd: publishCall('listen', call, callback) });
      if (settings.permissions?.allowsListen(address, port & 0xffff)) {
        const canonical = canonicalAddress(address);
        native.listenOn(number, used, canonical, port & 0xffff, backlog);
      } else {
        native.denyListen(number, used);
      }
    },

    pauseServer: (page, request, id, wanted) => {
      const [socketId, paused] = serverParsers.setPaused([id, wanted, callback]);
      const number = calls.begin(page, request);
      native.pauseServer(number, owners.adopt(page, socketId), paused);
    },

    updateServer: (page, request, id, persistent, name) => {
      if (isTooLong(name)) return calls.fail(page, request, NAME_TOO_LONG);
      const [socketId, properties] = serverParsers.update([id, { persistent, name }, callback]);
      const number = calls.begin(page, request);
      const used = owners.adopt(page, socketId);
      native.updateServer(number, used, properties.persistent, properties.name);
    },
  };
}

module.exports = { serverCalls };
