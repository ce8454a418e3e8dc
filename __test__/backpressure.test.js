'use strict';

const { closeSockets, connected, result, tcp } = require('./support/client.js');
const { startFlood } = require('./support/flood.js');
const { certificate } = require('../support/servers.js');

const MIB = 1024 * 1024;
const TOTAL = 128;

/**
 * The most bytes in transit: the operating system's buffers on both sides (some 10 MiB on Linux)
 * and the module's read-ahead.
 */
const MAX_IN_TRANSIT = 32 * MIB;

let server;

afterEach(async () => {
  await closeSockets();
  await server.stop();
});

describe.each([['plain'], ['TLS']])('a %s peer that sends faster than JavaScript reads', (kind) => {
  const isTls = kind === 'TLS';

  const connectToFlood = async () => {
    server = await startFlood(TOTAL, isTls ? certificate() : undefined);
    const client = await connected(server.port, {
      paused: true,
      properties: { bufferSize: 65_536 },
    });
    if (isTls) expect(await result('secure', client.socketId)).toBe(0);
    // The bytes themselves are not looked at here, only counted.
    client.inbox.stop();
    return client.socketId;
  };

  /** Counts what the socket receives, until its error. */
  const receiveAll = (socketId, onFirst = () => {}) =>
    new Promise((resolve) => {
      let received = 0;
      const onReceive = ({ data }) => {
        if (received === 0) onFirst();
        received += data.byteLength;
      };
      const onReceiveError = () => {
        tcp.onReceive.removeListener(onReceive);
        tcp.onReceiveError.removeListener(onReceiveError);
        resolve(received);
      };
      tcp.onReceive.addListener(onReceive);
      tcp.onReceiveError.addListener(onReceiveError);
      tcp.setPaused(socketId, false);
    });

  test('waits while a listener runs, and all bytes arrive', async () => {
    const socketId = await connectToFlood();
    let sentAtMost = 0;
    const received = await receiveAll(socketId, () => {
      server.waitUntilStalled();
      sentAtMost = server.sentBytes();
    });
    expect(sentAtMost).toBeLessThan(MAX_IN_TRANSIT);
    expect(received).toBe(server.totalBytes);
  });

  test('waits while the socket is paused, and all bytes arrive', async () => {
    const socketId = await connectToFlood();
    const stranger = jest.fn();
    tcp.onReceive.addListener(stranger);
    await server.stalled();
    tcp.onReceive.removeListener(stranger);
    expect(stranger).not.toHaveBeenCalled();
    expect(server.sentBytes()).toBeLessThan(MAX_IN_TRANSIT);
    await expect(receiveAll(socketId)).resolves.toBe(server.totalBytes);
  });
});
