'use strict';

/** `chrome.sockets.tcpServer`: the methods over the same native half and requests as `chrome.sockets.tcp`. */

const { serverParsers: parsers } = require('./arguments.js');
const { nothing, resultCode, createInfo, infoAnswers, NO_MEMBERS } = require('./answers.js');
const { canonicalHost } = require('./canonical-host.js');

const { oneSocketInfo, allSocketInfos } = infoAnswers([
  'localAddress',
  'localPort',
  'name',
  'paused',
  'persistent',
  'socketId',
]);

/** The spellings of an IPv4 address. Chromium reads no other host here, such as a name. */
const IPV4 = /^[\da-fx.]+$/i;

/**
 * @param {string} address
 * @returns {string} A dotted quad if the address is an IPv4 address in any of the spellings of URLs.
 */
function canonicalAddress(address) {
  return IPV4.test(address) ? canonicalHost(address) : address;
}

/**
 * @param {import('./namespace.js').NativeHalf} native
 * @param {Record<'onAccept' | 'onAcceptError', import('./event.js').Event>} events
 * @param {object} shared What the namespaces share.
 * @param {InstanceType<typeof import('./requests.js').Requests>['begin']} shared.begin
 * @param {(address: string, port: number) => boolean} shared.allowsListen
 * @param {typeof import('../native/diagnostics.js').publishCall} shared.publishCall
 */
function createServerNamespace(
  native,
  { onAccept, onAcceptError },
  { begin, allowsListen, publishCall },
) {
  return {
    onAcceptError,
    onAccept,

    /** @param {unknown[]} args */
    close(...args) {
      const [socketId, callback] = parsers.close(args);
      const { id, promise } = begin(callback, nothing);
      native.closeServer(id, socketId);
      return promise;
    },

    /** @param {unknown[]} args */
    create(...args) {
      const [properties = NO_MEMBERS, callback] = parsers.create(args);
      const { persistent, name } = properties;
      const request = begin(callback, createInfo);
      request.value = native.createServer(request.id, persistent, name);
      return request.promise;
    },

    /** @param {unknown[]} args */
    disconnect(...args) {
      const [socketId, callback] = parsers.disconnect(args);
      const { id, promise } = begin(callback, nothing);
      native.disconnectServer(id, socketId);
      return promise;
    },

    /** @param {unknown[]} args */
    getInfo(...args) {
      const [socketId, callback] = parsers.getInfo(args);
      const request = begin(callback, oneSocketInfo);
      request.value = native.getServerInfo(request.id, socketId);
      return request.promise;
    },

    /** @param {unknown[]} args */
    getSockets(...args) {
      const [callback] = parsers.getSockets(args);
      const request = begin(callback, allSocketInfos);
      request.value = native.getServers(request.id);
      return request.promise;
    },

    /** @param {unknown[]} args */
    listen(...args) {
      const [socketId, address, wanted, backlog, callback] = parsers.listen(args);
      // Chromium narrows the port to 16 bits without a check.
      const port = wanted & 0xffff;
      const call = { socketId, host: address, port };
      const { id } = begin(publishCall('listen', call, callback), resultCode);
      if (allowsListen(address, port)) {
        native.listenOn(id, socketId, canonicalAddress(address), port, backlog);
      } else {
        native.denyListen(id, socketId);
      }
    },

    /** @param {unknown[]} args */
    setPaused(...args) {
      const [socketId, paused, callback] = parsers.setPaused(args);
      const { id, promise } = begin(callback, nothing);
      native.pauseServer(id, socketId, paused);
      return promise;
    },

    /** @param {unknown[]} args */
    update(...args) {
      const [socketId, properties, callback] = parsers.update(args);
      const { persistent, name } = properties;
      const { id, promise } = begin(callback, nothing);
      native.updateServer(id, socketId, persistent, name);
      return promise;
    },
  };
}

module.exports = { createServerNamespace, canonicalAddress };
