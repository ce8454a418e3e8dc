'use strict';

/**
 * Why connections did not end in order. Chromium reports every end of a connection as
 * ERR_CONNECTION_CLOSED, so the objects that listeners get say no more; streams and iterators look
 * here.
 *
 * @type {WeakMap<object, number>}
 */
const causes = new WeakMap();

const CONNECTION_CLOSED = -100;

/**
 * @param {object} info The argument of the listeners of onReceiveError.
 * @param {number | undefined} cause A net error code; undefined for an end in order.
 */
function noteCause(info, cause) {
  if (cause !== undefined) causes.set(info, cause);
}

/**
 * @param {{ resultCode: number }} info
 * @returns {number | undefined} A net error code; undefined for an end in order.
 */
function causeOf(info) {
  const { resultCode } = info;
  return causes.get(info) ?? (resultCode === CONNECTION_CLOSED ? undefined : resultCode);
}

module.exports = { causeOf, noteCause };
