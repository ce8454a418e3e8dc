'use strict';

/** Streams over sockets of the API, for libraries that take a stream of Node. */

const { call } = require('./call.js');
const {
  instance: { native },
} = require('../native/instance.js');
const { IntrinsicPromise } = require('../base/intrinsics.js');
const { withNodeCode } = require('./node-errors.js');
const { traceOf } = require('./socket-error.js');
const { SocketDuplex } = require('./socket-duplex.js');
const { checkProtocols, TlsSession } = require('./tls-session.js');

/**
 * @param {number} socketId
 * @param {import('../../entry/duplex.js').DuplexOptions} [options]
 */
function duplex(socketId, options = {}) {
  /** @type {(socket: Promise<number>) => void} */
  let start = () => {};
  const trace = traceOf(duplex);
  const stream = new SocketDuplex(new IntrinsicPromise((resolve) => (start = resolve)), options);
  const takeOver = async () => {
    // Before the pause counts: a read in flight brings one piece more.
    SocketDuplex.attach(stream, socketId);
    await call('setPaused', [socketId, true], trace);
    return socketId;
  };
  start(takeOver());
  return stream;
}

/**
 * @param {import('../../entry/duplex.js').ConnectOptions} options
 * @param {() => void} [onConnect]
 */
function connect(
  { host = 'localhost', port, dnsQueryType, secure, ALPNProtocols, ...options },
  onConnect,
) {
  const protocols = ALPNProtocols === undefined ? [] : checkProtocols(ALPNProtocols);
  if (protocols.length > 0 && !secure) {
    throw new TypeError(
      'ALPNProtocols: expected secure as well, as only TLS negotiates a protocol',
    );
  }
  const session = secure ? new TlsSession(host) : undefined;
  const trace = traceOf(connect);
  /** @type {number | undefined} */
  let created;
  const open = async () => {
    const { socketId } = await call('create', [{}], trace);
    created = socketId;
    try {
      await call('setPaused', [socketId, true], trace);
      await call('connect', [socketId, host, Number(port), dnsQueryType], trace);
      if (session) {
        native.negotiate(socketId, protocols);
        await call('secure', [socketId, secure === true ? {} : secure], trace);
        session.succeed(native.takeSession(socketId));
      }
      return socketId;
    } catch (error) {
      await call('close', [socketId]).catch(() => {});
      throw withNodeCode(error, { host, port: Number(port) });
    }
  };
  const giveUp = () => {
    if (created !== undefined) call('close', [created]).catch(() => {});
  };
  const stream = new SocketDuplex(open(), options, giveUp);
  SocketDuplex.describe(stream, { host, port: Number(port) }, session);
  if (onConnect) stream.once(secure ? 'secureConnect' : 'connect', onConnect);
  return stream;
}

module.exports = { connect, duplex };
