'use strict';

/** node examples/telnet.js host port: sends the typed lines and prints the answers. */

const { connect } = require('chrome-sockets-tcp/duplex');

const [host, port] = process.argv.slice(2);
const connection = connect({ host, port });

connection.on('error', ({ message }) => {
  console.error(message); // connect: net::ERR_CONNECTION_REFUSED
  process.exitCode = 1;
});
connection.on('close', () => process.stdin.destroy());
process.stdin.pipe(connection, { end: false });
connection.pipe(process.stdout);
