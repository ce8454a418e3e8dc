"use strict";
/**
 * A strict TypeScript client for a line-based protocol: sends each argument as a line and prints the
 * reply to it. Usage: client HOST PORT LINE...
 */
Object.defineProperty(exports, "__esModule", { value: true });
const promises_1 = require("chrome-sockets-tcp/promises");
/** Splits received chunks into lines. */
async function* lines(chunks) {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of chunks) {
        rest += decoder.decode(chunk, { stream: true });
        const complete = rest.split('\n');
        rest = complete.pop() ?? '';
        yield* complete;
    }
}
async function converse(host, port, requests) {
    const { socketId } = await (0, promises_1.create)({ name: 'client' });
    try {
        await (0, promises_1.connect)(socketId, host, port, { signal: AbortSignal.timeout(5000) });
        const replies = lines((0, promises_1.received)(socketId));
        for (const request of requests) {
            const { bytesSent } = await (0, promises_1.send)(socketId, new TextEncoder().encode(`${request}\n`));
            const reply = await replies.next();
            if (reply.done)
                throw new Error('the server closed the connection');
            console.log(`${bytesSent} bytes sent, reply: ${reply.value}`);
        }
        await replies.return();
    }
    finally {
        await (0, promises_1.close)(socketId);
    }
}
async function main([host, port, ...requests]) {
    if (host === undefined || port === undefined)
        throw new Error('usage: client HOST PORT LINE...');
    await converse(host, Number(port), requests);
}
main(process.argv.slice(2)).catch((error) => {
    if (error instanceof promises_1.SocketError)
        console.error(error.code, error.resultCode);
    else
        console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
});
