'use strict';

/** The certificates that are judged, and the authorities that both sides trust. */

const { CaseBook } = require('./case-book');
const { addNameCases } = require('./names');
const { addDateCases } = require('./dates');
const { addChainCases } = require('./chains');
const { addIssuerCases } = require('./issuers');
const { addKeyCases } = require('./keys');
const { addKeyUsageCases } = require('./key-usage');
const { addPurposeCases } = require('./purposes');
const { addConstraintCases } = require('./constraints');
const { addNameConstraintCases } = require('./name-constraints');
const { addExtensionCases } = require('./extensions');
const { addEncodingCases } = require('./encodings');
const { addSignatureCases } = require('./signatures');
const { addSelfSignedCases } = require('./self-signed');
const { addSizeCases } = require('./sizes');

const SUBJECTS = [
  addNameCases,
  addDateCases,
  addChainCases,
  addIssuerCases,
  addKeyCases,
  addKeyUsageCases,
  addPurposeCases,
  addConstraintCases,
  addNameConstraintCases,
  addExtensionCases,
  addEncodingCases,
  addSignatureCases,
  addSelfSignedCases,
  addSizeCases,
];

/** All the cases. Each call makes other keys and dates, and the same cases. */
function makeCertificateCases() {
  const book = new CaseBook();
  for (const addCases of SUBJECTS) addCases(book);
  return { anchors: book.anchors, cases: book.cases };
}

module.exports = { makeCertificateCases };
