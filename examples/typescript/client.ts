/**
 * A strict TypeScript client for a line-based protocol: sends each argument as a line and prints the
 * reply to it. Usage: client HOST PORT LINE...
 */

import { close, connect, create, received, send, SocketError } from 'chrome-sockets-tcp/promises';

/** Splits received chunks into lines. */
async function* lines(chunks: AsyncIterable<ArrayBuffer>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    const complete = rest.split('\n');
    rest = complete.pop() ?? '';
    yield* complete;
  }
}

async function converse(host: string, port: number, requests: readonly string[]): Promise<void> {
  const { socketId } = await create({ name: 'client' });
  try {
    await connect(socketId, host, port, { signal: AbortSignal.timeout(5000) });
    const replies = lines(received(socketId));
    for (const request of requests) {
      const { bytesSent } = await send(socketId, new TextEncoder().encode(`${request}\n`));
      const reply = await replies.next();
      if (reply.done) throw new Error('the server closed the connection');
      console.log(`${bytesSent} bytes sent, reply: ${reply.value}`);
    }
    await replies.return();
  } finally {
    await close(socketId);
  }
}

async function main([host, port, ...requests]: readonly string[]): Promise<void> {
  if (host === undefined || port === undefined) throw new Error('usage: client HOST PORT LINE...');
  await converse(host, Number(port), requests);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof SocketError) console.error(error.code, error.resultCode);
  else console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
