'use strict';

/** Passes the received data of each socket to its consumer, with one listener for all sockets. */

const tcp = require('../api/tcp.js');
const { causeOf } = require('../renderer/causes.js');
const { neutralContext } = require('../base/context.js');

/**
 * @typedef {object} Consumer
 * @property {(data: ArrayBuffer) => void} push
 * @property {(failure: number | undefined) => void} finish Gets a net error code if the connection
 *   did not end in order.
 */

/** @type {Map<number, Consumer>} */
const consumers = new Map();

/** @param {{ socketId: number, data: ArrayBuffer }} info */
const onReceive = ({ socketId, data }) => consumers.get(socketId)?.push(data);

/** @param {{ socketId: number, resultCode: number }} info */
const onReceiveError = (info) => consumers.get(info.socketId)?.finish(causeOf(info));

/** No consumer lends its context to the others. */
const context = neutralContext();

function listen() {
  tcp.onReceive.addListener(onReceive);
  tcp.onReceiveError.addListener(onReceiveError);
}

/**
 * @param {number} socketId
 * @param {Consumer} consumer
 */
function addConsumer(socketId, consumer) {
  if (consumers.size === 0) {
    context.runInAsyncScope(listen);
  }
  consumers.set(socketId, consumer);
}

/** @param {number} socketId */
function removeConsumer(socketId) {
  consumers.delete(socketId);
  if (consumers.size === 0) {
    tcp.onReceive.removeListener(onReceive);
    tcp.onReceiveError.removeListener(onReceiveError);
  }
}

module.exports = { addConsumer, removeConsumer, consumers };
