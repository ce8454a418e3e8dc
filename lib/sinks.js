'use strict';

/** Hands what each socket receives to whoever takes it, with one listener for all. */

const tcp = require('../index.js');

/**
 * @typedef {object} Sink
 * @property {(data: ArrayBuffer) => void} push
 * @property {(code: number) => void} finish Gets the code of onReceiveError.
 */

/** @type {Map<number, Sink>} */
const sinks = new Map();

/** @param {{ socketId: number, data: ArrayBuffer }} info */
const onReceive = ({ socketId, data }) => sinks.get(socketId)?.push(data);

/** @param {{ socketId: number, resultCode: number }} info */
const onReceiveError = ({ socketId, resultCode }) => sinks.get(socketId)?.finish(resultCode);

/**
 * @param {number} socketId
 * @param {Sink} sink
 */
function addSink(socketId, sink) {
  if (sinks.size === 0) {
    tcp.onReceive.addListener(onReceive);
    tcp.onReceiveError.addListener(onReceiveError);
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
