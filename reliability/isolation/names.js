'use strict';

/** A resolver that takes its time, for processes whose /etc/resolv.conf is another one. */

const { createSocket } = require('node:dgram');
const { once } = require('node:events');
const { writeFileSync } = require('node:fs');

const ADDRESS = '127.0.0.66';
const PORT = 53;
const TYPE_A = 1;

/** The length of the header before the question. */
const HEADER = 12;

/**
 * @param {Buffer} query
 * @returns {Buffer} For IPv4: 127.0.0.1; for anything else: nothing.
 */
function answer(query) {
  const end = query.indexOf(0, HEADER) + 5;
  const isA = query.readUInt16BE(end - 4) === TYPE_A;
  const header = Buffer.from(query.subarray(0, HEADER));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(isA ? 1 : 0, 6);
  header.fill(0, 8);
  const record = [0xc0, HEADER, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1];
  return Buffer.concat([header, query.subarray(HEADER, end), Buffer.from(isA ? record : [])]);
}

/**
 * @param {number} delay Milliseconds before each answer.
 * @param {string} file Where the configuration that names it goes.
 */
async function startResolver(delay, file) {
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    setTimeout(() => socket.send(answer(query), port, address), delay).unref();
  });
  socket.bind(PORT, ADDRESS);
  await once(socket, 'listening');
  writeFileSync(file, `nameserver ${ADDRESS}\noptions timeout:30 attempts:1\n`);
  return { stop: () => socket.close() };
}

/**
 * @param {string} file
 * @returns {string[]} Starts a program that sees the file as its /etc/resolv.conf.
 */
const withResolver = (file) => [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'mount --bind "$0" /etc/resolv.conf && exec "$@"',
  file,
];

module.exports = { startResolver, withResolver };
