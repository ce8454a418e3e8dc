'use strict';

/** The subject "peers": servers that break off, speak nonsense or lie during the handshake. */

const { randomBytes } = require('node:crypto');
const { dns, keyFor } = require('./certificate');
const {
  EXTENSION,
  MESSAGE,
  P256,
  RECORD,
  X25519,
  extension,
  message,
  record,
  uint,
  vector,
} = require('./handmade-tls');
const { serve } = require('./servers');

const HOST = 'www.server.localhost';
const EMPTY = Buffer.alloc(0);
const P384 = 0x0018;
/** A key share that ends before its length says. */
const CUT_OFF = Buffer.from([0, 51, 0, 9, 0]);

/** All descriptions that have a name, and a few that have none. */
const ALERTS = [
  0, 10, 20, 21, 22, 30, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 60, 70, 71, 80, 86, 90,
  100, 109, 110, 111, 112, 113, 114, 115, 116, 120, 121, 1, 99, 255,
];

/** @param {string} text */
const says = (text) => Buffer.from(text, 'latin1');

/** The answers of servers of other protocols to a `ClientHello`. */
const PROTOCOLS = {
  'HTTP error': says('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
  'HTTP/2 settings': Buffer.from('000000040000000000', 'hex'),
  'SSH banner': says('SSH-2.0-OpenSSH_9.2\r\n'),
  'SMTP banner': says('220 localhost ESMTP\r\n'),
  'FTP banner': says('220 ready\r\n'),
  'POP3 banner': says('+OK ready\r\n'),
  'IMAP banner': says('* OK ready\r\n'),
  'IRC notice': says(':localhost NOTICE * :*** Looking up your hostname...\r\n'),
  'Redis error': says('-ERR unknown command\r\n'),
  'VNC version': says('RFB 003.008\n'),
  'telnet negotiation': Buffer.from('fffd18fffd20fffd23fffd27', 'hex'),
  'MySQL greeting': Buffer.from('4a0000000a382e302e3335000c0000005e5e5e5e5e5e5e5e00ffff', 'hex'),
  'PostgreSQL refusal': says('N'),
  'LDAP answer': Buffer.from('300c02010161070a010004000400', 'hex'),
  'MQTT acknowledgement': Buffer.from('20020000', 'hex'),
  'SSL 2 hello': Buffer.from('801b0400010002000300100100800700c03232323232323232', 'hex'),
  zeros: Buffer.alloc(64),
  'bytes of ones': Buffer.alloc(64, 0xff),
  'a text without end': Buffer.alloc(20_000, 'All work and no play. '),
};

/** The first bytes of an answer, spoiled on the level of records. */
const RECORDS = {
  'unknown type': record(99, says('hello')),
  'of data': record(RECORD.data, says('hello')),
  'of a heartbeat': record(24, Buffer.from([1, 0, 1, 0])),
  'change of cipher': record(RECORD.changeCipherSpec, Buffer.from([1])),
  'change of cipher with another content': record(RECORD.changeCipherSpec, Buffer.from([2])),
  'version 0': record(RECORD.handshake, says('hello'), 0),
  'version SSL 3': record(RECORD.alert, Buffer.from([2, 40]), 0x0300),
  'version TLS 1.0': record(RECORD.alert, Buffer.from([2, 40]), 0x0301),
  'version 3.5': record(RECORD.alert, Buffer.from([2, 40]), 0x0305),
  'version 4.0': record(RECORD.alert, Buffer.from([2, 40]), 0x0400),
  'version of DTLS': record(RECORD.alert, Buffer.from([2, 40]), 0xfefd),
  'empty handshake': record(RECORD.handshake, EMPTY),
  'empty data': record(RECORD.data, EMPTY),
  'too long': Buffer.concat([Buffer.from([22, 3, 3]), uint(0x4801, 2), Buffer.alloc(0x4801)]),
  'longest length': Buffer.concat([Buffer.from([22, 3, 3, 0xff, 0xff]), Buffer.alloc(64)]),
  'alert without description': record(RECORD.alert, Buffer.from([2])),
  'alert of three bytes': record(RECORD.alert, Buffer.from([2, 40, 0])),
  'empty alert': record(RECORD.alert, EMPTY),
  'alert of level 0': record(RECORD.alert, Buffer.from([0, 40])),
  'alert of level 3': record(RECORD.alert, Buffer.from([3, 40])),
  'two alerts in one': record(RECORD.alert, Buffer.from([2, 40, 2, 70])),
  '31 empty ones, and an alert': Buffer.concat([
    ...Array.from({ length: 31 }, () => record(RECORD.handshake, EMPTY)),
    record(RECORD.alert, Buffer.from([2, 40])),
  ]),
  '33 empty ones, and an alert': Buffer.concat([
    ...Array.from({ length: 33 }, () => record(RECORD.handshake, EMPTY)),
    record(RECORD.alert, Buffer.from([2, 40])),
  ]),
  'an empty one, and half a header': Buffer.from([22, 3, 3, 0, 0, 22, 3, 3]),
  'forty empty ones': Buffer.concat(Array.from({ length: 40 }, () => record(22, EMPTY))),
  'half a header': Buffer.from([22, 3]),
};

/** Handshake messages in the place of the hello. */
const MESSAGES = {
  'of an unknown type': message(99, says('hello')),
  'of the longest length': Buffer.from([2, 0xff, 0xff, 0xff, 0, 0]),
  'too long for a hello': Buffer.concat([Buffer.from([2, 2, 0, 0]), Buffer.alloc(8000)]),
  HelloRequest: message(MESSAGE.helloRequest),
  ClientHello: message(MESSAGE.clientHello, Buffer.alloc(40)),
  Certificate: message(MESSAGE.certificate, vector(3)),
  Finished: message(MESSAGE.finished, Buffer.alloc(12)),
  ServerHelloDone: message(MESSAGE.serverHelloDone),
  NewSessionTicket: message(MESSAGE.newSessionTicket, Buffer.alloc(8)),
  KeyUpdate: message(MESSAGE.keyUpdate, Buffer.from([0])),
  'empty ServerHello': message(MESSAGE.serverHello),
  'HelloVerifyRequest of DTLS': message(3, Buffer.from([0xfe, 0xfd, 0])),
};

/** The last bytes of a random number by which a server signals a downgrade. */
const DOWNGRADED = {
  'to TLS 1.2': '444f574e47524401',
  'to TLS 1.1': '444f574e47524400',
  'in the words of JDK 11': 'edbfb4a8c24710ff',
};
/** @param {keyof typeof DOWNGRADED} downgrade */
const admitting = (downgrade) =>
  Buffer.concat([randomBytes(24), Buffer.from(DOWNGRADED[downgrade], 'hex')]);

/** @type {Record<string, (tls: any) => unknown>} by name */
const SCRIPTS = {};

/**
 * A record that says that it is of another version.
 *
 * @param {Buffer} bytes
 * @param {number} [version]
 */
function ofVersion(bytes, version = 0x0301) {
  const changed = Buffer.from(bytes);
  changed.writeUInt16BE(version, 1);
  return changed;
}

/**
 * Says a message in two records, with something between them.
 *
 * @param {any} tls
 * @param {Buffer} whole
 * @param {() => void} between
 */
function sayAround(tls, whole, between) {
  tls.note(whole);
  const half = Math.min(40, whole.length >> 1);
  tls.write(tls.protect(RECORD.handshake, whole.subarray(0, half)));
  between();
  tls.write(tls.protect(RECORD.handshake, whole.subarray(half)));
}

/** The version range of the client, if it is not the default, by the name of a script. */
const RANGES = {};
const ONE_VERSION = { 'TLS 1.2': { max: 'tls1.2' }, 'TLS 1.3': { min: 'tls1.3' } };

for (const alert of ALERTS) {
  SCRIPTS[`alert ${alert}: at once`] = async (tls) => {
    await tls.clientHello();
    tls.alert(alert);
    tls.end();
  };
  SCRIPTS[`alert ${alert}: as a warning, then the end`] = async (tls) => {
    await tls.clientHello();
    tls.alert(alert, 1);
    tls.end();
  };
  SCRIPTS[`alert ${alert}: after the hello of TLS 1.2`] = async (tls) => {
    await tls.clientHello();
    tls.say(tls.serverHello());
    tls.alert(alert);
    tls.end();
  };
  SCRIPTS[`alert ${alert}: after the client's part of TLS 1.2`] = async (tls) => {
    await tls.clientHello();
    tls.flight12();
    await tls.records(3);
    tls.alert(alert);
    tls.end();
  };
  SCRIPTS[`alert ${alert}: protected, after the hello of TLS 1.3`] = async (tls) => {
    await tls.clientHello();
    tls.open13();
    tls.alert(alert);
    tls.end();
  };
  SCRIPTS[`alert ${alert}: after the handshake of TLS 1.3`] = async (tls) => {
    await tls.clientHello();
    tls.flight13();
    tls.data('hello');
    tls.alert(alert);
    tls.end();
  };
}
for (const alert of [0, 40, 70, 80, 112]) {
  SCRIPTS[`alert ${alert}: as a warning, and all is well`] = async (tls) => {
    await tls.clientHello();
    tls.plaintextAlert(alert, 1);
    tls.flight12();
    await tls.finish12();
    tls.data('hello');
    tls.end();
  };
  SCRIPTS[`alert ${alert}: in the clear, after the hello of TLS 1.3`] = async (tls) => {
    await tls.clientHello();
    tls.say(tls.serverHello13());
    tls.plaintextAlert(alert);
    tls.end();
  };
}

for (const [name, bytes] of Object.entries(PROTOCOLS)) {
  SCRIPTS[`protocol: ${name}`] = async (tls) => {
    await tls.record();
    tls.write(bytes);
    tls.end();
  };
}
SCRIPTS['protocol: an echo'] = async (tls) => {
  const { type, content } = await tls.record();
  tls.write(record(type, content));
  tls.end();
};

for (const [name, bytes] of Object.entries(RECORDS)) {
  SCRIPTS[`record: ${name}`] = async (tls) => {
    await tls.clientHello();
    tls.write(bytes);
    tls.end();
  };
  SCRIPTS[`record: ${name}, after the hello of TLS 1.2`] = async (tls) => {
    await tls.clientHello();
    tls.say(tls.serverHello());
    tls.write(bytes);
    tls.end();
  };
}
for (const [name, bytes] of Object.entries(MESSAGES)) {
  SCRIPTS[`message: ${name}`] = async (tls) => {
    await tls.clientHello();
    tls.say(bytes);
    tls.end();
  };
  SCRIPTS[`message: ${name}, instead of a certificate in TLS 1.2`] = async (tls) => {
    await tls.clientHello();
    tls.say(tls.serverHello());
    tls.say(bytes);
    tls.end();
  };
  SCRIPTS[`message: ${name}, protected in TLS 1.3`] = async (tls) => {
    await tls.clientHello();
    tls.open13();
    tls.say(bytes);
    tls.end();
  };
}

/** Ends the connection, in either way, as soon as this much of a handshake has happened. */
const STAGES = {
  'after the ClientHello': (tls) => tls.clientHello(),
  'within a record': async (tls) => {
    await tls.clientHello();
    tls.write(record(RECORD.handshake, tls.serverHello()).subarray(0, 30));
  },
  'between records of a message': async (tls) => {
    await tls.clientHello();
    tls.write(record(RECORD.handshake, tls.serverHello().subarray(0, 30)));
  },
  'after the hello of TLS 1.2': async (tls) => {
    await tls.clientHello();
    tls.say(tls.serverHello());
  },
  'after the flight of TLS 1.2': async (tls) => {
    await tls.clientHello();
    tls.flight12();
    await tls.records(3);
  },
  'before Finished in TLS 1.2': async (tls) => {
    await tls.clientHello();
    tls.flight12();
    await tls.clientKeyExchange();
    await tls.records(2);
    tls.changeCipherSpec();
  },
  'after the handshake of TLS 1.2': async (tls) => {
    await tls.clientHello();
    tls.flight12();
    await tls.finish12();
  },
  'after the hello of TLS 1.3': async (tls) => {
    await tls.clientHello();
    tls.open13();
  },
  'after the certificate of TLS 1.3': async (tls) => {
    await tls.clientHello();
    tls.open13();
    tls.say(tls.encryptedExtensions());
    tls.prove13();
  },
  'after the flight of TLS 1.3': async (tls) => {
    await tls.clientHello();
    tls.flight13();
  },
  'after data in TLS 1.3': async (tls) => {
    await tls.clientHello();
    tls.flight13();
    tls.data('hello');
    // Its Finished, and the record before it for old middleboxes.
    await tls.records(2);
  },
};
for (const [name, stage] of Object.entries(STAGES)) {
  SCRIPTS[`end: FIN ${name}`] = async (tls) => {
    await stage(tls);
    tls.end();
  };
  SCRIPTS[`end: RST ${name}`] = async (tls) => {
    await stage(tls);
    await tls.written();
    tls.reset();
  };
}

/** Hellos that are followed by the rest of a TLS 1.2 flight, whatever their content. */
const HELLOS_12 = {
  'as it should be': {},
  'of SSL 3': { version: 0x0300 },
  'of TLS 1.0': { version: 0x0301 },
  'of TLS 1.1': { version: 0x0302 },
  'of version 3.4': { version: 0x0304 },
  'of version 3.5': { version: 0x0305 },
  'of version 0': { version: 0 },
  'of DTLS 1.2': { version: 0xfefd },
  'with a suite that was not offered': { suite: 0xc0ac },
  'with a suite of no encryption': { suite: 0x0000 },
  'with a suite of TLS 1.3': { suite: 0x1301 },
  'with a suite of nonsense': { suite: 0x0a0a },
  'with a suite for another kind of key': { suite: 0xc02f },
  'with compression': { compression: 1 },
  'with a session': { session: Buffer.alloc(32, 7) },
  'with a session of 33 bytes': { session: Buffer.alloc(33, 7) },
  'without extensions': { extensions: null },
  'with an empty list of extensions': { extensions: [] },
  'with something behind it': { rest: Buffer.from([0]) },
  'with an extension nobody asked for': { extensions: [extension(0x1234, EMPTY)] },
  'with an extension twice': {
    extensions: [extension(0xff01, Buffer.from([0])), extension(0xff01, Buffer.from([0]))],
  },
  'with a protocol nobody asked for': {
    extensions: [extension(16, vector(2, vector(1, says('h2'))))],
  },
  'with a server name': { extensions: [extension(EXTENSION.serverName, EMPTY)] },
  'with a server name that says something': {
    extensions: [extension(EXTENSION.serverName, says('x'))],
  },
  'with a wrong renegotiation': { extensions: [extension(0xff01, Buffer.from([1, 1]))] },
  'with heartbeats': { extensions: [extension(15, Buffer.from([1]))] },
  'with groups': { extensions: [extension(10, vector(2, uint(X25519, 2)))] },
  'with point formats': { extensions: [extension(11, vector(1, Buffer.from([0])))] },
  'with no usable point format': { extensions: [extension(11, vector(1, Buffer.from([1])))] },
  'with a key share': {
    extensions: [extension(51, uint(X25519, 2), vector(2, Buffer.alloc(32, 9)))],
  },
  'with TLS 1.2 among the new versions': { extensions: [extension(43, uint(0x0303, 2))] },
  'with an extension cut off': { extensions: [CUT_OFF] },
  'of TLS 1.1 with an extension cut off': { version: 0x0302, extensions: [CUT_OFF] },
  'with the cookie of another protocol': { extensions: [extension(44, vector(2, says('x')))] },
};
for (const downgrade of /** @type {(keyof typeof DOWNGRADED)[]} */ (Object.keys(DOWNGRADED))) {
  const random = () => admitting(downgrade);
  HELLOS_12[`that admits a downgrade ${downgrade}`] = { random };
  Object.assign(HELLOS_12, {
    [`of TLS 1.0 that admits a downgrade ${downgrade}`]: { random, version: 0x0301 },
    [`of TLS 1.1 that admits a downgrade ${downgrade}`]: { random, version: 0x0302 },
    [`of version 3.4 that admits a downgrade ${downgrade}`]: { random, version: 0x0304 },
    [`of version 3.5 that admits a downgrade ${downgrade}`]: { random, version: 0x0305 },
    [`with a suite that was not offered, that admits a downgrade ${downgrade}`]: {
      random,
      suite: 0xc0ac,
    },
    [`with a wrong renegotiation, that admits a downgrade ${downgrade}`]: {
      random,
      extensions: [extension(0xff01, Buffer.from([1, 1]))],
    },
  });
}
for (const [what, hello] of Object.entries({
  'with compression': { compression: 1 },
  'with a session of 33 bytes': { session: Buffer.alloc(33, 7) },
  'with something behind it': { rest: Buffer.from([0]) },
  'with an extension cut off': { extensions: [CUT_OFF] },
})) {
  const random = () => admitting('to TLS 1.2');
  HELLOS_12[`${what}, that admits a downgrade to TLS 1.2`] = { ...hello, random };
}
/** A hello with a random number of its own for each connection. */
const fresh = ({ random, ...hello }) => ({ ...hello, ...(random && { random: random() }) });

function script12(hello) {
  return async (tls) => {
    await tls.clientHello();
    tls.flight12({ hello: fresh(hello) });
    await tls.finish12();
    tls.data('hello');
    tls.end();
  };
}
for (const [name, hello] of Object.entries(HELLOS_12)) {
  SCRIPTS[`hello of TLS 1.2: ${name}`] = script12(hello);
}

/** Changes to the rest of a flight of TLS 1.2. */
const FLIGHTS_12 = {
  'no certificates': { chain: [] },
  'key exchange spoiled': { exchange: { spoil: true } },
  'key exchange signed by another key': { exchange: { key: () => keyFor('prime256v1/stranger') } },
  'key exchange signed with SHA-1': { exchange: { scheme: 0x0203 } },
  'key exchange signed with SHA-512': { exchange: { scheme: 0x0603 } },
  'key exchange signed with SHA-384': { exchange: { scheme: 0x0503 } },
  'key exchange on a curve that was not offered': { exchange: { group: 0x001e } },
  'key exchange on a curve that is none': { exchange: { group: 0x7777 } },
  'key exchange in explicit parameters': { exchange: { curveType: 1 } },
  'key exchange with zeros': { exchange: { point: Buffer.alloc(32) } },
  'key exchange too short': { exchange: { point: Buffer.alloc(31, 1) } },
  'key exchange empty': { exchange: { point: EMPTY } },
  'key exchange off its curve': {
    exchange: { group: P256, point: Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)]) },
  },
  'status that nobody asked for': { before: (tls) => [tls.certificateStatus(says('rubbish'))] },
  'certificate request': { after: (tls) => [tls.certificateRequest12()] },
  'two certificate requests': {
    after: (tls) => [tls.certificateRequest12(), tls.certificateRequest12()],
  },
  'second key exchange': { after: (tls) => [tls.serverKeyExchange()] },
  'second certificate': { after: (tls) => [tls.certificate12()] },
};
for (const [name, { exchange, before, after, ...change }] of Object.entries(FLIGHTS_12)) {
  SCRIPTS[`flight of TLS 1.2: ${name}`] = async (tls) => {
    await tls.clientHello();
    const key = exchange?.key?.();
    tls.flight12({
      ...change,
      exchange: { ...exchange, ...(key ? { key } : {}) },
      before: before?.(tls),
      after: after?.(tls),
    });
    await tls.finish12();
    tls.data('hello');
    tls.end();
  };
}

/** @type {Record<string, (tls: any) => unknown>} */
const OTHERS_12 = {
  'no certificate': (tls) =>
    tls.say(tls.serverHello(), tls.serverKeyExchange(), tls.serverHelloDone()),
  'no key exchange': (tls) =>
    tls.say(tls.serverHello(), tls.certificate12(), tls.serverHelloDone()),
  'key exchange before the certificate': (tls) =>
    tls.say(tls.serverHello(), tls.serverKeyExchange(), tls.certificate12(), tls.serverHelloDone()),
  'ServerHelloDone with a content': (tls) =>
    tls.say(
      tls.serverHello(),
      tls.certificate12(),
      tls.serverKeyExchange(),
      tls.serverHelloDone(says('x')),
    ),
  'certificate message cut off': (tls) =>
    tls.say(tls.serverHello(), message(MESSAGE.certificate, vector(3, uint(99, 3), says('x')))),
  'certificate message with something behind it': (tls) =>
    tls.say(
      tls.serverHello(),
      Buffer.concat([message(MESSAGE.certificate, vector(3, vector(3, tls.chain[0])), says('x'))]),
    ),
  'key exchange cut off': (tls) =>
    tls.say(
      tls.serverHello(),
      tls.certificate12(),
      message(MESSAGE.serverKeyExchange, Buffer.from([3, 0])),
    ),
  'one byte to a record': (tls) => {
    const bytes = [
      tls.serverHello(),
      tls.certificate12(),
      tls.serverKeyExchange(),
      tls.serverHelloDone(),
    ];
    tls.note(...bytes);
    for (const byte of Buffer.concat(bytes)) {
      tls.write(record(RECORD.handshake, Buffer.from([byte])));
    }
  },
  'change of cipher at once': (tls) => {
    tls.say(tls.serverHello());
    tls.changeCipherSpec();
  },
};
for (const [name, flight] of Object.entries(OTHERS_12)) {
  SCRIPTS[`flight of TLS 1.2: ${name}`] = async (tls) => {
    await tls.clientHello();
    flight(tls);
    await tls.finish12();
    tls.data('hello');
    tls.end();
  };
}

for (const [what, level, alerts] of /** @type {const} */ ([
  ['an alert', 2, [40, 42, 70]],
  ['a warning', 1, [0, 90, 112]],
])) {
  for (const alert of alerts) {
    const inside = {
      'the hello': (tls) => {
        sayAround(tls, tls.serverHello(), () => tls.plaintextAlert(alert, level));
        tls.say(tls.certificate12(), tls.serverKeyExchange(), tls.serverHelloDone());
      },
      'the certificate': (tls) => {
        tls.say(tls.serverHello());
        sayAround(tls, tls.certificate12(), () => tls.plaintextAlert(alert, level));
        tls.say(tls.serverKeyExchange(), tls.serverHelloDone());
      },
    };
    for (const [where, flight] of Object.entries(inside)) {
      SCRIPTS[`flight of TLS 1.2: ${what} ${alert} inside of ${where}`] = async (tls) => {
        await tls.clientHello();
        flight(tls);
        await tls.finish12();
        tls.data('hello');
        tls.end();
      };
    }
    SCRIPTS[`flight of TLS 1.3: ${what} ${alert} inside of the certificate`] = async (tls) => {
      await tls.clientHello();
      tls.open13();
      tls.say(tls.encryptedExtensions());
      sayAround(tls, tls.certificate13(), () => tls.alert(alert, level));
      tls.say(tls.certificateVerify());
      tls.finish13();
      tls.data('hello');
      tls.end();
    };
  }
}

/** @param {any} tls @param {number} times */
function empty(tls, times) {
  for (let count = 0; count < times; count += 1) tls.write(record(RECORD.handshake, EMPTY));
}
/** @param {any} tls @param {number} times */
function warnings(tls, times) {
  for (let count = 0; count < times; count += 1) tls.plaintextAlert(112, 1);
}
/** @param {any} tls @param {number} times */
function emptyData(tls, times) {
  for (let count = 0; count < times; count += 1) tls.data('');
}
/** Three times three warnings under protection, and data. @param {any} tls */
function warnAndGoOn(tls) {
  for (const word of ['one', 'two', 'three']) {
    for (let count = 0; count < 3; count += 1) tls.alert(90, 1);
    tls.data(word);
  }
}

/** Records before or inside the hello of TLS 1.2. @type {Record<string, (tls: any) => void>} */
const BETWEEN_12 = {
  'four warnings': (tls) => warnings(tls, 4),
  'five warnings': (tls) => warnings(tls, 5),
  '32 empty records and four warnings': (tls) => {
    empty(tls, 20);
    warnings(tls, 4);
    empty(tls, 12);
  },
  '33 empty records around a warning': (tls) => {
    empty(tls, 20);
    warnings(tls, 1);
    empty(tls, 13);
  },
  'six warnings around an empty record': (tls) => {
    warnings(tls, 3);
    empty(tls, 1);
    warnings(tls, 3);
  },
};
for (const [what, between] of Object.entries(BETWEEN_12)) {
  SCRIPTS[`flight of TLS 1.2: ${what} before the hello`] = async (tls) => {
    await tls.clientHello();
    between(tls);
    tls.flight12();
    await tls.finish12();
    tls.data('hello');
    tls.end();
  };
  SCRIPTS[`flight of TLS 1.2: ${what} inside of the hello`] = async (tls) => {
    await tls.clientHello();
    sayAround(tls, tls.serverHello(), () => between(tls));
    tls.say(tls.certificate12(), tls.serverKeyExchange(), tls.serverHelloDone());
    await tls.finish12();
    tls.data('hello');
    tls.end();
  };
}
SCRIPTS['flight of TLS 1.2: three warnings before each message'] = async (tls) => {
  await tls.clientHello();
  for (const say of ['serverHello', 'certificate12', 'serverKeyExchange', 'serverHelloDone']) {
    warnings(tls, 3);
    tls.say(tls[say]());
  }
  await tls.finish12();
  tls.data('hello');
  tls.end();
};
for (const length of [16_384, 16_385, 16_400]) {
  SCRIPTS[`flight of TLS 1.2: a record of ${length} bytes`] = async (tls) => {
    await tls.clientHello();
    tls.say(tls.serverHello());
    const whole = tls.certificate12(Array.from({ length: 60 }, () => tls.chain[0]));
    tls.note(whole);
    tls.write(record(RECORD.handshake, whole.subarray(0, length)));
    tls.write(record(RECORD.handshake, whole.subarray(length)));
    tls.say(tls.serverKeyExchange(), tls.serverHelloDone());
    await tls.finish12();
    tls.data('hello');
    tls.end();
  };
}
for (const [what, alert, level] of /** @type {const} */ ([
  ['a warning 90', 90, 1],
  ['a warning 112', 112, 1],
  ['an alert 40', 40, 2],
  ['an alert 70', 70, 2],
])) {
  SCRIPTS[`retry, then ${what}`] = async (tls) => {
    await tls.clientHello();
    await tls.retry(P256);
    tls.plaintextAlert(alert, level);
    tls.flight13();
    tls.data('hello');
    tls.end();
  };
  SCRIPTS[`retry, then ${what} inside of the hello`] = async (tls) => {
    await tls.clientHello();
    await tls.retry(P256);
    sayAround(tls, tls.serverHello13(), () => tls.plaintextAlert(alert, level));
    tls.startProtection13();
    tls.say(tls.encryptedExtensions());
    tls.prove13();
    tls.finish13();
    tls.data('hello');
    tls.end();
  };
}

/** How the handshake of TLS 1.2 ends, after the client's part. @type {Record<string, (tls: any) => unknown>} */
const ENDINGS_12 = {
  'wrong Finished': (tls) => {
    tls.changeCipherSpec();
    tls.startProtection();
    tls.say(message(MESSAGE.finished, Buffer.alloc(12)));
  },
  'short Finished': (tls) => {
    tls.changeCipherSpec();
    tls.startProtection();
    tls.say(message(MESSAGE.finished, Buffer.alloc(11)));
  },
  'Finished in the clear': (tls) => {
    tls.changeCipherSpec();
    tls.say(tls.finished12());
  },
  'Finished without a change of cipher': (tls) => {
    tls.startProtection();
    tls.say(tls.finished12());
  },
  'two changes of cipher': (tls) => {
    tls.changeCipherSpec();
    tls.changeCipherSpec();
    tls.startProtection();
    tls.say(tls.finished12());
  },
  'data before Finished': (tls) => {
    tls.changeCipherSpec();
    tls.startProtection();
    tls.data('hello');
  },
  'rubbish under protection': (tls) => {
    tls.changeCipherSpec();
    tls.write(record(RECORD.handshake, Buffer.alloc(40, 5)));
  },
  'Finished of version 3.1': (tls) => {
    tls.changeCipherSpec();
    tls.startProtection();
    tls.write(ofVersion(tls.protect(RECORD.handshake, tls.finished12())));
  },
  'an empty record of the handshake before the change of cipher': (tls) => {
    empty(tls, 1);
    tls.changeCipherSpec();
    tls.startProtection();
    tls.say(tls.finished12());
  },
  'an alert 42 inside of Finished': (tls) => {
    tls.changeCipherSpec();
    tls.startProtection();
    sayAround(tls, tls.finished12(), () => tls.alert(42));
  },
  'a warning 90 inside of Finished': (tls) => {
    tls.changeCipherSpec();
    tls.startProtection();
    sayAround(tls, tls.finished12(), () => tls.alert(90, 1));
    tls.data('hello');
  },
  'an alert under protection': (tls) => {
    tls.changeCipherSpec();
    tls.startProtection();
    tls.alert(42);
  },
  'an alert under protection, byte by byte': (tls) => {
    tls.changeCipherSpec();
    tls.startProtection();
    for (const byte of tls.protect(RECORD.alert, Buffer.from([2, 42]))) {
      tls.write(Buffer.from([byte]));
    }
  },
  'a ticket that nobody asked for': (tls) => {
    tls.say(message(MESSAGE.newSessionTicket, uint(60, 4), vector(2, says('ticket'))));
    tls.changeCipherSpec();
    tls.startProtection();
    tls.say(tls.finished12());
  },
  'HelloRequest after it': (tls) => {
    tls.changeCipherSpec();
    tls.startProtection();
    tls.say(tls.finished12());
    tls.data('hello');
    tls.say(message(MESSAGE.helloRequest));
  },
  'data in the clear after it': (tls) => {
    tls.changeCipherSpec();
    tls.startProtection();
    tls.say(tls.finished12());
    tls.data('hello');
    tls.write(record(RECORD.data, says('hello')));
  },
  'empty data after it': (tls) => {
    tls.changeCipherSpec();
    tls.startProtection();
    tls.say(tls.finished12());
    tls.data('');
    tls.data('hello');
  },
};
for (const [name, ending] of Object.entries(ENDINGS_12)) {
  SCRIPTS[`end of TLS 1.2: ${name}`] = async (tls) => {
    await tls.clientHello();
    tls.flight12();
    await tls.clientKeyExchange();
    await tls.records(2);
    ending(tls);
    tls.end();
  };
}

const NO_RECORD = says('HTTP/1.1 400 Bad Request\r\n\r\n');

/** Records directly after the handshake of TLS 1.2. @type {Record<string, (tls: any) => unknown>} */
const AFTERS_12 = {
  'what is no record': (tls) => tls.write(NO_RECORD),
  'data in the clear': (tls) => tls.write(record(RECORD.data, says('hello'))),
  'an empty record of the handshake under protection': (tls) =>
    tls.write(tls.protect(RECORD.handshake, EMPTY)),
  'three warnings and data, three times': warnAndGoOn,
  'forty empty records': (tls) => emptyData(tls, 40),
  'forty empty records around a warning': (tls) => {
    emptyData(tls, 20);
    tls.alert(90, 1);
    emptyData(tls, 20);
  },
  'thirty empty records around a warning': (tls) => {
    emptyData(tls, 15);
    tls.alert(90, 1);
    emptyData(tls, 15);
  },
  'data of version 3.1': (tls) => tls.write(ofVersion(tls.protect(RECORD.data, says('hello')))),
  'data of version 3.4': (tls) =>
    tls.write(ofVersion(tls.protect(RECORD.data, says('hello')), 0x0304)),
  rubbish: (tls) => tls.write(record(RECORD.data, Buffer.alloc(40, 5))),
  'an alert in the clear': (tls) => tls.plaintextAlert(40),
  'an alert': (tls) => tls.alert(80),
  'a warning': (tls) => tls.alert(90, 1),
  'a HelloRequest': (tls) => tls.say(message(MESSAGE.helloRequest)),
  'a second Finished': (tls) => tls.say(message(MESSAGE.finished, Buffer.alloc(12))),
  'a change of cipher': (tls) => tls.changeCipherSpec(),
  'an empty record of the handshake': (tls) => tls.write(record(RECORD.handshake, EMPTY)),
};
for (const [name, after] of Object.entries(AFTERS_12)) {
  SCRIPTS[`right after TLS 1.2: ${name}`] = async (tls) => {
    await tls.clientHello();
    tls.flight12();
    await tls.finish12();
    after(tls);
    tls.data('second');
    tls.end();
  };
}

/** Hellos of TLS 1.3, followed by everything else. */
const HELLOS_13 = {
  'as it should be': {},
  'with an old version in its head': { version: 0x0301 },
  'with version 3.4 in its head': { version: 0x0304 },
  'choosing TLS 1.2': { chosen: 0x0303 },
  'choosing TLS 1.1': { chosen: 0x0302 },
  'choosing version 3.5': { chosen: 0x0305 },
  'choosing draft 28': { chosen: 0x7f1c },
  'with another session': { session: Buffer.alloc(32, 7) },
  'without a session': { session: EMPTY },
  'with compression': { compression: 1 },
  'with a suite of TLS 1.2': { suite: 0xc02b },
  'with a suite that was not offered': { suite: 0x1304 },
  'with a group that was not offered': { group: 0x001e },
  'with a group without a share': { group: P384 },
  'with a share of zeros': { share: Buffer.alloc(32) },
  'with a share too short': { share: Buffer.alloc(31, 1) },
  'with an empty share': { share: EMPTY },
  'with an extension nobody asked for': { more: [extension(0x1234, EMPTY)] },
  'with a share twice': { more: [extension(51, uint(X25519, 2), vector(2, Buffer.alloc(32, 9)))] },
  'with an extension that belongs elsewhere': {
    more: [extension(16, vector(2, vector(1, says('h2'))))],
  },
  'with a cookie': { more: [extension(44, vector(2, says('x')))] },
  'with a key nobody shared before': { more: [extension(41, uint(0, 2))] },
  'without a share': { extensions: [extension(43, uint(0x0304, 2))] },
  'with something behind it': { rest: Buffer.from([0]) },
  'with an old version in its head, choosing TLS 1.2': { version: 0x0301, chosen: 0x0303 },
  'with an old version in its head, and another session': {
    version: 0x0301,
    session: Buffer.alloc(32, 7),
  },
  'with version 3.4 in its head, choosing TLS 1.2': { version: 0x0304, chosen: 0x0303 },
  'with version 3.4 in its head, choosing TLS 1.1': { version: 0x0304, chosen: 0x0302 },
  'with version 3.4 in its head, choosing version 3.5': { version: 0x0304, chosen: 0x0305 },
  'with version 3.4 in its head, choosing none': { version: 0x0304, chosen: null },
  'with version 3.4 in its head, choosing none, and another session': {
    version: 0x0304,
    chosen: null,
    session: Buffer.alloc(32, 7),
  },
  'with version 3.4 in its head, and without a session': { version: 0x0304, session: EMPTY },
  'with version 3.5 in its head': { version: 0x0305 },
  'with version 3.5 in its head, and another session': {
    version: 0x0305,
    session: Buffer.alloc(32, 7),
  },
  'with version 3.5 in its head, choosing none': { version: 0x0305, chosen: null },
  'with the version of DTLS 1.2 in its head': { version: 0xfefd },
  'choosing a version of no bytes': { extensions: [extension(43, EMPTY)] },
  'choosing a version of one byte': { extensions: [extension(43, uint(3, 1))] },
  'choosing a version of three bytes': { extensions: [extension(43, uint(0x030400, 3))] },
  'with version 3.4 in its head, choosing a version of one byte': {
    version: 0x0304,
    extensions: [extension(43, uint(3, 1))],
  },
  'choosing two versions': { more: [extension(43, uint(0x0303, 2))] },
};
for (const downgrade of /** @type {(keyof typeof DOWNGRADED)[]} */ (Object.keys(DOWNGRADED))) {
  HELLOS_13[`that admits a downgrade ${downgrade}`] = { random: () => admitting(downgrade) };
}
function script13(hello) {
  return async (tls) => {
    const { shares } = await tls.clientHello();
    // To a client that has no key for it there is nothing to say but the hello.
    if (shares.size === 0) tls.say(tls.serverHello13(fresh(hello)));
    else {
      tls.flight13({ hello: fresh(hello) });
      tls.data('hello');
    }
    tls.end();
  };
}
for (const [name, hello] of Object.entries(HELLOS_13)) {
  SCRIPTS[`hello of TLS 1.3: ${name}`] = script13(hello);
}

/** Hellos to a client that asks for one version only. */
for (const [range, tlsVersion] of Object.entries(ONE_VERSION)) {
  for (const [version, hellos, script] of /** @type {[string, object, Function][]} */ ([
    ['TLS 1.2', HELLOS_12, script12],
    ['TLS 1.3', HELLOS_13, script13],
  ])) {
    for (const [name, hello] of Object.entries(hellos)) {
      const full = `hello of ${version}: ${name}, to a client of ${range} only`;
      SCRIPTS[full] = script(hello);
      RANGES[full] = tlsVersion;
    }
  }
}

/** Requests for another hello. @type {Record<string, (tls: any) => unknown>} */
const RETRIES = {
  'for a group that was offered': (tls) => tls.retry(P256),
  'with a cookie': (tls) => tls.retry(0, [extension(44, vector(2, says('cookie')))]),
  'for a group with a share': (tls) => tls.retry(X25519),
  'for a group that was not offered': (tls) => tls.retry(0x001e),
  'for nothing': (tls) => tls.retry(0),
  'with an extension nobody asked for': (tls) => tls.retry(P256, [extension(0x1234, EMPTY)]),
  twice: async (tls) => {
    await tls.retry(P256);
    await tls.retry(P384);
  },
  'with an old version in its head': (tls) => tls.retry(P256, [], { version: 0x0301 }),
  'with version 3.4 in its head': (tls) => tls.retry(P256, [], { version: 0x0304 }),
  'with version 3.5 in its head': (tls) => tls.retry(P256, [], { version: 0x0305 }),
  'choosing TLS 1.2': (tls) => tls.retry(P256, [], { chosen: 0x0303 }),
  'choosing TLS 1.1': (tls) => tls.retry(P256, [], { chosen: 0x0302 }),
  'choosing version 3.5': (tls) => tls.retry(P256, [], { chosen: 0x0305 }),
  'with another session': (tls) => tls.retry(P256, [], { session: Buffer.alloc(32, 7) }),
  'choosing a version of one byte': (tls) =>
    tls.retry(P256, [], { extensions: [extension(43, uint(3, 1))] }),
  'choosing two versions': (tls) => tls.retry(P256, [extension(43, uint(0x0303, 2))]),
  'with an extension cut off': (tls) => tls.retry(P256, [CUT_OFF]),
  'with an old version in its head, and an extension cut off': (tls) =>
    tls.retry(P256, [CUT_OFF], { version: 0x0301 }),
  'with an old version in its head, and something behind it': (tls) =>
    tls.retry(P256, [], { version: 0x0301, rest: Buffer.from([0]) }),
};
function scriptRetry(retry, hello) {
  return async (tls) => {
    await tls.clientHello();
    await retry(tls);
    tls.flight13({ hello });
    tls.data('hello');
    tls.end();
  };
}
for (const [name, retry] of Object.entries(RETRIES)) {
  SCRIPTS[`retry: ${name}`] = scriptRetry(retry, {});
}
for (const name of [
  'with an old version in its head',
  'with version 3.4 in its head',
  'with version 3.5 in its head',
  'with version 3.4 in its head, choosing none',
  'choosing TLS 1.2',
  'choosing TLS 1.1',
  'choosing version 3.5',
  'choosing a version of one byte',
  'with another session',
]) {
  SCRIPTS[`retry, then a hello: ${name}`] = scriptRetry((tls) => tls.retry(P256), HELLOS_13[name]);
}
SCRIPTS['retry, then a hello: of TLS 1.2'] = async (tls) => {
  await tls.clientHello();
  await tls.retry(P256);
  tls.flight12();
  tls.end();
};
for (const [range, tlsVersion] of Object.entries(ONE_VERSION)) {
  const name = `retry: for a group that was offered, to a client of ${range} only`;
  SCRIPTS[name] = scriptRetry((tls) => tls.retry(P256), {});
  RANGES[name] = tlsVersion;
}

const SIGNATURES = extension(13, vector(2, uint(0x0403, 2)));
/** The extensions of a request for a certificate; 47 is `certificate_authorities`. */
const REQUEST_EXTENSIONS = {
  'with an empty list of authorities': [SIGNATURES, extension(47, vector(2))],
  'with an empty authority': [SIGNATURES, extension(47, vector(2, vector(2)))],
  'without signatures': [],
  'with signatures twice': [SIGNATURES, SIGNATURES],
  'with an empty list of signatures': [extension(13, vector(2))],
};

/** Encrypted records. @type {Record<string, (tls: any) => unknown>} */
const FLIGHTS_13 = {
  'no extensions message': (tls) => {
    tls.prove13();
    tls.finish13();
  },
  'extension nobody asked for': (tls) => rest13(tls, { extensions: [extension(0x1234, EMPTY)] }),
  'extension twice': (tls) =>
    rest13(tls, { extensions: [extension(0, EMPTY), extension(0, EMPTY)] }),
  'extension that belongs to the hello': (tls) =>
    rest13(tls, { extensions: [extension(43, uint(0x0304, 2))] }),
  'protocol nobody asked for': (tls) =>
    rest13(tls, { extensions: [extension(16, vector(2, vector(1, says('h2'))))] }),
  'early data accepted': (tls) => rest13(tls, { extensions: [extension(42, EMPTY)] }),
  groups: (tls) => rest13(tls, { extensions: [extension(10, vector(2, uint(X25519, 2)))] }),
  'certificate message with a context': (tls) =>
    rest13(tls, { certificate: { context: says('x') } }),
  'no certificates': (tls) => rest13(tls, { certificate: { chain: [] } }),
  'certificate with an extension nobody asked for': (tls) =>
    rest13(tls, { certificate: { extensions: [extension(0x1234, EMPTY)] } }),
  'certificate request': (tls) => {
    tls.say(tls.encryptedExtensions(), tls.certificateRequest13());
    tls.prove13();
    tls.finish13();
  },
  'certificate request with a context': (tls) => {
    tls.say(tls.encryptedExtensions(), tls.certificateRequest13(says('x')));
    tls.prove13();
    tls.finish13();
  },
  'proof spoiled': (tls) => rest13(tls, { verify: { spoil: true } }),
  'proof by another key': (tls) => rest13(tls, { verify: { key: keyFor('prime256v1/stranger') } }),
  'proof with SHA-1': (tls) => rest13(tls, { verify: { scheme: 0x0203 } }),
  'proof with SHA-384 on P-256': (tls) => rest13(tls, { verify: { scheme: 0x0503 } }),
  'proof that names another algorithm': (tls) => rest13(tls, { verify: { named: 0x0804 } }),
  "proof in the client's words": (tls) =>
    rest13(tls, { verify: { words: 'TLS 1.3, client CertificateVerify' } }),
  'no proof': (tls) => {
    tls.say(tls.encryptedExtensions(), tls.certificate13());
    tls.finish13();
  },
  'no certificate': (tls) => {
    tls.say(tls.encryptedExtensions());
    tls.finish13();
  },
  'proof before the certificate': (tls) => {
    tls.say(tls.encryptedExtensions());
    tls.say(tls.certificateVerify());
    tls.say(tls.certificate13());
    tls.finish13();
  },
  'wrong Finished': (tls) => {
    tls.say(tls.encryptedExtensions());
    tls.prove13();
    tls.say(message(MESSAGE.finished, Buffer.alloc(32)));
  },
  'short Finished': (tls) => {
    tls.say(tls.encryptedExtensions());
    tls.prove13();
    tls.say(message(MESSAGE.finished, Buffer.alloc(31)));
  },
  'data before Finished': (tls) => {
    tls.say(tls.encryptedExtensions());
    tls.data('hello');
  },
  'ticket before Finished': (tls) => {
    tls.say(tls.encryptedExtensions());
    tls.say(message(MESSAGE.newSessionTicket, Buffer.alloc(13)));
  },
  'key update before Finished': (tls) => {
    tls.say(tls.encryptedExtensions());
    tls.say(message(MESSAGE.keyUpdate, Buffer.from([0])));
  },
  'rubbish under protection': (tls) => tls.write(record(RECORD.data, Buffer.alloc(80, 5))),
  'record with no content under protection': (tls) => tls.write(tls.protect(0, EMPTY, 3)),
  'empty handshake record under protection': (tls) =>
    tls.write(tls.protect(RECORD.handshake, EMPTY)),
  'change of cipher under protection': (tls) =>
    tls.write(tls.protect(RECORD.changeCipherSpec, Buffer.from([1]))),
  'message in the clear': (tls) => tls.write(record(RECORD.handshake, tls.encryptedExtensions())),
  'all of it in one record': (tls) => {
    const extensions = tls.encryptedExtensions();
    tls.note(extensions);
    const certificate = tls.certificate13();
    tls.note(certificate);
    const verify = tls.certificateVerify();
    tls.note(verify);
    const finished = tls.finished13();
    tls.note(finished);
    tls.write(
      tls.protect(RECORD.handshake, Buffer.concat([extensions, certificate, verify, finished])),
    );
    tls.startData13();
  },
  padded: (tls) => {
    const extensions = tls.encryptedExtensions();
    tls.note(extensions);
    tls.write(tls.protect(RECORD.handshake, extensions, 4000));
    tls.prove13();
    tls.finish13();
  },
  ...Object.fromEntries(
    Object.entries(REQUEST_EXTENSIONS).map(([what, extensions]) => [
      `certificate request ${what}`,
      (tls) => {
        tls.say(tls.encryptedExtensions());
        tls.say(message(MESSAGE.certificateRequest, vector(1), vector(2, ...extensions)));
        tls.prove13();
        tls.finish13();
      },
    ]),
  ),
  'two more changes of cipher': (tls) => changeCiphers(tls, 2),
  '31 more changes of cipher': (tls) => changeCiphers(tls, 31),
  '32 more changes of cipher': (tls) => changeCiphers(tls, 32),
  'forty changes of cipher': (tls) => changeCiphers(tls, 40),
  'a change of cipher with another content': (tls) => {
    tls.write(record(RECORD.changeCipherSpec, Buffer.from([2])));
    rest13(tls, {});
  },
  'a change of cipher of six bytes': (tls) => {
    tls.write(record(RECORD.changeCipherSpec, Buffer.from([0, 0, 0, 0, 0, 1])));
    rest13(tls, {});
  },
  'a change of cipher of version 3.1': (tls) => {
    tls.write(ofVersion(record(RECORD.changeCipherSpec, Buffer.from([1]))));
    rest13(tls, {});
  },
  'extensions of version 3.1': (tls) => {
    const extensions = tls.encryptedExtensions();
    tls.note(extensions);
    tls.write(ofVersion(tls.protect(RECORD.handshake, extensions)));
    tls.prove13();
    tls.finish13();
  },
  'an empty record of the handshake in the clear': (tls) => {
    tls.write(record(RECORD.handshake, EMPTY));
    rest13(tls, {});
  },
};
function changeCiphers(tls, times) {
  for (let count = 0; count < times; count += 1) tls.changeCipherSpec();
  rest13(tls, {});
}
function rest13(tls, { extensions = [], ...change }) {
  tls.say(tls.encryptedExtensions(...extensions));
  tls.prove13(change);
  tls.finish13();
}
for (const [name, flight] of Object.entries(FLIGHTS_13)) {
  SCRIPTS[`flight of TLS 1.3: ${name}`] = async (tls) => {
    await tls.clientHello();
    tls.open13();
    flight(tls);
    tls.data('hello');
    tls.end();
  };
}

/** The extensions of a ticket; 62 is `tls_flags`. */
const TICKET_EXTENSIONS = {
  'with an unknown extension': [extension(0xfafa, says('x'))],
  'with an unknown extension twice': [extension(0xfafa, says('x')), extension(0xfafa, says('x'))],
  'with early data twice': [extension(42, uint(1, 4)), extension(42, uint(1, 4))],
  'with early data and something behind it': [extension(42, uint(1, 4), says('x'))],
  'with flags': [extension(62, vector(1, Buffer.from([1])))],
  'with empty flags': [extension(62, vector(1))],
  'with flags of nothing': [extension(62)],
  'with flags that end in zero': [extension(62, vector(1, Buffer.from([1, 0])))],
  'with flags and something behind them': [extension(62, vector(1, Buffer.from([1])), says('x'))],
  'with extensions and something behind them': [extension(0xfafa), says('x')],
};
/** @param {Buffer[]} extensions */
const ticket13 = (extensions) =>
  message(
    MESSAGE.newSessionTicket,
    uint(60, 4),
    uint(1, 4),
    vector(1, says('n')),
    vector(2, says('ticket')),
    vector(2, ...extensions),
  );

/** Records after the handshake of TLS 1.3. @type {Record<string, (tls: any) => unknown>} */
const AFTERS_13 = {
  'what is no record': (tls) => tls.write(NO_RECORD),
  rubbish: (tls) => tls.write(record(RECORD.data, Buffer.alloc(40, 5))),
  'a ticket': (tls) =>
    tls.say(
      message(
        MESSAGE.newSessionTicket,
        uint(60, 4),
        uint(1, 4),
        vector(1, says('n')),
        vector(2, says('ticket')),
        vector(2),
      ),
    ),
  'a ticket cut off': (tls) => tls.say(message(MESSAGE.newSessionTicket, uint(60, 4))),
  'an empty ticket': (tls) =>
    tls.say(
      message(MESSAGE.newSessionTicket, uint(60, 4), uint(1, 4), vector(1), vector(2), vector(2)),
    ),
  'a key update of nonsense': (tls) => tls.say(message(MESSAGE.keyUpdate, Buffer.from([2]))),
  'a certificate request': (tls) => tls.say(tls.certificateRequest13(says('x'))),
  'a HelloRequest': (tls) => tls.say(message(MESSAGE.helloRequest)),
  'a second Finished': (tls) => tls.say(message(MESSAGE.finished, Buffer.alloc(32))),
  'half a message, then data': (tls) => {
    tls.write(
      tls.protect(
        RECORD.handshake,
        message(MESSAGE.newSessionTicket, Buffer.alloc(40)).subarray(0, 9),
      ),
    );
  },
  'a change of cipher': (tls) => tls.changeCipherSpec(),
  'data in the clear': (tls) => tls.write(record(RECORD.data, says('hello'))),
  'three warnings and data, three times': warnAndGoOn,
  'data of version 3.1': (tls) => tls.write(ofVersion(tls.protect(RECORD.data, says('hello')))),
  'an alert in the clear': (tls) => tls.plaintextAlert(40),
  'a warning': (tls) => tls.alert(90, 1),
  'forty empty records': (tls) => emptyData(tls, 40),
  'forty empty records around a warning': (tls) => {
    emptyData(tls, 20);
    tls.alert(90, 1);
    emptyData(tls, 20);
  },
  ...Object.fromEntries(
    Object.entries(TICKET_EXTENSIONS).map(([what, extensions]) => [
      `a ticket ${what}`,
      (tls) => tls.say(ticket13(extensions)),
    ]),
  ),
  'close_notify, then data': (tls) => tls.alert(0, 1),
};
for (const [name, after] of Object.entries(AFTERS_13)) {
  SCRIPTS[`after TLS 1.3: ${name}`] = async (tls) => {
    await tls.clientHello();
    tls.flight13();
    tls.data('first');
    after(tls);
    tls.data('second');
    tls.end();
  };
  SCRIPTS[`right after TLS 1.3: ${name}`] = async (tls) => {
    await tls.clientHello();
    tls.flight13();
    after(tls);
    tls.data('second');
    tls.end();
  };
}

async function prepare() {
  const scripts = Object.entries(SCRIPTS);
  return serve(
    [dns(HOST)],
    scripts.map(([name, script]) => ({ name, host: HOST, tlsVersion: RANGES[name], script })),
  );
}

module.exports = { prepare };
