'use strict';

/** Validity: dates, and their order along a chain. */

const der = require('../der');
const { dns } = require('../certificate');

/** @param {number} days @param {'utc' | 'generalized'} [form] */
const moment = (days, form) => der.time(new Date(Date.now() + days * 24 * 3_600_000), form);
const utc = (text) => der.value(0x17, Buffer.from(text));
const generalized = (text) => der.value(0x18, Buffer.from(text));

/** The validity of certificates. */
const DATES = [
  ['date: expired an hour ago', { days: [-1, -1 / 24] }],
  ['date: expired long ago', { days: [-900, -800] }],
  ['date: valid in an hour', { days: [1 / 24, 10] }],
  ['date: valid since an hour, for an hour', { days: [-1 / 24, 1 / 24] }],
  ['date: never valid', { days: [1, -1] }],
  ['date: valid for ten years', { days: [-1, 3650] }],
  ['date: valid for a hundred years', { days: [-1, 36_500] }],
  ['date: valid to the end of time', { notAfter: generalized('99991231235959Z') }],
  [
    'date: GeneralizedTime where UTCTime would do',
    { notBefore: moment(-1, 'generalized'), notAfter: moment(89, 'generalized') },
  ],
  ['date: valid from before 1970', { notBefore: utc('650101000000Z') }],
  ['date: valid from 1950', { notBefore: utc('500101000000Z') }],
  ['date: valid from before 1950', { notBefore: generalized('19400101000000Z') }],
  ['date: valid from year 0', { notBefore: generalized('00000101000000Z') }],
  ['date: year 49 is 2049', { notAfter: utc('491231235959Z') }],
  ['date: year 99 is 1999', { notAfter: utc('991231235959Z') }],
  ['date: without seconds', { notAfter: utc('4001010000Z') }],
  ['date: with a fraction', { notAfter: generalized('20400101000000.5Z') }],
  ['date: with an offset', { notAfter: utc('400101000000+0000') }],
  ['date: without Z', { notAfter: utc('400101000000') }],
  ['date: 13th month', { notAfter: utc('401301000000Z') }],
  ['date: 30th of February', { notAfter: utc('400230000000Z') }],
  ['date: 29th of February of no leap year', { notAfter: utc('410229000000Z') }],
  ['date: 29th of February of a leap year', { notAfter: utc('400229000000Z') }],
  ['date: 24th hour', { notAfter: utc('400101240000Z') }],
  ['date: 60th second', { notAfter: utc('400101000060Z') }],
  ['date: letters', { notAfter: utc('40010100000xZ') }],
  ['date: empty', { notAfter: utc('') }],
  ['date: a number', { notAfter: der.integer(1) }],
  ['date: only one', { validity: der.sequence(moment(-1)) }],
  ['date: three', { validity: der.sequence(moment(-1), moment(9), moment(10)) }],
];

/** @param {import('./case-book').CaseBook} book */
function addDateCases({ add, anchor, intermediate, leaf, under, unknown }) {
  for (const [name, options] of DATES) add(name, [leaf(options)]);
  add('date: expired and another name', [leaf({ days: [-9, -1], names: [dns('a.localhost')] })]);
  add('date: expired and unknown authority', [leaf({ days: [-9, -1], issuer: unknown }), unknown]);
  add('date: expired, another name and unknown authority', [
    leaf({ days: [-9, -1], issuer: unknown, names: [dns('a.localhost')] }),
    unknown,
  ]);
  under('date: intermediate expired', intermediate({ days: [-20, -1] }));
  under('date: intermediate not valid yet', intermediate({ days: [1, 20] }));
  under('date: leaf and intermediate never valid together', intermediate({ days: [-20, -10] }), {
    days: [-5, 5],
  });
  under('date: leaf outlives its issuer', intermediate({ days: [-2, 2] }), { days: [-1, 800] });
  add('date: expired root', [leaf({ issuer: anchor('Expired Root', { days: [-20, -1] }) })]);
  add('date: root not valid yet', [leaf({ issuer: anchor('Future Root', { days: [1, 20] }) })]);
  const expiredRoot = anchor('Other Expired Root', { days: [-20, -1] });
  add('date: expired root presented', [leaf({ issuer: expiredRoot }), expiredRoot]);
}

module.exports = { addDateCases };
