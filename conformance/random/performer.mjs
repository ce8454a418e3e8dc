/**
 * The performing side: runs the programs that the driver sends, many at a time, and forwards their
 * requests to the peers. This file runs in both worlds.
 */

import { interpret } from './interpret.mjs';

/**
 * @param {{ tcp: any, tcpServer: any, runtime: any }} api
 * @param {(message: object) => void} send
 * @returns {(message: any) => void} takes the driver's messages
 */
export function createPerformer({ tcp, tcpServer, runtime }, send) {
  const answers = new Map();
  let requests = 0;

  const askFor = (run) => (name, args) =>
    new Promise((resolve, reject) => {
      requests += 1;
      answers.set(requests, { resolve, reject });
      send({ run, request: requests, name, args });
    });

  return (message) => {
    if (message.ping !== undefined) {
      // Only an API that still answers is of use.
      tcp.getSockets(() => send({ pong: message.ping }));
    } else if (message.program) {
      const { run, program, environment } = message;
      void interpret(program, environment, { tcp, tcpServer, runtime, ask: askFor(run) }).then(
        (transcript) => send({ run, transcript }),
        (error) => send({ run, transcript: [[-1, `FAILED: ${error.stack}`]] }),
      );
    } else {
      const { resolve, reject } = answers.get(message.request);
      answers.delete(message.request);
      if (message.error === undefined) resolve(message.value);
      else reject(new Error(message.error));
    }
  };
}
