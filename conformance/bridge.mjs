/**
 * The messages of `fork()` over TCP, for a runtime into which its channel does not reach, such as a
 * Windows program under wine. The driver calls `forkOverTcp`; the other process preloads this file.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PORT = 'CONFORMANCE_BRIDGE';

/** Calls `receive` with each line of JSON from `socket`. */
function readMessages(socket, receive) {
  let rest = '';
  socket.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) receive(JSON.parse(line));
  });
}

const writeMessage = (socket, message) => void socket.write(`${JSON.stringify(message)}\n`);

/**
 * Starts a script as `fork()` does. The child's stderr is a file, because Node under wine cannot write
 * to a pipe; its text comes as a whole when the process ends.
 *
 * @param {string} script
 * @param {{ execPath: string, execArgv: string[], env: NodeJS.ProcessEnv }} options
 * @returns The process, and a function that returns its output once it has ended.
 */
export async function forkOverTcp(script, { execPath, execArgv, env }) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const log = join(tmpdir(), `conformance-${process.pid}-${server.address().port}.log`);
  const output = openSync(log, 'w');
  // Relative paths, because those of Windows have a drive.
  const bridge = `./${relative(ROOT, fileURLToPath(import.meta.url))}`;
  const args = [...execArgv, '--import', bridge, relative(ROOT, script)];
  const child = spawn(execPath, args, {
    cwd: ROOT,
    env: { ...env, [PORT]: String(server.address().port) },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const complaint = () => {
    const text = readFileSync(log, 'utf8');
    rmSync(log);
    return text;
  };
  const [socket] = await Promise.race([once(server, 'connection'), once(child, 'exit')]);
  server.close();
  if (typeof socket !== 'object' || socket === null) return { child, complaint };
  socket.setNoDelay(true).on('error', () => {});
  socket.on('close', () => (child.connected = false));
  readMessages(socket, (message) => child.emit('message', message));
  child.connected = true;
  child.send = (message) => writeMessage(socket, message);
  return { child, complaint };
}

async function attach(port) {
  const socket = connect(Number(port), '127.0.0.1').setNoDelay(true);
  readMessages(socket, (message) => process.emit('message', message));
  socket.on('close', () => process.emit('disconnect'));
  socket.on('error', () => process.exit());
  process.send = (message) => writeMessage(socket, message);
  await once(socket, 'connect');
}

if (process.env[PORT]) await attach(process.env[PORT]);
