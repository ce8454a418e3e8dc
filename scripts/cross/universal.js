'use strict';

/** A file of macOS with the code of several architectures, as `lipo -create` makes it. */

/** `FAT_MAGIC`, before one entry of five numbers for each architecture, all big-endian. */
const MAGIC = 0xcafebabe;
const ENTRY = 20;

/** The base-two logarithm of the largest page, arm64's. */
const ALIGNMENT = 14;

/** @param {Buffer[]} files for one architecture each @returns {Buffer} */
function join(files) {
  const page = 1 << ALIGNMENT;
  const header = Buffer.alloc(page);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(files.length, 4);
  const pieces = [header];
  let offset = page;
  for (const [index, file] of files.entries()) {
    // The file's own header begins with its magic number, the processor and the kind of it.
    const numbers = [file.readUInt32LE(4), file.readUInt32LE(8), offset, file.length, ALIGNMENT];
    numbers.forEach((number, place) => header.writeUInt32BE(number, 8 + index * ENTRY + 4 * place));
    const padding = index < files.length - 1 ? -file.length & (page - 1) : 0;
    pieces.push(file, Buffer.alloc(padding));
    offset += file.length + padding;
  }
  return Buffer.concat(pieces);
}

module.exports = { join };
