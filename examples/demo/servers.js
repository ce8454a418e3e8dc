'use strict';

/**
 * The other side of the demo: three small servers on loopback that speak just enough of their
 * protocols for one conversation.
 */

const { once } = require('node:events');
const net = require('node:net');
const readline = require('node:readline');
const tls = require('node:tls');

/**
 * @typedef {{ key: string, cert: string }} Credentials
 */

/**
 * Answers each line that a client sends.
 *
 * @param {import('node:stream').Duplex} socket
 * @param {(line: string) => void} answer
 */
function onLine(socket, answer) {
  // A client that has gone is no reason for the server to go.
  socket.on('error', () => {});
  return readline.createInterface({ input: socket, crlfDelay: Infinity }).on('line', answer);
}

/**
 * IRC in the clear.
 *
 * @param {net.Socket} socket
 */
function irc(socket) {
  let nick = '*';
  onLine(socket, (line) => {
    const [command, argument] = line.split(' ');
    if (command === 'NICK') nick = argument;
    if (command === 'USER') socket.write(`:demo 001 ${nick} :Welcome, ${nick}\r\n`);
    if (command === 'JOIN') socket.write(`:${nick} JOIN ${argument}\r\nPING :still there?\r\n`);
    if (command === 'PONG') socket.write(`:guide PRIVMSG ${nick} :Nice to meet you\r\n`);
    if (command === 'QUIT') socket.end('ERROR :Closing link\r\n');
  });
}

/**
 * SMTP that becomes encrypted half way.
 *
 * @param {net.Socket} socket
 * @param {Credentials} credentials
 */
function smtp(socket, credentials) {
  socket.write('220 mail.demo ready\r\n');
  const lines = onLine(socket, (line) => {
    if (line.startsWith('EHLO')) socket.write('250-mail.demo\r\n250 STARTTLS\r\n');
    if (line !== 'STARTTLS') return;
    lines.close();
    socket.write('220 Go ahead\r\n');
    mail(new tls.TLSSocket(socket, { isServer: true, ...credentials }));
  });
}

/** @param {tls.TLSSocket} socket */
function mail(socket) {
  let inMessage = false;
  onLine(socket, (line) => {
    if (inMessage) {
      inMessage = line !== '.';
      if (!inMessage) socket.write('250 Queued\r\n');
    } else if (line === 'DATA') {
      inMessage = true;
      socket.write('354 Go on\r\n');
    } else if (line === 'QUIT') {
      socket.end('221 Bye\r\n');
    } else {
      socket.write('250 Ok\r\n');
    }
  });
}

/**
 * HTTP over TLS from the first byte.
 *
 * @param {tls.TLSSocket} socket
 */
function https(socket) {
  onLine(socket, (line) => {
    if (line !== '') return;
    const body = `You speak ${socket.getProtocol()} with ${socket.getCipher().name}.\n`;
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
}

/**
 * Starts the servers on ports of their own.
 *
 * @param {Credentials} credentials
 */
async function startServers(credentials) {
  const servers = {
    irc: net.createServer(irc),
    smtp: net.createServer((socket) => smtp(socket, credentials)),
    https: tls.createServer(credentials, https),
  };
  for (const server of Object.values(servers)) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const port = (/** @type {net.Server} */ server) =>
    /** @type {net.AddressInfo} */ (server.address()).port;
  return {
    ports: { irc: port(servers.irc), smtp: port(servers.smtp), https: port(servers.https) },
    close: () => Object.values(servers).forEach((server) => server.close()),
  };
}

module.exports = { irc, startServers };
