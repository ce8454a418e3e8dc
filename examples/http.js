'use strict';

/** node examples/http.js host port path: an HTTP request by hand, with promises. */

const tcp = require('chrome-sockets-tcp/promises');

async function main([host, port, path]) {
  const { socketId } = await tcp.create();
  try {
    await tcp.connect(socketId, host, Number(port), { signal: AbortSignal.timeout(10_000) });
    const request = [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close', '', ''];
    await tcp.send(socketId, Buffer.from(request.join('\r\n')));
    for await (const data of tcp.received(socketId)) process.stdout.write(new Uint8Array(data));
  } finally {
    await tcp.close(socketId);
  }
}

main(process.argv.slice(2)).catch(({ code, message }) => {
  console.error(code, message);
  process.exitCode = 1;
});
