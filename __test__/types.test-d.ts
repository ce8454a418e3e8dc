// Checked by the compiler, never run: what must and what must not be accepted.

import tcp = require('../index');
import runtime = require('../runtime');
import '../register';
import { preload, serve } from '../electron';

const bytes = new ArrayBuffer(1);

// With a callback there is no promise, without one there is.
tcp.create({ name: 'x', bufferSize: 1, persistent: true }, (info) => info.socketId.toFixed());
tcp.create(({ socketId }) => socketId.toFixed());
tcp.create(null, ({ socketId }) => socketId.toFixed());
tcp.create().then(({ socketId }) => socketId.toFixed());
tcp.create({}, null).then(({ socketId }) => socketId.toFixed());
const nothing: void = tcp.update(1, {}, () => {});
tcp.update(1, { name: null }).then((value: undefined) => value);
tcp.setPaused(1, true, () => {});
tcp.setPaused(1, true).then((value: undefined) => value);
tcp.disconnect(1).then((value: undefined) => value);
tcp.close(1, () => {});
tcp.close(1).then((value: undefined) => value);
tcp.getInfo(1, (info) => info.peerAddress?.length);
tcp.getInfo(1).then((info) => info.localPort?.toFixed());
tcp.getSockets((infos) => infos.map((info) => info.paused));
tcp.getSockets().then((infos) => infos.length);

// The methods that deliver a value along with an error demand a callback.
tcp.connect(1, 'host', 80, (result) => result.toFixed());
tcp.connect(1, 'host', 80, tcp.DnsQueryType.IPV4, (result) => result.toFixed());
tcp.connect(1, 'host', 80, 'any', (result) => result.toFixed());
tcp.secure(1, { tlsVersion: { min: 'tls1.2', max: 'tls1.3' } }, (result) => result.toFixed());
tcp.secure(1, (result) => result.toFixed());
tcp.send(1, bytes, ({ resultCode, bytesSent = 0 }) => resultCode + bytesSent);
tcp.send(1, new DataView(bytes), () => {});
tcp.setKeepAlive(1, true, (result) => result.toFixed());
tcp.setKeepAlive(1, true, 10, (result) => result.toFixed());
tcp.setNoDelay(1, true, (result) => result.toFixed());

// @ts-expect-error no callback
tcp.connect(1, 'host', 80);
// @ts-expect-error no callback
tcp.secure(1, {});
// @ts-expect-error no callback
tcp.send(1, bytes);
// @ts-expect-error no callback
tcp.setKeepAlive(1, true, 10);
// @ts-expect-error no callback
tcp.setNoDelay(1, true);
// @ts-expect-error not a number
tcp.connect(1, 'host', '80', () => {});
// @ts-expect-error not a query type
tcp.connect(1, 'host', 80, 'v4', () => {});
// @ts-expect-error not binary
tcp.send(1, 'text', () => {});
// @ts-expect-error no such property
tcp.create({ buffersize: 1 });
// @ts-expect-error the properties are required
tcp.update(1);
// @ts-expect-error one argument only
tcp.onReceive.addListener(() => {}, {});

const onReceive = ({ socketId, data }: tcp.ReceiveInfo) => data.byteLength + socketId;
tcp.onReceive.addListener(onReceive);
tcp.onReceive.removeListener(onReceive);
const listening: boolean = tcp.onReceive.hasListener(onReceive) && tcp.onReceive.hasListeners();
tcp.onReceive.dispatch({ socketId: 1, data: bytes })?.results.length;
tcp.onReceiveError.addListener(({ socketId, resultCode }) => socketId + resultCode);

const message: string | undefined = runtime.lastError?.message;
// @ts-expect-error read-only
runtime.lastError = undefined;

// The module stands in for what others' typings of Chrome Apps describe.
type ChromeTcp = typeof chrome.sockets.tcp;
const methods: Pick<
  ChromeTcp,
  | 'connect'
  | 'create'
  | 'getInfo'
  | 'getSockets'
  | 'secure'
  | 'send'
  | 'setKeepAlive'
  | 'setNoDelay'
> = tcp;

// What serves pages of Electron.
serve({ session: {}, manifest: 'manifest.json', pages: (url) => url.startsWith('app:') }).close();
serve({ webContents: [{}, {}], manifest: {}, ca: preload, connectTimeout: 1000 });
// @ts-expect-error
serve({ manifest: {}, pages: 'file:' });

export { listening, message, methods, nothing };
