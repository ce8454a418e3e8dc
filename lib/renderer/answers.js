'use strict';

/** Arguments of callbacks that both namespaces have. Members are in alphabetical order, as Chromium's are. */

/**
 * @typedef {import('../../binding.js').SocketInfo} SocketInfo
 * @typedef {import('./requests.js').Answer} Answer
 */

/** A dictionary that was left out. Properties of Object.prototype do not belong to it. */
const NO_MEMBERS = Object.freeze(Object.create(null));

const nothing = () => [];

/** @type {Answer} */
const resultCode = (code) => [code];

/** @type {Answer} */
const createInfo = (_code, socketId) => [{ socketId }];

/**
 * @param {readonly (keyof SocketInfo)[]} members The members that the namespace's `SocketInfo` has.
 * @returns {{ oneSocketInfo: Answer, allSocketInfos: Answer }}
 */
function infoAnswers(members) {
  const socketInfo = (/** @type {SocketInfo} */ info) => {
    /** @type {Record<string, unknown>} */
    const result = {};
    for (const member of members) {
      if (Object.hasOwn(info, member)) result[member] = info[member];
    }
    return result;
  };
  return {
    oneSocketInfo: (_code, info) => [socketInfo(info)],
    allSocketInfos: (_code, infos) => [Array.from(infos, socketInfo)],
  };
}

module.exports = { nothing, resultCode, createInfo, infoAnswers, NO_MEMBERS };
