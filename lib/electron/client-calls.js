'use strict';

const { parsers, bytesOf } = require('../renderer/arguments.js');
const { canonicalHost } = require('../renderer/canonical-host.js');
const { ADDRESS_FAMILIES } = require('../renderer/namespace.js');
const { publishCall } = require('../native/diagnostics.js');
const { callback, isTooLong, isUint32, NAME_TOO_LONG, refuse, shortened } = require('./checks.js');
const { MAX_GATHERED, MAX_HOST } = require('./limits.js');

/**
 * @typedef {InstanceType<typeof import('./served-page.js').ServedPage>} Page
 *
 * @typedef {object} Parts
 * @property {import('../native/instance.js').Instance['native']} native
 * @property {import('../native/instance.js').Instance['settings']} settings
 * @property {InstanceType<typeof import('./owners.js').Owners>} owners The pages of these sockets.
 * @property {InstanceType<typeof import('./page-calls.js').PageCalls>} calls
 */

const FAMILIES = new Set(Object.values(ADDRESS_FAMILIES));

/**
 * The calls of client sockets, as lib/renderer/namespace.js makes them. Invalid arguments throw before
 * any effect.
 *
 * @param {Parts} parts
 * @returns {Record<string, (page: Page, ...args: any[]) => void>}
 */
function clientCalls({ native, settings, owners, calls }) {
  return {
    close: (page, request, id) => {
      const [socketId] = parsers.close([id, callback]);
      native.close(calls.begin(page, request), owners.adopt(page, socketId));
      owners.delete(socketId);
    },

    connect: (page, request, id, peerAddress, peerPort, family) => {
      const [socketId, host, port] = parsers.connect([
        id,
        typeof peerAddress === 'string' ? shortened(peerAddress) : peerAddress,
        peerPort,
        null,
        callback,
      ]);
      if (!FAMILIES.has(family)) refuse('an address family');
      const canonical = host.length < MAX_HOST ? canonicalHost(host) : host;
      const number = calls.begin(page, request, { bytes: 2 * canonical.length });
      const used = owners.adopt(page, socketId);
      const call = { socketId, host: canonical, port: port & 0xffff };
      calls.note(number, { publishEnd: publishCall('connect', call, callback) });
      if (settings.permissions?.allowsConnect(host, port & 0xffff)) {
        native.connect(number, used, canonical, port & 0xffff, family, page.number);
      } else {
        native.denyConnect(number, used, canonical);
      }
    },

    create: (page, request, persistent, name, bufferSize) => {
      if (isTooLong(name)) return calls.fail(page, request, NAME_TOO_LONG);
      const [properties] = parsers.create([{ persistent, name, bufferSize }, callback]);
      const number = calls.begin(page, request);
      const { persistent: lasting, name: label, bufferSize: size } = properties;
      const socketId = native.create(number, lasting, label, size);
      if (socketId === null) return;
      owners.add(page, socketId);
      calls.note(number, { value: socketId });
    },

    disconnect: (page, request, id) => {
      const [socketId] = parsers.disconnect([id, callback]);
      native.disconnect(calls.begin(page, request), owners.adopt(page, socketId));
    },

    getInfo: (page, request, id) => {
      const [socketId] = parsers.getInfo([id, callback]);
      const number = calls.begin(page, request);
      calls.keepValue(number, native.getInfo(number, owners.find(socketId)));
    },

    getSockets: (page, request) => {
      const number = calls.begin(page, request);
      const infos = native.getSockets(number);
      calls.keepValue(
        number,
        infos.filter(({ socketId }) => owners.has(socketId)),
      );
    },

    secure: (page, request, id, min, max) => {
      const options = { tlsVersion: { min, max } };
      const [socketId, { tlsVersion }] = parsers.secure([id, options, callback]);
      const number = calls.begin(page, request);
      const publishEnd = publishCall('secure', { socketId }, callback);
      calls.note(number, { securing: socketId, publishEnd });
      native.secure(number, owners.adopt(page, socketId), tlsVersion.min, tlsVersion.max);
    },

    send: (page, request, id, data) => {
      const [socketId, bytes] = parsers.send([id, data, callback]);
      native.send(calls.begin(page, request), owners.adopt(page, socketId), bytesOf(bytes));
    },

    sendGathered: (page, first, count, sockets, data) => {
      const numbered = isUint32(first) && isUint32(count) && count <= MAX_GATHERED;
      if (!numbered || !ArrayBuffer.isView(sockets) || !ArrayBuffer.isView(data)) {
        return refuse('sends and their bytes');
      }
      // Copies, which nobody else can change any more.
      const headers = new Int32Array(sockets.buffer, sockets.byteOffset, 2 * count).slice();
      const bytes = bytesOf(data);
      let left = bytes.length;
      for (let i = 1; i < headers.length; i += 2) {
        if (headers[i] < 0 || headers[i] > left) {
          return refuse('no more than the bytes that came');
        }
        left -= headers[i];
      }
      if (count === 0) return;
      const number = calls.freeNumbers(count);
      page.keep(count, 0);
      for (let i = 0; i < count; i++) {
        calls.register({ page, number: (first + i) >>> 0, bytes: 0 });
        headers[2 * i] = owners.adopt(page, headers[2 * i]);
      }
      native.sendGathered(number, count, headers, bytes);
    },

    setKeepAlive: (page, request, id, wanted, seconds) => {
      const args = parsers.setKeepAlive([id, wanted, seconds, callback]);
      const [socketId, enable, delay = 0] = args;
      const used = owners.adopt(page, socketId);
      native.setKeepAlive(calls.begin(page, request), used, enable, delay);
    },

    setNoDelay: (page, request, id, wanted) => {
      const [socketId, noDelay] = parsers.setNoDelay([id, wanted, callback]);
      native.setNoDelay(calls.begin(page, request), owners.adopt(page, socketId), noDelay);
    },

    setPaused: (page, request, id, wanted) => {
      const [socketId, paused] = parsers.setPaused([id, wanted, callback]);
      native.setPaused(calls.begin(page, request), owners.adopt(page, socketId), paused);
    },

    update: (page, request, id, persistent, name, bufferSize) => {
      if (isTooLong(name)) return calls.fail(page, request, NAME_TOO_LONG);
      const changes = { persistent, name, bufferSize };
      const [socketId, properties] = parsers.update([id, changes, callback]);
      const { persistent: lasting, name: label, bufferSize: size } = properties;
      const number = calls.begin(page, request);
      native.update(number, owners.adopt(page, socketId), lasting, label, size);
    },
  };
}

module.exports = { clientCalls };
