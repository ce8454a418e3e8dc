'use strict';

/** Passes the received data of each socket to its consumer, with one listener for all sockets. */

const tcp = require('../api/tcp.js');
const { causeOf } = require('../renderer/causes.js');
const { neutralContext } = require('../base/context.js');

/**
 * @typedef {object} Sink
 * @property {(data: ArrayBuffer) => void} push
 * @property {(failure: number | undefined) => void} finish Gets a net error code if the connection
 *   did not end in order.
 */

/** @type {Map<number, Sink>} */
const sinks = new Map();

/** @param {{ socketId: number, data: ArrayBuffer }} info */
const onReceive = ({ socketId, data }) => sinks.get(socketId)?.push(data);

/** @param {{ socketId: number, resultCode: number }} info */
const onReceiveError = (info) => sinks.get(info.socketId)?.finish(causeOf(info));

/** No consumer lends its context to the others. */
const context = neutralContext();

function listen() {
  tcp.onReceive.addListener(onReceive);
  tcp.onReceiveError.addListener(onReceiveError);
}

/**
 * @param {number} socketId
 * @param {Sink} sink
 */
function addSink(socketId, sink) {
  if (sinks.size === 0) {
    context.runInAsyncScope(listen);
  }
  sinks.set(socketId, sink);
}

/** @param {number} socketId */
function removeSink(socketId) {
  sinks.delete(socketId);
  if (sinks.size === 0) {
    tcp.onReceive.removeListener(onReceive);
    tcp.onReceiveError.removeListener(onReceiveError);
  }
}

module.exports = { addSink, removeSink, sinks };
