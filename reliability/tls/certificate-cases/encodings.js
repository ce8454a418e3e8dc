'use strict';

/** Encodings of the certificate, its version, serial number and names. */

const der = require('../der');
const { named, pem } = require('../certificate');

/** @param {import('./case-book').CaseBook} book */
function addEncodingCases({ add, intermediate, leaf, under }) {
  const whole = leaf();
  const patched = (name, change) =>
    add(name, [change(Buffer.from(leaf().der))], { key: whole.key });
  patched('encoding: cut off', (bytes) => bytes.subarray(0, -1));
  patched('encoding: cut in half', (bytes) => bytes.subarray(0, bytes.length / 2));
  patched('encoding: a byte behind it', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]));
  patched('encoding: a value behind it', (bytes) => Buffer.concat([bytes, der.none]));
  patched('encoding: empty', () => Buffer.alloc(0));
  patched('encoding: rubbish', () => Buffer.from('this is no certificate'));
  patched('encoding: PEM', (bytes) => Buffer.from(pem(bytes)));
  patched('encoding: indefinite length', (bytes) =>
    Buffer.concat([Buffer.from([0x30, 0x80]), bytes.subarray(4), Buffer.alloc(2)]),
  );
  patched('encoding: length with a leading zero', (bytes) =>
    Buffer.concat([Buffer.from([0x30, 0x83, 0]), bytes.subarray(2)]),
  );
  patched('encoding: a set', (bytes) => Buffer.concat([Buffer.from([0x31]), bytes.subarray(1)]));
  add('encoding: something behind what is signed', [leaf({ rest: der.none })]);
  add('encoding: unique identifiers behind the extensions', [
    leaf({ rest: der.implicit(2, Buffer.from([0, 1])) }),
  ]);
  for (const [name, version] of [
    ['version 1', Buffer.alloc(0)],
    ['version 1 written out', der.explicit(0, der.integer(0))],
    ['version 2', der.explicit(0, der.integer(1))],
    ['version 4', der.explicit(0, der.integer(3))],
    ['version 0', der.explicit(0, der.integer(Buffer.from([0xff])))],
  ]) {
    add(`encoding: ${name} with extensions`, [leaf({ version })]);
    if (name === 'version 1') add('encoding: version 1', [leaf({ version, extensions: null })]);
  }
  under(
    'encoding: intermediate of version 1',
    intermediate({ version: Buffer.alloc(0), extensions: null }),
  );
  for (const [name, serial] of [
    ['0', der.integer(0)],
    ['negative', der.integer(Buffer.from([0x80]))],
    ['of 20 bytes', der.integer(Buffer.alloc(20, 0x11))],
    ['of 21 bytes', der.integer(Buffer.alloc(21, 0x11))],
    ['of 200 bytes', der.integer(Buffer.alloc(200, 0x11))],
    ['with a leading zero', der.integer(Buffer.from([0, 1]))],
    ['empty', der.integer(Buffer.alloc(0))],
    ['no number', der.utf8('1')],
  ]) {
    add(`encoding: serial number ${name}`, [leaf({ serial })]);
  }
  for (const [name, subject] of [
    ['of T61 characters', named('Sérver', (text) => der.t61(text, 'latin1'))],
    [
      'of BMP characters',
      named('Server', (text) => der.bmp([...text].map((one) => `\0${one}`).join(''), 'latin1')),
    ],
    ['of BMP characters, odd', named('Server', (text) => der.bmp(text.slice(1), 'latin1'))],
    ['of universal characters', named('S', () => der.universal('\0\0\0S', 'latin1'))],
    ['of IA5 characters', named('Server', der.ia5)],
    ['in invalid UTF-8', named('\xff\xfe', (text) => der.utf8(text, 'latin1'))],
    ['of printable characters that are none', named('a@b*c', der.printable)],
    ['that is a number', named('', () => der.integer(1))],
    ['with an empty part', der.sequence(der.set())],
    [
      'with a part of two',
      der.sequence(
        der.set(
          der.sequence(der.oid('2.5.4.3'), der.utf8('A')),
          der.sequence(der.oid('2.5.4.10'), der.utf8('B')),
        ),
      ),
    ],
    ['of 10,000 characters', named('a'.repeat(10_000))],
    ['malformed', der.sequence(der.none)],
  ]) {
    add(`encoding: subject ${name}`, [leaf({ subject })]);
  }
  add('encoding: issuer empty', [leaf({ issuerName: der.sequence() })]);
}

module.exports = { addEncodingCases };
