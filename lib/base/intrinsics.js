'use strict';

/**
 * The Promise of the language in the realm of this code. An application may replace the global one, for
 * example with bluebird, whose promises are no receivers of these methods.
 *
 * @type {PromiseConstructor}
 */
const IntrinsicPromise = Object.getPrototypeOf((async () => {})()).constructor;

module.exports = { IntrinsicPromise };
