'use strict';

/** A DER encoder without checks, which also writes encodings that libraries refuse. */

/** @param {number} tag @param {...Buffer} parts */
function value(tag, ...parts) {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const digits = Buffer.from(evenHex(content.length), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | digits.length]), digits, content]);
}

/** @param {number | bigint} number */
function evenHex(number) {
  const text = number.toString(16);
  return text.length % 2 ? `0${text}` : text;
}

/** @param {number | bigint | Buffer} number a Buffer is the content as it is */
function integer(number) {
  if (Buffer.isBuffer(number)) return value(0x02, number);
  const digits = Buffer.from(evenHex(number), 'hex');
  return value(0x02, digits[0] & 0x80 ? Buffer.concat([Buffer.alloc(1), digits]) : digits);
}

/** @param {string} dotted */
function oid(dotted) {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return value(0x06, Buffer.from(bytes));
}

/** @param {Date} date @param {'utc' | 'generalized'} [form] by RFC 5280 if left out */
function time(date, form = date.getUTCFullYear() < 2050 ? 'utc' : 'generalized') {
  const digits = `${date.toISOString().replace(/\.\d+Z$|[-:T]/g, '')}Z`;
  return form === 'utc'
    ? value(0x17, Buffer.from(digits.slice(2)))
    : value(0x18, Buffer.from(digits));
}

/** @param {number} tag @returns {(text: string, encoding?: BufferEncoding) => Buffer} */
const text =
  (tag) =>
  (characters, encoding = 'utf8') =>
    value(tag, Buffer.from(characters, encoding));

/** @param {Buffer} bytes @param {number} [unused] */
const bits = (bytes, unused = 0) => value(0x03, Buffer.from([unused]), bytes);

module.exports = {
  value,
  integer,
  oid,
  time,
  bits,
  boolean: (/** @type {number} */ byte) => value(0x01, Buffer.from([byte])),
  octets: (/** @type {Buffer[]} */ ...parts) => value(0x04, ...parts),
  none: value(0x05),
  sequence: (/** @type {Buffer[]} */ ...parts) => value(0x30, ...parts),
  set: (/** @type {Buffer[]} */ ...parts) => value(0x31, ...parts),
  /** A constructed value with a tag of its context. */
  explicit: (/** @type {number} */ number, /** @type {Buffer[]} */ ...parts) =>
    value(0xa0 | number, ...parts),
  /** A plain value with a tag of its context. */
  implicit: (/** @type {number} */ number, /** @type {Buffer[]} */ ...parts) =>
    value(0x80 | number, ...parts),
  utf8: text(0x0c),
  printable: text(0x13),
  t61: text(0x14),
  ia5: text(0x16),
  universal: text(0x1c),
  bmp: text(0x1e),
};
