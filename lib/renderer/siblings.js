'use strict';

/**
 * Stands in for the neighbours of `chrome.sockets.tcp` that libraries look for before they use
 * sockets: chrome-net wants a string in `chrome.runtime.id`, chrome-dgram adds its listeners to
 * `chrome.sockets.udp` when it loads.
 */

const { createEvent } = require('./event.js');

/** In the form of Chrome's identifiers: 32 letters from a to p. */
const ID = 'chaomeaockeaaacpchaomeaockeaaacp';

const UDP_METHODS = [
  'bind',
  'close',
  'create',
  'getInfo',
  'getJoinedGroups',
  'getSockets',
  'joinGroup',
  'leaveGroup',
  'send',
  'setBroadcast',
  'setMulticastLoopbackMode',
  'setMulticastTimeToLive',
  'setPaused',
  'update',
];

/** @returns {object} A `chrome.sockets.udp` whose events never fire and whose methods throw. */
function createUdp() {
  /** @type {Record<string, unknown>} */
  const udp = { onReceive: createEvent(), onReceiveError: createEvent() };
  for (const method of UDP_METHODS) {
    udp[method] = () => {
      throw new Error(`chrome.sockets.udp.${method}: not provided by chrome-sockets-tcp`);
    };
  }
  return udp;
}

/**
 * Adds the neighbours that are missing.
 *
 * @param {any} chrome Has `sockets` and `runtime`; `runtime` is extensible.
 */
function addSiblings(chrome) {
  chrome.sockets.udp ??= createUdp();
  if (typeof chrome.runtime.id === 'string') return;
  Reflect.defineProperty(chrome.runtime, 'id', {
    value: ID,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

module.exports = { addSiblings };
