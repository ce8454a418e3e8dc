'use strict';

/** The subject "graphs": the cases of graph-cases.js. */

const { serveChains } = require('./certificates');
const { makeGraphCases } = require('./graph-cases');

module.exports = { prepare: () => serveChains(makeGraphCases()) };
