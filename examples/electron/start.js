'use strict';

/**
 * Starts the example, and a small IRC server on this machine to talk to, in the Electron that
 * ELECTRON_PATH names, that is installed, or that npx fetches.
 */

const { spawn } = require('node:child_process');
const net = require('node:net');
const { join } = require('node:path');
const { irc } = require('../../demo/servers.js');
const { electronPath } = require('../../support/electron.js');

const main = join(__dirname, 'main.js');
const path = electronPath();
const command = path ?? 'npx';
const args = path ? [main] : ['--yes', 'electron', main];

const server = net.createServer(irc);
server.on('error', ({ message }) => console.error(`no IRC server of our own: ${message}`));
server.listen(6667, '127.0.0.1');

const electron = spawn(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
electron.on('exit', (code) => process.exit(code ?? 1));
