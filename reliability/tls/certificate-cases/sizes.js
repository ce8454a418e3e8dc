'use strict';

/** Large certificates and long chains. */

const der = require('../der');
const { dns, extension, nameConstraints } = require('../certificate');
const { HOST, authorityExtensions, keyOf } = require('./case-book');

/** @param {import('./case-book').CaseBook} book */
function addSizeCases({ add, intermediate, leaf, under }) {
  const middle = intermediate();
  const many = (count) =>
    Array.from({ length: count }, (_, index) => dns(`host${index}.server.localhost`));
  const filling = (size) => extension('1.3.6.1.4.1.99999.5', false, der.octets(Buffer.alloc(size)));
  add('size: 1,000 names, the last is right', [leaf({ names: [...many(999), dns(HOST)] })]);
  add('size: 1,000 names, none is right', [leaf({ names: many(1000) })]);
  add('size: 2,000 names, the first is right', [leaf({ names: [dns(HOST), ...many(1999)] })]);
  add('size: 10,000 names', [leaf({ names: [dns(HOST), ...many(9999)] })]);
  for (const size of [10_000, 15_000, 17_000, 30_000, 60_000, 64_000, 66_000, 99_000, 110_000]) {
    add(`size: ${size.toLocaleString('en')} bytes in an extension`, [
      leaf({ more: [filling(size)] }),
    ]);
  }
  const fat = intermediate({ extensions: authorityExtensions({ more: [filling(30_000)] }) });
  under('size: large intermediate', fat);
  add('size: large chain', [leaf({ issuer: fat }), fat, fat]);
  const slim = intermediate({
    extensions: authorityExtensions({ more: [nameConstraints({ permitted: many(800) })] }),
  });
  add(
    'size: 800 names against 800 name constraints',
    [leaf({ issuer: slim, names: [dns('host799.server.localhost'), ...many(799)] }), slim],
    { host: 'host799.server.localhost' },
  );
  add('size: 60 authorities presented', [
    leaf({ issuer: middle }),
    ...Array.from({ length: 60 }, (_, index) =>
      intermediate({ name: `Spare ${index}`, key: keyOf('spare') }),
    ),
    middle,
  ]);
}

module.exports = { addSizeCases };
