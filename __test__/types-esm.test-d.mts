// Checked by the compiler, never run: what ES modules import. esm.test.js does the same at run time.

import tcp, { create, onReceive } from 'chrome-sockets-tcp';
import * as all from 'chrome-sockets-tcp';
import { connect } from 'chrome-sockets-tcp/duplex';
import { ERR_CONNECTION_REFUSED } from 'chrome-sockets-tcp/net-errors';
import * as promises from 'chrome-sockets-tcp/promises';
import runtime from 'chrome-sockets-tcp/runtime';
// @ts-expect-error it comes and goes, so that it cannot be imported by name
import { lastError } from 'chrome-sockets-tcp/runtime';

const same: typeof create = all.create;
const refused: -102 = ERR_CONNECTION_REFUSED;
onReceive.addListener(({ data }) => data.byteLength);
tcp.close(1, () => runtime.lastError?.message);
connect({ host: 'localhost', port: 1 });

export { lastError, promises, refused, same };
