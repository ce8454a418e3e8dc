'use strict';

/** node examples/smtp.js host port from to: sends the mail on stdin, after STARTTLS. */

const { text } = require('node:stream/consumers');
const tcp = require('chrome-sockets-tcp/promises');

async function main([host, port, from, to]) {
  const { socketId } = await tcp.create();
  const decoder = new TextDecoder();

  /** Waits for a whole answer, and for no byte more: secure() wants no read in flight. */
  async function answer(expected) {
    let all = '';
    for await (const data of tcp.received(socketId, { highWaterMark: 0 })) {
      all += decoder.decode(data, { stream: true });
      if (/^\d{3} .*\r\n$/m.test(all)) break;
    }
    if (!all.startsWith(expected)) throw new Error(`expected ${expected}, found ${all.trim()}`);
  }
  async function command(line, expected) {
    await tcp.send(socketId, Buffer.from(`${line}\r\n`));
    await answer(expected);
  }

  try {
    await tcp.setPaused(socketId, true);
    await tcp.connect(socketId, host, Number(port));
    await answer('220');
    await command('EHLO localhost', '250');
    await command('STARTTLS', '220');
    await tcp.secure(socketId, { tlsVersion: { min: 'tls1.2' } });
    await command('EHLO localhost', '250');
    await command(`MAIL FROM:<${from}>`, '250');
    await command(`RCPT TO:<${to}>`, '250');
    await command('DATA', '354');
    const mail = await text(process.stdin);
    const lines = mail.trimEnd().split(/\r?\n/);
    await command([...lines.map((line) => line.replace(/^\./, '..')), '.'].join('\r\n'), '250');
    await command('QUIT', '221');
  } finally {
    await tcp.close(socketId).catch(() => {}); // a failed secure() has closed it already
  }
}

main(process.argv.slice(2)).catch(({ message }) => {
  console.error(message);
  process.exitCode = 1;
});
