'use strict';

/**
 * A Node service: an HTTP gateway to a WHOIS server (RFC 3912), with promises, time limits and a clean
 * shutdown. `GET /example.com` asks the WHOIS server and returns its answer.
 */

const http = require('node:http');
const tcp = require('chrome-sockets-tcp/promises');

/** The longest that the WHOIS server may take, in milliseconds. */
const TIMEOUT = 5000;

/** The longest answer that is passed on, in bytes. */
const MAX_ANSWER = 64 * 1024;

/**
 * @param {{ host: string, port: number }} server
 * @param {string} name
 * @param {AbortSignal} signal
 * @returns {Promise<Buffer>}
 */
async function whois({ host, port }, name, signal) {
  const { socketId } = await tcp.create();
  try {
    await tcp.connect(socketId, host, port, { signal });
    await tcp.send(socketId, Buffer.from(`${name}\r\n`));
    const chunks = [];
    let length = 0;
    for await (const data of tcp.received(socketId, { signal })) {
      chunks.push(Buffer.from(data));
      length += data.byteLength;
      if (length > MAX_ANSWER) break;
    }
    return Buffer.concat(chunks).subarray(0, MAX_ANSWER);
  } finally {
    // The socket is already closed after an abort.
    await tcp.close(socketId).catch(() => {});
  }
}

/**
 * @param {{ host: string, port: number }} server The WHOIS server.
 * @param {number} [timeout]
 * @returns {http.Server}
 */
function createService(server, timeout = TIMEOUT) {
  return http.createServer(async (request, response) => {
    const name = decodeURIComponent(String(request.url).slice(1));
    if (!/^[\w.-]{1,253}$/.test(name)) {
      response.writeHead(400).end('expected a domain name\n');
      return;
    }
    try {
      const answer = await whois(server, name, AbortSignal.timeout(timeout));
      response.writeHead(200, { 'content-type': 'text/plain' }).end(answer);
    } catch (/** @type {any} */ error) {
      const status = error.name === 'TimeoutError' ? 504 : 502;
      const reason = error instanceof tcp.SocketError ? error.code : error.name;
      response.writeHead(status).end(`${reason}\n`);
    }
  });
}

module.exports = { createService };
