'use strict';

/** A resolver that is silent, slow or lies, as the first label of a name asks for. */

const { createSocket } = require('node:dgram');
const { once } = require('node:events');
const { writeFileSync } = require('node:fs');
const { createServer } = require('node:net');

const ADDRESS = '127.0.0.67';
const PORT = 53;
const TYPE = { a: 1, cname: 5, txt: 16, aaaa: 28 };

/** The length of the header before the question. */
const HEADER = 12;

/** As many addresses as an answer can hold. */
const MANY_ADDRESSES = 4000;

/** The delay of a late answer, in milliseconds. */
const LATE_MS = 1000;

/** @param {number} type @param {Buffer} data @param {Buffer} [name] by default the one asked for */
function record(type, data, name = Buffer.from([0xc0, HEADER])) {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([name, fixed, data]);
}

/** @param {string} text */
const nameOf = (text) =>
  Buffer.concat([
    ...text.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);

/** @param {Buffer} query @param {Buffer[]} records @param {number} [flags] */
function answer(query, records, flags = 0x8180) {
  const end = query.indexOf(0, HEADER) + 5;
  const header = Buffer.from(query.subarray(0, HEADER));
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(records.length, 6);
  header.fill(0, 8);
  return Buffer.concat([header, query.subarray(HEADER, end), ...records]);
}

/** Too long for a datagram: the client asks again over TCP. */
const TRUNCATED = 0x8380;

/** Loopback addresses without a listener. @param {number} index */
const refusing = (index) => Buffer.from([127, 1, index >> 8, index & 255]);

/**
 * The answer for each first label of a name.
 *
 * @type {Record<string, (query: Buffer, isA: boolean, isStream: boolean) => Buffer | undefined>}
 */
const NAMES = {
  silent: () => undefined,
  good: (query, isA) => answer(query, isA ? [record(TYPE.a, Buffer.from([127, 0, 0, 1]))] : []),
  late: (query, isA) => NAMES.good(query, isA, false),
  thousands(query, isA, isStream) {
    if (!isA) return answer(query, []);
    if (!isStream) return answer(query, [], TRUNCATED);
    const all = Array.from({ length: MANY_ADDRESSES }, (_, index) =>
      record(TYPE.a, refusing(index)),
    );
    return answer(query, all);
  },
  odd: (query, isA) =>
    answer(query, [
      record(isA ? TYPE.aaaa : TYPE.a, Buffer.alloc(isA ? 16 : 4, 1)),
      record(TYPE.a, Buffer.alloc(5, 127)),
      record(TYPE.txt, Buffer.from([200, 1, 2])),
      record(99, Buffer.alloc(300)),
    ]),
  // An answer of its own, and a name that points to itself by compression.
  loop: (query) =>
    answer(query, [
      record(TYPE.cname, nameOf('loop-b.test')),
      record(TYPE.cname, nameOf('loop.test'), nameOf('loop-b.test')),
      record(TYPE.cname, Buffer.from([0xc0, HEADER])),
    ]),
  'loop-b': (query) => answer(query, [record(TYPE.cname, nameOf('loop.test'))]),
};

/** @param {Buffer} query @param {boolean} isStream @param {(bytes: Buffer) => void} send */
function respond(query, isStream, send) {
  const [label] = query.toString('latin1', HEADER + 1, HEADER + 1 + query[HEADER]).split('-');
  const whole = query.toString('latin1', HEADER + 1, HEADER + 1 + query[HEADER]);
  const end = query.indexOf(0, HEADER) + 5;
  const isA = query.readUInt16BE(end - 4) === TYPE.a;
  const make = NAMES[whole] ?? NAMES[label] ?? NAMES.silent;
  const bytes = make(query, isA, isStream);
  if (!bytes) return;
  if (label === 'late') setTimeout(() => send(bytes), LATE_MS).unref();
  else send(bytes);
}

/** @param {string} file Where the configuration that names it goes. */
async function startResolver(file) {
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    respond(query, false, (bytes) => socket.send(bytes, port, address));
  });
  socket.bind(PORT, ADDRESS);
  const server = createServer((stream) => {
    let received = Buffer.alloc(0);
    stream.on('error', () => {});
    stream.on('data', (data) => {
      received = Buffer.concat([received, data]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE()) {
        const query = received.subarray(2, 2 + received.readUInt16BE());
        received = received.subarray(2 + query.length);
        respond(query, true, (bytes) => {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(bytes.length);
          stream.write(Buffer.concat([length, bytes]));
        });
      }
    });
  });
  server.listen(PORT, ADDRESS);
  await Promise.all([once(socket, 'listening'), once(server, 'listening')]);
  writeFileSync(file, `nameserver ${ADDRESS}\noptions timeout:30 attempts:1\n`);
  return {
    stop() {
      socket.close();
      server.close();
    },
  };
}

module.exports = { startResolver, LATE_MS, MANY_ADDRESSES };
