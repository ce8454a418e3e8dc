/** Drives the module in a page of a real Electron, where it must match Chromium, too. */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const support = createRequire(import.meta.url)('../support/electron.js');
const { startElectron } = support;
export const { electronPath, NO_ELECTRON } = support;

const host = fileURLToPath(new URL('electron/main.js', import.meta.url));

/**
 * @param {{ authorityPath: string, withNode?: boolean }} options
 * @returns {Promise<import('./runner.mjs').Side>}
 */
export async function openElectron({ authorityPath, withNode = false }) {
  const environment = { SSL_CERT_FILE: authorityPath, WITH_NODE: withNode ? '1' : '' };
  const electron = await startElectron(host, { environment });
  const first = await electron.next();
  if (first.exited) throw new Error(`The app could not be started: ${first.exited}`);
  return {
    async run(request, answer) {
      electron.send({ run: request });
      for (;;) {
        const message = await electron.next();
        if (message.exited) {
          return { lines: [`FAILED: ${message.exited}`], messages: [], dead: true };
        }
        if (message.lines) return { lines: message.lines, messages: message.messages };
        void answer(message.name, message.args).then((reply) =>
          electron.send({ request: message.request, reply }),
        );
      }
    },

    close: () => electron.close(),
  };
}
