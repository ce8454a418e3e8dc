/** The child process in which the module performs programs. */

import { createRequire } from 'node:module';
import { createPerformer } from './performer.mjs';

const require = createRequire(import.meta.url);
if (process.env.RANDOM_FAULT) await import('./faults.mjs').then(({ plant }) => plant());
require('../../entry/register.js');
const { chrome } = globalThis;

// Programs throw in callbacks; Chromium logs such exceptions, and Node raises them.
process.on('uncaughtException', (error) => {
  if (error.message !== 'from the program') throw error;
});
process.on('unhandledRejection', (error) => {
  if (error.message !== 'from the program') throw error;
});

const take = createPerformer(
  { ...chrome.sockets, runtime: chrome.runtime },
  (message) => process.connected && process.send(message),
);
process.on('message', take);
process.on('disconnect', () => process.exit());
process.send({ ready: true });
