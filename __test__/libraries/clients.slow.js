'use strict';

// Clients of eight protocols over streams of this package: that they work, in the clear and
// encrypted, and that docs/streams.md lists the members of a net.Socket and TLSSocket that they
// use.

const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const net = require('node:net');
const { join } = require('node:path');
const { Duplex } = require('node:stream');
const tls = require('node:tls');
const { connect } = require('../../entry/duplex.js');
const { ROOT } = require('../support/child.js');
const { closeSockets, tcp } = require('../support/client.js');
const { conversations } = require('../support/conversations.js');
const { certificate, startServer, stopServers } = require('../../support/servers.js');

jest.setTimeout(20_000);

afterEach(async () => {
  await closeSockets();
  await stopServers();
});

/** An object and its prototypes, without that of all objects. @param {object} object */
function* chainOf(object) {
  for (let at = object; Object.getPrototypeOf(at); at = Object.getPrototypeOf(at)) yield at;
}
const namesOf = (object) => [...chainOf(object)].flatMap(Object.getOwnPropertyNames);

const ofStreams = new Set(namesOf(new Duplex()));
/** The public members of a TLSSocket beyond those of a stream. */
const MEMBERS = namesOf(new tls.TLSSocket(new net.Socket())).filter(
  (name) => !ofStreams.has(name) && !name.startsWith('_'),
);

/**
 * Notes the members that a library asks for.
 *
 * @param {import('../../entry/duplex.js').SocketDuplex} stream
 * @param {Set<string>} asked
 */
function watch(stream, asked) {
  for (const name of MEMBERS) {
    const holder = [...chainOf(stream)].find((object) => Object.hasOwn(object, name)) ?? {};
    const member = Object.getOwnPropertyDescriptor(holder, name) ?? { value: undefined };
    Object.defineProperty(stream, name, {
      get() {
        const caller = new Error().stack?.split('\n')[2];
        if (caller?.includes('node_modules')) asked.add(name);
        return member.get ? member.get.call(stream) : member.value;
      },
      set(value) {
        member.value = value;
      },
    });
  }
  return stream;
}

/** The members that a library uses according to the table in docs/streams.md. */
function documented(library) {
  const text = readFileSync(join(ROOT, 'docs', 'streams.md'), 'utf8');
  const rows = text.matchAll(/^\| `(\w+)(?:\(.*?\))?` +\| ([^|]*?) +\|/gm);
  const asking = [...rows].filter(([, , libraries]) => libraries.split(', ').includes(library));
  return asking.map(([, name]) => name);
}

test.each(Object.keys(conversations))('%s works on a stream', async (name) => {
  const { serve, exchange, expected } = conversations[name];
  /** @type {Set<string>} */
  const asked = new Set();
  for (const secure of [false, true]) {
    const options = { onConnection: serve, tls: secure ? certificate() : undefined };
    const { port } = await startServer(options);
    const open = () => watch(connect({ port, secure }), asked);
    expect(await exchange(open, port)).toEqual(expected);
    while ((await tcp.getSockets()).length > 0) await new Promise(setImmediate);
  }
  expect([...asked].sort()).toEqual(documented(name).sort());
});

test("Node's TLS works over a stream that began without TLS", async () => {
  const { port } = await startServer({
    onConnection(socket) {
      const secured = new tls.TLSSocket(socket, { isServer: true, ...certificate() });
      secured.pipe(secured);
    },
  });
  const ca = readFileSync(join(process.env.TEST_CERTIFICATES ?? '', 'ca.pem'));
  const secured = tls.connect({ socket: connect({ port }), ca, servername: 'localhost' });
  secured.write('secret');
  const [data] = await once(secured, 'data');
  expect([String(data), secured.authorized]).toEqual(['secret', true]);
  secured.destroy();
});
