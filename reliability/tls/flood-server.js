'use strict';

/**
 * A process of servers that send records which cost their client work and bring it little or no data,
 * as fast as the client takes them. Each attack has a port of its own.
 */

const { writeFileSync } = require('node:fs');
const {
  alternativeNames,
  basicConstraints,
  dns,
  ip,
  keyUsage,
  makeCertificate,
  named,
  pem,
} = require('./certificate.js');
const { ClientGone, MESSAGE, RECORD, message, record, uint, vector } = require('./handmade-tls.js');
const { Servers } = require('./servers.js');

/** @typedef {import('./handmade-tls.js').HandmadeTls} HandmadeTls */

const EMPTY = Buffer.alloc(0);
const ONE_BYTE = Buffer.from('x');
const MAX_RECORD = 16_384;
/** A chunk that is handed to the kernel at once. */
const CHUNK = 64 * 1024;

/** The shortest ticket that a client takes. */
const TICKET = message(
  MESSAGE.newSessionTicket,
  uint(3600, 4),
  uint(1, 4),
  vector(1),
  vector(2, ONE_BYTE),
  vector(2),
);
const PACKED_TICKETS = Buffer.concat(
  Array.from({ length: Math.floor(MAX_RECORD / TICKET.length) }, () => TICKET),
);

/**
 * @param {HandmadeTls} tls
 * @param {() => Buffer} next
 */
async function flood({ socket }, next) {
  socket.setMaxListeners(0);
  while (!socket.destroyed) {
    const parts = [];
    for (let length = 0; length < CHUNK;) {
      const part = next();
      parts.push(part);
      length += part.length;
    }
    const isTaken = socket.write(Buffer.concat(parts));
    await new Promise((resolve) => {
      if (isTaken) setImmediate(resolve);
      else for (const event of ['drain', 'close']) socket.once(event, resolve);
    });
  }
}

/** @param {HandmadeTls} tls @param {Buffer} bytes */
async function byByte({ socket }, bytes) {
  for (const byte of bytes) {
    if (socket.destroyed) throw new ClientGone();
    socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** @param {HandmadeTls} tls @param {number} version */
async function shake(tls, version) {
  await tls.clientHello();
  if (version === 13) return tls.flight13();
  tls.flight12();
  await tls.finish12();
}

/** @param {HandmadeTls} tls @param {number} count @param {() => Buffer} silent */
function withData(tls, count, silent) {
  let left = count;
  return () => {
    if (left-- > 0) return silent();
    left = count;
    return tls.protect(RECORD.data, ONE_BYTE);
  };
}

/** A flight that is cut into records of one byte. @param {Buffer[]} messages */
const inBytes = (messages) =>
  Buffer.concat(
    [...Buffer.concat(messages)].map((byte) => record(RECORD.handshake, Buffer.from([byte]))),
  );

/**
 * After the handshake.
 *
 * @type {Record<string, { version: 12 | 13, big?: boolean, run: (tls: HandmadeTls) => Promise<void> }>}
 */
const FLOODS = {
  'tickets, one in a record': {
    version: 13,
    run: (tls) => flood(tls, () => tls.protect(RECORD.handshake, TICKET)),
  },
  'tickets, 910 in a record': {
    version: 13,
    run: (tls) => flood(tls, () => tls.protect(RECORD.handshake, PACKED_TICKETS)),
  },
  'tickets, 910 in a record, behind a chain of 60 kB': {
    version: 13,
    big: true,
    run: (tls) => flood(tls, () => tls.protect(RECORD.handshake, PACKED_TICKETS)),
  },
  'a record of tickets, then a byte, behind a chain of 60 kB': {
    version: 13,
    big: true,
    run: (tls) =>
      flood(
        tls,
        withData(tls, 1, () => tls.protect(RECORD.handshake, PACKED_TICKETS)),
      ),
  },
  'key updates, 32 between two bytes': {
    version: 13,
    run: (tls) =>
      flood(
        tls,
        withData(tls, 32, () => tls.keyUpdate()),
      ),
  },
  'key updates that ask for one, 32 between two bytes': {
    version: 13,
    run: (tls) =>
      flood(
        tls,
        withData(tls, 32, () => tls.keyUpdate(true)),
      ),
  },
  'empty records, 32 between two bytes': {
    version: 13,
    run: (tls) =>
      flood(
        tls,
        withData(tls, 32, () => tls.protect(RECORD.data, EMPTY)),
      ),
  },
  'empty records, 32 between two bytes (1.2)': {
    version: 12,
    run: (tls) =>
      flood(
        tls,
        withData(tls, 32, () => tls.protect(RECORD.data, EMPTY)),
      ),
  },
  'records of one byte': {
    version: 13,
    run: (tls) => flood(tls, () => tls.protect(RECORD.data, ONE_BYTE)),
  },
  'records of one byte (1.2)': {
    version: 12,
    run: (tls) => flood(tls, () => tls.protect(RECORD.data, ONE_BYTE)),
  },
  'records of one byte and 16 kB of padding': {
    version: 13,
    run: (tls) => flood(tls, () => tls.protect(RECORD.data, ONE_BYTE, MAX_RECORD - 1)),
  },
  'warnings, 4 between two bytes (1.2)': {
    version: 12,
    run: (tls) =>
      flood(
        tls,
        withData(tls, 4, () => tls.protect(RECORD.alert, Buffer.from([1, 90]))),
      ),
  },
  'segments of one byte': {
    version: 13,
    async run(tls) {
      while (!tls.socket.destroyed) {
        await byByte(tls, tls.protect(RECORD.data, Buffer.alloc(1000)));
      }
    },
  },
  'segments of one byte (1.2)': {
    version: 12,
    async run(tls) {
      while (!tls.socket.destroyed) {
        await byByte(tls, tls.protect(RECORD.data, Buffer.alloc(1000)));
      }
    },
  },
};

/**
 * Inside of the handshake, which the client begins again and again.
 *
 * @type {Record<string, { big?: boolean, run: (tls: HandmadeTls) => Promise<unknown> | void }>}
 */
const HANDSHAKES = {
  'a certificate of 60 kB (1.3)': { big: true, run: (tls) => tls.flight13() },
  'a certificate of 60 kB (1.2)': { big: true, run: (tls) => tls.flight12() },
  'a certificate of 60 kB in fragments of one byte (1.2)': {
    big: true,
    run: (tls) => tls.write(inBytes([tls.serverHello(), tls.certificate12()])),
  },
  'a certificate of 60 kB in fragments of one byte (1.3)': {
    big: true,
    run(tls) {
      tls.open13();
      tls.say(tls.encryptedExtensions());
      const bytes = [...tls.certificate13()];
      tls.write(...bytes.map((byte) => tls.protect(RECORD.handshake, Buffer.from([byte]))));
    },
  },
  'a flight in segments of one byte (1.2)': {
    run: (tls) => byByte(tls, record(RECORD.handshake, tls.certificate12())),
  },
  'empty records (1.2)': {
    run: (tls) => tls.write(...Array.from({ length: 32 }, () => record(RECORD.handshake, EMPTY))),
  },
  'warnings (1.2)': {
    run: (tls) =>
      tls.write(...Array.from({ length: 4 }, () => record(RECORD.alert, Buffer.from([1, 90])))),
  },
  'changes of cipher (1.3)': {
    run(tls) {
      tls.say(tls.serverHello13());
      for (let left = 32; left > 0; left -= 1) tls.changeCipherSpec();
    },
  },
};

async function main() {
  const { authority } = JSON.parse(process.argv[2]);
  const root = makeCertificate({
    key: 'prime256v1/root',
    subject: named('Trusted Root'),
    extensions: [basicConstraints(true), keyUsage(['keyCertSign'])],
  });
  const names = [dns('localhost'), ip(127, 0, 0, 1)];
  const leaf = (/** @type {Buffer[]} */ more) =>
    makeCertificate({
      key: 'prime256v1/leaf',
      subject: named('Server'),
      issuer: root,
      extensions: [basicConstraints(false), alternativeNames([...names, ...more])],
    });
  const many = Array.from({ length: 3200 }, (_, index) => dns(`name-${index}.test`));
  const [small, big] = [leaf([]), leaf(many)];
  writeFileSync(authority, pem(root.der));

  const servers = new Servers();
  /** @param {boolean | undefined} isBig */
  const identity = (isBig) => {
    const { key, der } = isBig ? big : small;
    return { key, chain: [der] };
  };
  /** @type {Record<string, number>} */
  const ports = {};
  for (const [name, { version, big: isBig, run }] of Object.entries(FLOODS)) {
    const script = async (/** @type {HandmadeTls} */ tls) => {
      await shake(tls, version);
      await run(tls);
    };
    ports[name] = await servers.listen(name, script, identity(isBig));
  }
  for (const [name, { big: isBig, run }] of Object.entries(HANDSHAKES)) {
    const script = async (/** @type {HandmadeTls} */ tls) => {
      await tls.clientHello();
      await run(tls);
      tls.end();
    };
    ports[name] = await servers.listen(name, script, identity(isBig));
  }
  process.send?.({ ports, floods: Object.keys(FLOODS), handshakes: Object.keys(HANDSHAKES) });
  process.on('message', () => {
    process.send?.({ problems: servers.problems });
    servers.close();
    process.exit();
  });
}

process.on('disconnect', () => process.exit());
main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
