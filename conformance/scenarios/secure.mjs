/** Certificates, versions and the socket's state around secure(). */

/** Connects paused, secures, shows the code and whether the socket survived. */
async function handshake({ call, open, parameters, report, port }) {
  const { host = 'localhost', options, session = false } = parameters ?? {};
  const id = await open({ paused: true, host, port });
  const rest = options === undefined ? [] : [options];
  const { value } = await call('secure', id, ...rest);
  if (value === 0 && session) await report('session');
  await call('getInfo', id);
}

const tls = (peer, { certificate, server = {}, address } = {}) =>
  peer.tls({ certificate, options: server, host: address });

const certificate = (name, description, more = {}) => ({
  name: `certificate: ${name}`,
  parameters: { certificate: description, ...more },
  server: tls,
  run: handshake,
});

const versions = (name, options, server = {}, more = {}) => ({
  name: `version: ${name}`,
  parameters: { options: options && { tlsVersion: options }, server, session: true, ...more },
  server: tls,
  run: handshake,
});

const v12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
const v13 = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' };

/** A TLS record with a fatal alert, sent as the answer to the ClientHello. */
const alert = (name, code, level = 2) => ({
  name: `alert ${code} ${name} as the answer to the ClientHello`,
  parameters: { code, level },
  server: (peer, { code: description, level: severity }) =>
    peer.tcp({
      connection: ({ socket }) =>
        socket.once('data', () => {
          socket.write(Buffer.from([21, 3, 3, 0, 2, severity, description]));
          socket.end();
        }),
    }),
  run: handshake,
});

/** A peer that answers the ClientHello with some text. */
const answers = (name, text) => ({
  name: `a peer that answers with ${name}`,
  parameters: { text },
  server: (peer, { text: answer }) =>
    peer.tcp({
      connection: ({ socket }) => socket.once('data', () => socket.write(answer, 'latin1')),
    }),
  run: handshake,
});

export default [
  certificate('good', {}, { session: true }),
  certificate('good, with an intermediate', { issuer: 'intermediate' }),
  certificate('good, RSA', { keyAlgorithm: 'rsa-2048' }),
  certificate('good, P-384', { keyAlgorithm: 'ecdsa-p384' }),
  certificate('RSA-1024', { keyAlgorithm: 'rsa-1024' }),
  certificate('for another host', { names: ['elsewhere.test'], ips: [] }),
  certificate('for an address only, asked by name', { names: [] }),
  certificate('without any name', { names: [], ips: [], commonName: 'localhost' }),
  certificate('wildcard over localhost', { names: ['*.localhost'] }, { host: 'foo.localhost' }),
  certificate(
    'exact name below localhost',
    { names: ['foo.localhost'] },
    { host: 'foo.localhost' },
  ),
  certificate('wildcard one label up', { names: ['*.foo.localhost'] }, { host: 'a.foo.localhost' }),
  certificate(
    'wildcard does not cover two labels',
    { names: ['*.foo.localhost'] },
    { host: 'a.b.foo.localhost' },
  ),
  certificate('a name in capitals', { names: ['LOCALHOST'] }),
  certificate('expired', { days: [-10, -5] }),
  certificate('not yet valid', { days: [5, 10] }),
  certificate('valid for 2,000 days', { days: [-1, 1999] }),
  certificate('from an unknown authority', { issuer: 'unknown' }),
  certificate('self-signed', { issuer: 'self' }),
  certificate('without its intermediate', { issuer: 'intermediate', bare: true }),
  certificate('for clients only', { extendedKeyUsage: ['clientAuth'] }),
  certificate('for clients and servers', { extendedKeyUsage: ['clientAuth', 'serverAuth'] }),
  certificate('without extended key usage', { extendedKeyUsage: null }),
  certificate('without key usage', { keyUsage: null }),
  certificate('ECDSA without digitalSignature', { keyUsage: ['keyAgreement'] }),
  certificate('expired and for another host', { days: [-10, -5], names: ['a.test'], ips: [] }),
  certificate('unknown authority and another host', {
    issuer: 'unknown',
    names: ['a.test'],
    ips: [],
  }),
  certificate('unknown authority and expired', { issuer: 'unknown', days: [-10, -5] }),
  certificate('unknown authority, another host and expired', {
    issuer: 'unknown',
    days: [-10, -5],
    names: ['a.test'],
    ips: [],
  }),
  certificate('for clients only and expired', {
    extendedKeyUsage: ['clientAuth'],
    days: [-10, -5],
  }),
  certificate('for clients only, from an unknown authority', {
    extendedKeyUsage: ['clientAuth'],
    issuer: 'unknown',
  }),
  certificate('self-signed and expired', { issuer: 'self', days: [-10, -5] }),
  certificate('for the address, asked by address', { names: [] }, { host: '127.0.0.1' }),
  certificate('for another address', { ips: ['127.0.0.2'] }, { host: '127.0.0.1' }),
  certificate('for the name only, asked by address', { ips: [] }, { host: '127.0.0.1' }),
  certificate(
    'the address as a DNS name',
    { names: ['127.0.0.1'], ips: [] },
    { host: '127.0.0.1' },
  ),
  certificate('for the address, asked in shorthand', { names: [] }, { host: '127.1' }),
  certificate('asked with a dot at the end', {}, { host: 'localhost.' }),
  certificate('asked in capitals', {}, { host: 'LOCALHOST', session: true }),
  certificate(
    'SNI of a name below localhost',
    { names: ['x.localhost'] },
    {
      host: 'X.localhost',
      session: true,
    },
  ),
  certificate('no SNI for an address', {}, { host: '127.0.0.1', session: true }),
  certificate(
    'asked beyond ASCII',
    { names: ['xn--bcher-kva.localhost'] },
    {
      host: 'bücher.localhost',
      session: true,
    },
  ),
  {
    name: 'certificate: IPv6 literal',
    deviation: 'e',
    parameters: { host: '::1', address: '::1' },
    server: tls,
    run: handshake,
  },
  {
    name: 'certificate: IPv6 literal that the certificate does not name',
    deviation: 'e',
    parameters: { host: '::1', address: '::1', certificate: { ips: ['::2'] } },
    server: tls,
    run: handshake,
  },
  {
    name: 'certificate: a name that leads to IPv6',
    parameters: { host: 'localhost', address: '::1' },
    server: tls,
    run: handshake,
  },

  versions('the defaults', undefined),
  versions('server with 1.2 only', undefined, v12),
  versions('server with 1.3 only', undefined, v13),
  versions('min and max 1.2', { min: 'tls1.2', max: 'tls1.2' }),
  versions('min and max 1.3', { min: 'tls1.3', max: 'tls1.3' }),
  versions('max 1.2', { max: 'tls1.2' }),
  versions('min 1.3', { min: 'tls1.3' }),
  versions('min tls1', { min: 'tls1' }, v12),
  versions('min tls1.1', { min: 'tls1.1' }, v12),
  versions('max tls1', { max: 'tls1' }),
  versions('max tls1.1', { max: 'tls1.1' }),
  versions('unknown strings', { min: 'bogus', max: 'TLS1.2' }),
  versions('empty strings', { min: '', max: '' }),
  versions('min above max', { min: 'tls1.3', max: 'tls1.2' }),
  versions('none in common: client 1.2, server 1.3', { max: 'tls1.2' }, v13),
  versions('none in common: client 1.3, server 1.2', { min: 'tls1.3' }, v12),
  versions('empty constraints', {}),

  alert('close_notify', 0, 1),
  alert('unexpected_message', 10),
  alert('bad_record_mac', 20),
  alert('decompression_failure', 30),
  alert('handshake_failure', 40),
  alert('bad_certificate', 42),
  alert('unsupported_certificate', 43),
  alert('certificate_revoked', 44),
  alert('certificate_expired', 45),
  alert('certificate_unknown', 46),
  alert('illegal_parameter', 47),
  alert('unknown_ca', 48),
  alert('access_denied', 49),
  alert('decode_error', 50),
  alert('decrypt_error', 51),
  alert('protocol_version', 70),
  alert('insufficient_security', 71),
  alert('internal_error', 80),
  alert('user_canceled', 90),
  alert('unrecognized_name', 112),
  alert('certificate_required', 116),
  alert('no_application_protocol', 120),

  answers('HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'),
  answers('an SMTP greeting', '220 mail.example ESMTP\r\n'),
  answers('zeros', '\0'.repeat(64)),
  {
    name: 'a peer that closes at the ClientHello',
    server: (peer) =>
      peer.tcp({ connection: ({ socket }) => socket.once('data', () => socket.end()) }),
    run: handshake,
  },
  {
    name: 'a peer that resets at the ClientHello',
    server: (peer) =>
      peer.tcp({
        connection: ({ socket }) => socket.once('data', () => socket.resetAndDestroy()),
      }),
    run: handshake,
  },
  ...[3, 50, 400].flatMap((bytes) =>
    ['end', 'reset'].map((ending) => ({
      name: `a peer whose handshake breaks off after ${bytes} bytes: ${ending}`,
      parameters: { bytes, ending },
      server: (peer, options) => peer.truncatedTls(options),
      run: handshake,
    })),
  ),
  // secure() discards the 64 KiB that Chromium has read ahead, and takes the rest for TLS.
  {
    name: 'more plain bytes than secure discards, of which a read that was in flight took some',
    server: (peer) => peer.tcp(),
    async run({ open, call, ask, received, quiet }) {
      const id = await open({ host: 'localhost' });
      await call('setPaused', id, true);
      await ask('writePattern', 70_000);
      await received(id, 4096);
      await quiet();
      await call('secure', id);
      await call('getInfo', id);
    },
  },
  {
    name: 'a peer that had closed before secure',
    server: (peer) => peer.tcp(),
    async run({ open, call, ask, quiet }) {
      const id = await open({ paused: true, host: 'localhost' });
      await ask('end');
      await quiet();
      await call('secure', id);
      await call('getInfo', id);
    },
  },
  {
    name: 'a peer that had reset before secure',
    server: (peer) => peer.tcp(),
    async run({ open, call, ask, quiet }) {
      const id = await open({ paused: true, host: 'localhost' });
      await ask('reset');
      await quiet();
      await call('secure', id);
      await call('getInfo', id);
    },
  },

  ...[
    ['1.2, optional', { ...v12, requestCert: true, rejectUnauthorized: false }],
    ['1.2, required', { ...v12, requestCert: true, rejectUnauthorized: true }],
    ['1.3, optional', { ...v13, requestCert: true, rejectUnauthorized: false }],
    ['1.3, required', { ...v13, requestCert: true, rejectUnauthorized: true }],
  ].map(([name, server]) => ({
    name: `a client certificate is requested: ${name}`,
    // Of these, only the server that insists in TLS 1.2 can say so during the handshake.
    ...(name === '1.2, required' ? {} : { deviation: 'g' }),
    parameters: { server },
    server: tls,
    run: handshake,
  })),

  {
    name: 'secure on an unconnected socket',
    async run({ create, call }) {
      const id = await create();
      await call('secure', id);
      await call('getInfo', id);
    },
  },
  {
    name: 'secure on a disconnected socket',
    server: (peer) => peer.tcp(),
    async run({ open, call }) {
      const id = await open({ paused: true });
      await call('disconnect', id);
      await call('secure', id);
      await call('getInfo', id);
    },
  },
  {
    name: 'secure on an unpaused socket destroys it',
    server: tls,
    async run({ open, call, failed, quiet }) {
      const id = await open({ host: 'localhost' });
      await call('secure', id);
      await failed(id);
      await call('getInfo', id);
      await quiet();
    },
  },
  {
    name: 'secure on a socket paused after connect destroys it, for a read is in flight',
    server: tls,
    async run({ open, call, failed }) {
      const id = await open({ host: 'localhost' });
      await call('setPaused', id, true);
      await call('secure', id);
      await failed(id);
      await call('getInfo', id);
    },
  },
  {
    name: 'what is kept and what is lost by secure',
    deviation: 'a',
    server: tls,
    async run({ open, call }) {
      const id = await open({
        paused: true,
        host: 'localhost',
        properties: { name: 'kept?', bufferSize: 77, persistent: true },
      });
      await call('secure', id);
      await call('getInfo', id);
    },
  },
  {
    name: 'setKeepAlive and setNoDelay after secure',
    deviation: 'b',
    server: tls,
    async run({ open, call }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('secure', id);
      await call('setKeepAlive', id, true, 10);
      await call('setNoDelay', id, false);
    },
  },
  {
    name: 'connect and secure after secure',
    server: tls,
    async run({ open, call, port }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('secure', id);
      await call('connect', id, 'localhost', port);
      await call('secure', id);
      await call('getInfo', id);
    },
  },
  {
    name: 'disconnect after secure: never connected again',
    server: tls,
    async run({ open, call, port, quiet, ask }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('secure', id);
      await call('disconnect', id);
      await quiet(50);
      await ask('ended');
      await call('getInfo', id);
      await call('connect', id, 'localhost', port);
      await call('secure', id);
      await call('getInfo', id);
    },
  },
  {
    name: 'a conversation over TLS',
    server: (peer) =>
      peer.tls({ connection: ({ socket }) => socket.on('data', (data) => socket.write(data)) }),
    async run({ open, call, bytes, received, failed, report, ask }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('secure', id);
      await call('send', id, bytes('hello'));
      await report('received', 5);
      await call('setPaused', id, false);
      await received(id, 5);
      await ask('end');
      await failed(id);
      await call('getInfo', id);
      await call('send', id, bytes('x'));
    },
  },
  {
    name: 'secure does not start reading',
    server: (peer) => peer.tls({ connection: ({ socket }) => socket.write('greeting') }),
    async run({ open, call, received, quiet }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('secure', id);
      await quiet();
      await call('getInfo', id);
      await call('setPaused', id, false);
      await received(id, 8);
    },
  },
  {
    name: 'close and disconnect of an unpaused TLS socket',
    server: tls,
    async run({ open, call, failed, ask }) {
      const first = await open({ paused: true, host: 'localhost' });
      await call('secure', first);
      await call('setPaused', first, false);
      await call('close', first);
      await failed(first);
      await ask('ended');
      const second = await open({ paused: true, host: 'localhost' });
      await call('secure', second);
      await call('setPaused', second, false);
      await call('disconnect', second);
      await failed(second);
      await call('getInfo', second);
    },
  },
  {
    name: 'bufferSize over TLS, updated after secure',
    chunks: true,
    server: tls,
    async run({ open, call, received, ask, quiet }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('secure', id);
      await call('update', id, { bufferSize: 4 });
      await ask('write', 'abcdefghij');
      await quiet(50);
      await call('setPaused', id, false);
      await received(id, 10);
    },
  },
  {
    name: 'a megabyte over TLS, both ways',
    server: tls,
    async run({ open, call, received, ask, pattern, report }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('secure', id);
      await call('update', id, { bufferSize: 65536 });
      await call('setPaused', id, false);
      await ask('writePattern', 1_000_000, false);
      await received(id, 1_000_000);
      await call('send', id, pattern(1_000_000));
      await report('receivedPattern', 1_000_000);
    },
  },
  {
    name: 'the peer closes with data and close_notify',
    server: tls,
    async run({ open, call, ask, failed }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('secure', id);
      await call('setPaused', id, false);
      await ask('writeAndEnd', 'last words');
      await failed(id);
    },
  },
  {
    name: 'the peer cuts the TLS connection off without close_notify',
    server: async (peer) => {
      const sockets = [];
      await peer.tls({ connection: ({ socket }) => sockets.push(socket) });
      peer.on('cut', () => {
        sockets[0]._parent?.end?.();
        sockets[0].destroy();
      });
    },
    async run({ open, call, ask, received, failed }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('secure', id);
      await call('setPaused', id, false);
      await ask('write', 'data');
      await received(id, 4);
      await ask('cut');
      await failed(id);
      await call('getInfo', id);
    },
  },
  {
    name: 'the peer closes TLS while the socket is paused',
    server: tls,
    async run({ open, call, ask, failed, quiet }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('secure', id);
      await ask('writeAndEnd', 'last words');
      await quiet();
      await call('getInfo', id);
      await call('setPaused', id, false);
      await failed(id);
    },
  },
  {
    name: 'the host verified is that of the last connect call',
    parameters: { certificate: { names: ['elsewhere.localhost'], ips: [] } },
    server: tls,
    async run({ open, call, port, report }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('connect', id, 'elsewhere.localhost', port);
      await call('secure', id);
      await report('session');
    },
  },
  {
    name: 'during the handshake: getInfo and send',
    deviation: 'c',
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, ask, quiet }) {
      const id = await open({ paused: true, host: 'localhost' });
      void call('secure', id);
      await ask('received', 1);
      await call('getInfo', id);
      await call('send', id, bytes('x'));
      await call('setKeepAlive', id, true);
      await call('close', id);
      await quiet(50);
    },
  },
  {
    name: 'disconnect during the handshake',
    deviation: 'c',
    server: (peer) => peer.tcp(),
    async run({ open, call, ask, quiet }) {
      const id = await open({ paused: true, host: 'localhost' });
      void call('secure', id);
      await ask('received', 1);
      await call('disconnect', id);
      await quiet();
      await call('getInfo', id);
    },
  },
  {
    name: 'close during the handshake',
    deviation: 'c',
    server: (peer) => peer.tcp(),
    async run({ open, call, ask, quiet, report }) {
      const id = await open({ paused: true, host: 'localhost' });
      void call('secure', id);
      await ask('received', 1);
      await call('close', id);
      await quiet();
      await report('ended');
    },
  },
  {
    name: 'a second secure during the handshake',
    deviation: 'c',
    server: (peer) => peer.tcp(),
    async run({ open, call, ask, quiet }) {
      const id = await open({ paused: true, host: 'localhost' });
      void call('secure', id);
      await ask('received', 1);
      await call('secure', id);
      await quiet();
      await call('getInfo', id);
    },
  },
  {
    name: 'getInfo and send during a handshake that then succeeds',
    async server(peer) {
      await peer.tcp();
      peer.on('upgrade held', () => peer.upgrade());
    },
    async run({ open, call, bytes, ask }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('send', id, bytes('STARTTLS'));
      await ask('received', 8);
      await ask('hold');
      const secured = call('secure', id);
      await call('getInfo', id);
      await call('send', id, bytes('too early'));
      await ask('upgrade');
      await ask('resume');
      await secured;
    },
  },
  {
    name: 'STARTTLS, paused from the start',
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, ask, report, received }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('send', id, bytes('STARTTLS\n'));
      await report('received', 9);
      await ask('upgrade');
      await call('secure', id);
      await call('setPaused', id, false);
      await ask('write', 'secret');
      await received(id, 6);
      await call('send', id, bytes('quiet'));
      await report('received', 14);
    },
  },
  {
    name: 'STARTTLS with a go-ahead delivered by the read in flight',
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, ask, received, report }) {
      const id = await open({ host: 'localhost' });
      await call('setPaused', id, true);
      await call('send', id, bytes('STARTTLS\n'));
      await ask('received', 9);
      await ask('write', 'GO');
      await received(id, 2);
      await ask('upgrade');
      await call('secure', id);
      await call('setPaused', id, false);
      await ask('write', 'secret');
      await received(id, 8);
      await call('send', id, bytes('quiet'));
      await report('received', 14);
    },
  },
  {
    name: 'STARTTLS with plain text sent after the go-ahead: it is discarded',
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, ask, received, quiet }) {
      const id = await open({ host: 'localhost', properties: { bufferSize: 2 } });
      await call('setPaused', id, true);
      await call('send', id, bytes('STARTTLS\n'));
      await ask('received', 9);
      await ask('write', 'GO' + 'injected plain text');
      await received(id, 2);
      await quiet(50);
      await ask('upgrade');
      await call('secure', id);
      await call('setPaused', id, false);
      await ask('write', 'secret');
      await received(id, 8);
    },
  },
  {
    name: 'a paused socket with plain text waiting: it is discarded by secure',
    server: (peer) => peer.tcp(),
    async run({ open, call, ask, received, quiet }) {
      const id = await open({ paused: true, host: 'localhost' });
      await ask('write', 'never to be seen');
      await quiet(50);
      await ask('upgrade');
      await call('secure', id);
      await call('setPaused', id, false);
      await ask('write', 'secret');
      await received(id, 6);
    },
  },
  {
    name: 'sends before secure are on the wire before the ClientHello',
    server: (peer) => peer.tcp(),
    async run({ open, call, bytes, ask, log }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('send', id, bytes('one'));
      await call('send', id, bytes('two'));
      void call('secure', id);
      const wire = await ask('received', 20);
      log(wire.slice(0, 6), 'then record type', wire.charCodeAt(6));
      await ask('end');
    },
  },
  {
    name: 'getSockets and ids after secure',
    server: tls,
    async run({ open, call }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('secure', id);
      await call('getSockets');
      await call('close', id);
      await call('close', id);
      await call('getSockets');
    },
  },
  {
    name: 'close after a failed secure',
    parameters: { certificate: { issuer: 'unknown' } },
    server: tls,
    async run({ open, call, quiet }) {
      const id = await open({ paused: true, host: 'localhost' });
      await call('secure', id);
      await call('close', id);
      await call('send', id, new ArrayBuffer(1));
      await call('getSockets');
      await quiet(50);
    },
  },
];
