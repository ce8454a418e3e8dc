'use strict';

/**
 * Faults of the network and of the machine, each injected for real: by namespaces of the kernel
 * with a cable between them, firewall rules, failing system calls, a misbehaving name server. The
 * application is a process of its own that uses the module as any other does. Each fault states the
 * result to expect; harness.js checks the expectations that all share.
 */

const conditions = require('./conditions.js');
const { Stage } = require('./harness.js');
const machine = require('./machine.js');
const names = require('./names.js');
const { has } = require('./network.js');
const peers = require('./peers.js');

/**
 * @typedef {import('../suite.js').Row} Row
 * @typedef {import('./harness.js').Fault} Fault
 * @typedef {import('./harness.js').Result} Result
 */

const FAULTS = [...conditions, ...peers, ...names, ...machine];

/** Concurrent faults: they mostly wait. */
const CONCURRENCY = 4;

/** @param {Result} result */
function inWords({ found, took, wrong }) {
  const problems = wrong.length > 0 ? `, but ${wrong.join('; ')}` : '';
  return `${found || 'nothing'} (${(took / 1000).toFixed(2)} s)${problems}`;
}

/**
 * @param {Awaited<ReturnType<typeof Stage.build>>} stage
 * @param {Fault} fault
 * @returns {Promise<Row>}
 */
async function rowOf(stage, fault) {
  const { name: what, needs = [], transports = ['TCP', 'TLS'], expected } = fault;
  const bound = [expected].flat().join(' or ');
  const missing = needs.filter((requirement) => !has(requirement));
  if (missing.length > 0) {
    return { what, figure: '–', bound, ok: true, leftOut: `no ${missing.join(', no ')}` };
  }
  const results = [];
  for (const transport of transports) results.push(await stage.perform(fault, transport));
  const figure = results.map((result, index) => `${transports[index]}: ${inWords(result)}`);
  const ok = results.every(({ wrong }) => wrong.length === 0);
  return { what, figure: figure.join(' · '), bound, ok };
}

/**
 * @param {{ log(text: string): void, parts?: string[] }} options
 * @returns {Promise<Row[]>}
 */
async function run({ log, parts }) {
  const wanted = FAULTS.filter(
    ({ name }) => parts === undefined || parts.some((part) => name.includes(part)),
  );
  const stage = await Stage.build();
  /** @type {Row[]} */
  const rows = [];
  let next = 0;
  async function work() {
    for (;;) {
      const index = next++;
      const fault = wanted[index];
      if (!fault) return;
      rows[index] = await rowOf(stage, fault);
      if (!rows[index].ok) log(`${fault.name}: ${rows[index].figure}`);
    }
  }
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  } finally {
    stage.close();
  }
  return rows;
}

module.exports = {
  title: 'faults of the network and of the machine',
  seconds: { short: 110, long: 110 },
  run,
};
