'use strict';

/**
 * node examples/irc.js host port nick: IRC over TLS, as a Chrome App writes it. Answers pings,
 * shows messages, and leaves with /quit.
 */

require('chrome-sockets-tcp/register');
const readline = require('node:readline');

const { tcp } = chrome.sockets;
const [host, port, nick] = process.argv.slice(2);

tcp.create({ name: 'irc', bufferSize: 65_536 }, ({ socketId }) => {
  const say = (line) =>
    tcp.send(socketId, new TextEncoder().encode(`${line}\r\n`).buffer, () => {});

  function failed(step) {
    if (!chrome.runtime.lastError) return false;
    console.error(`${step}: ${chrome.runtime.lastError.message}`);
    process.exitCode = 1;
    process.stdin.destroy();
    return true;
  }

  const decoder = new TextDecoder();
  let rest = '';
  tcp.onReceive.addListener((info) => {
    if (info.socketId !== socketId) return;
    const lines = (rest + decoder.decode(info.data, { stream: true })).split('\r\n');
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith('PING ')) say(line.replace('PING', 'PONG'));
      else console.log(line);
    }
  });
  tcp.onReceiveError.addListener((info) => {
    if (info.socketId !== socketId) return;
    tcp.close(socketId, () => process.stdin.destroy());
  });

  // A socket must not be reading when it is secured.
  tcp.setPaused(socketId, true, () => {
    tcp.connect(socketId, host, Number(port), () => {
      if (failed('connect')) return;
      tcp.secure(socketId, {}, () => {
        if (failed('secure')) return;
        tcp.setPaused(socketId, false, () => {
          say(`NICK ${nick}`);
          say(`USER ${nick} 0 * :${nick}`);
          const input = readline.createInterface({ input: process.stdin });
          input.on('line', (line) => say(line === '/quit' ? 'QUIT' : line));
        });
      });
    });
  });
});
