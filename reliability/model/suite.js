'use strict';

/**
 * Random sequences of all twelve calls on many sockets, with peers that echo, are silent, flood,
 * end, reset, refuse, do not answer or do TLS in several ways, compared with a small executable
 * model of chrome.sockets.tcp (model.js): each callback exactly once and with the right arguments,
 * events where and as they may come, each byte where it belongs, and everything in the order that
 * is promised.
 */

const { readdirSync } = require('node:fs');
const { explore, ownModule, summary } = require('./explore.js');

/** The outcomes and events that a run must have covered. */
const KINDS = [
  ...['create', 'update', 'setPaused', 'setKeepAlive', 'setNoDelay', 'connect'],
  ...['disconnect', 'secure', 'send', 'close', 'getInfo', 'getSockets'],
].map((method) => `${method} succeeds`);
KINDS.push(
  ...['ABORTED', 'SOCKET_IS_CONNECTED', 'CONNECTION_REFUSED', 'CONNECTION_FAILED'].map(
    (name) => `connect net::ERR_${name}`,
  ),
  'connect net::ERR_NAME_NOT_RESOLVED',
  'connect Does not have permission',
  'connect Socket not found',
  ...['FAILED', 'SOCKET_NOT_CONNECTED'].map((name) => `send net::ERR_${name}`),
  'send Exceeded write quota.',
  'send Socket not found',
  ...['FAILED', 'ABORTED', 'SSL_PROTOCOL_ERROR', 'CERT_COMMON_NAME_INVALID'].map(
    (name) => `secure net::ERR_${name}`,
  ),
  'secure net::ERR_CERT_AUTHORITY_INVALID',
  'secure Socket not connected',
  'secure Socket must be a connected client TCP socket.',
  'onReceive',
  'onReceiveError -100',
  'onReceiveError -15',
);

const MILLION = 1_000_000;

const descriptors = () =>
  process.platform === 'linux' ? readdirSync('/proc/self/fd').length : undefined;

/** @type {import('../suite.js').Suite} */
module.exports = {
  title: 'random calls compared with an executable model',
  seconds: { short: 45, long: 1800 },

  async run({ long, seed, log }) {
    const module = ownModule();
    // Creates the objects that are created once.
    await explore(module, { calls: 500, seed });
    const before = descriptors();

    let told = 0;
    const { tally, failure } = await explore(module, {
      seed,
      calls: long ? MILLION : undefined,
      until: long ? undefined : Date.now() + 40_000,
      onChunk(tally) {
        if (tally.calls - told < MILLION / 20) return;
        told = tally.calls;
        log(summary(tally));
      },
    });
    if (failure) log(failure);
    const missing = KINDS.filter((kind) => !tally.said.has(kind));
    const left = descriptors();
    return [
      {
        what: 'calls answered as the model predicts',
        figure: summary(tally),
        bound: 'all',
        ok: !failure,
      },
      {
        what: 'kinds of outcomes and events that occurred',
        figure: `${tally.said.size}${missing.map((kind) => `, not: ${kind}`).join('')}`,
        bound: `at least these ${KINDS.length}`,
        ok: missing.length === 0,
      },
      {
        what: 'sequences abandoned because the model could not decide',
        figure: `${tally.givenUp} of ${tally.sequences}`,
        bound: 'at most one in 500',
        ok: tally.givenUp * 500 <= tally.sequences,
      },
      {
        what: 'descriptors afterwards',
        figure: `${left}`,
        bound: `${before}`,
        ok: left === before,
      },
    ];
  },
};
