'use strict';

const { runNode } = require('./support/child.js');

const SECURE_TWICE = `
  process.env.NODE_EXTRA_CA_CERTS = '/no/such/authority.pem';
  const { createServer } = require('node:net');
  const tcp = require('./index.js');
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end('no TLS'));
  }).listen(0, '127.0.0.1', async () => {
    for (let turn = 0; turn < 2; turn += 1) {
      const { socketId } = await tcp.create();
      await tcp.setPaused(socketId, true);
      const { port } = server.address();
      await new Promise((done) => tcp.connect(socketId, '127.0.0.1', port, done));
      console.log(await new Promise((done) => tcp.secure(socketId, done)));
    }
    server.close();
  });`;

test('an unreadable certificate file causes one warning that names it', async () => {
  const { code, stdout, stderr } = await runNode(['--eval', SECURE_TWICE]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '-107\n-107\n' });
  const warnings = stderr.match(/Warning: NODE_EXTRA_CA_CERTS: \/no\/such\/authority\.pem: .+/g);
  expect(warnings).toHaveLength(1);
});
