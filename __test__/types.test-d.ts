// Checked by the compiler, never run: what must and what must not be accepted.

import tcp = require('../index');
import runtime = require('../entry/runtime');
import '../entry/register';
import { preload, serve } from '../entry/electron';
import netErrors = require('../entry/net-errors');
import promises = require('../entry/promises');
import { configure } from '../entry/configure';
import { connect, duplex } from '../entry/duplex';
import tcpServer = require('../entry/server');
import { stats } from '../entry/stats';
import type { Duplex } from 'node:stream';
import http = require('node:http');

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

// Servers.
tcpServer.create({ name: 'x', persistent: true }, ({ socketId }) => socketId.toFixed());
tcpServer.create().then(({ socketId }) => socketId.toFixed());
tcpServer.listen(1, '127.0.0.1', 0, (result) => result.toFixed());
tcpServer.listen(1, '127.0.0.1', 0, 5, (result) => result.toFixed());
// @ts-expect-error: it demands a callback.
tcpServer.listen(1, '127.0.0.1', 0);
// @ts-expect-error: a server has no buffer.
tcpServer.update(1, { bufferSize: 1 });
tcpServer.close(1).then((value: undefined) => value);
tcpServer.getInfo(1).then((info) => info.localPort?.toFixed());
tcpServer.onAccept.addListener(({ socketId, clientSocketId }) => socketId + clientSocketId);
tcpServer.onAcceptError.addListener(({ resultCode }) => resultCode.toFixed());
chrome.sockets.tcpServer.setPaused(1, false);
promises.listen({ port: 80 }).then(async (server) => {
  for await (const socketId of server) socketId.toFixed();
  await server.close();
});

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

// A callback that may or may not be there can be passed on.
const perhaps: (() => void) | undefined = Math.random() < 0.5 ? () => {} : undefined;
const either: void | Promise<undefined> = tcp.close(1, perhaps);

// ---- electron -----------------------------------------------------------------------------------

serve({ session: {}, manifest: 'manifest.json', pages: (url) => url.startsWith('app:') }).close();
serve({ webContents: [{}, {}], manifest: {}, ca: preload, connectTimeout: 1000 });
// @ts-expect-error
serve({ manifest: {}, pages: 'file:' });

// The module stands in for what @types/chrome-apps describes (@types/chrome leaves the API out). Only
// the events differ: those of Chrome's sockets have no rules, whatever the typings say.
type Rules = 'addRules' | 'getRules' | 'removeRules';
type WithoutRules<T> = {
  [member in keyof T]: member extends `on${string}` ? Omit<T[member], Rules> : T[member];
};
const standIn: WithoutRules<typeof chrome.sockets.tcp> = tcp;

// ---- configure ----------------------------------------------------------------------------------

configure({ manifest: { sockets: {} }, ca: [Buffer.from(''), 'ca.pem'], connectTimeout: 1 });
configure({ clientCertificate: { cert: 'a.pem', key: new URL('file:///b.pem') }, keyLog: true });
configure({
  manifest: null,
  ca: null,
  clientCertificate: null,
  keyLog: null,
  connectTimeout: null,
});
// @ts-expect-error no such option
configure({ certificate: '' });
// @ts-expect-error a certificate needs its key
configure({ clientCertificate: { cert: '' } });
// @ts-expect-error milliseconds are a number
configure({ connectTimeout: '1' });

// ---- net-errors ---------------------------------------------------------------------------------

const refused: -102 = netErrors.ERR_CONNECTION_REFUSED;
const code: netErrors.NetError = refused;
// @ts-expect-error no such code
const unknownCode: netErrors.NetError = -99999;
// @ts-expect-error read-only
netErrors.ERR_FAILED = -2;
// @ts-expect-error no such name
void netErrors.ERR_NONSENSE;

// ---- promises -----------------------------------------------------------------------------------

async function promised(signal: AbortSignal) {
  const { socketId } = await promises.create({ name: 'x' });
  const connected: 0 = await promises.connect(socketId, 'host', 80, { signal });
  await promises.connect(socketId, 'host', 80, 'ipv4', { signal });
  await promises.secure(socketId, { tlsVersion: { min: 'tls1.3' } }, { signal });
  await promises.connect(socketId, 'host', 80, {});
  await promises.secure(socketId, {}, undefined);
  const { bytesSent } = await promises.send(socketId, bytes);
  for await (const data of promises.received(socketId, { signal, highWaterMark: 0 })) {
    data.byteLength.toFixed();
  }
  try {
    await promises.close(socketId);
  } catch (error) {
    if (error instanceof promises.SocketError && error.code === 'ERR_CONNECTION_REFUSED') {
      const number: netErrors.NetError | undefined = error.resultCode;
      return number;
    }
  }
  // @ts-expect-error promises take no callback
  await promises.close(socketId, () => {});
  // @ts-expect-error a send cannot be aborted
  await promises.send(socketId, bytes, { signal });
  return connected + bytesSent;
}

// ---- duplex -------------------------------------------------------------------------------------

const stream: Duplex = duplex(1, { allowHalfOpen: true, highWaterMark: 1024 });
connect({ host: 'host', port: 443, secure: { tlsVersion: {} } }, () => {})
  .setTimeout(1)
  .setNoDelay();
// As in the README.
const agent = new http.Agent({ keepAlive: true });
agent.createConnection = ({ host, port }) =>
  connect({ host: host ?? 'localhost', port: port ?? 80 });
// @ts-expect-error a port is needed
connect({ host: 'host' });
// @ts-expect-error not an id
duplex('1');

// ---- stats --------------------------------------------------------------------------------------

const { bytesReceived, sockets } = stats();
const pageBytes: number = serve({ session: {}, manifest: {} }).stats().bytesSent + bytesReceived;
// @ts-expect-error a number of the past
stats().sockets = 0;
// @ts-expect-error no such number
stats().packets;

export {
  code,
  either,
  listening,
  message,
  nothing,
  pageBytes,
  promised,
  sockets,
  standIn,
  stream,
  unknownCode,
};
