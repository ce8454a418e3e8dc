/**
 * Records Chromium's verdicts: `node reliability/tls/record.mjs [--only certificates,peers] [--print]`.
 * Each case is judged in two Chromiums, by other keys and at another time, and refused if the verdicts
 * differ.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openWithSockets } from '../../support/chromium.mjs';

const require = createRequire(import.meta.url);
const { pem } = require('./certificate.js');
const { judgeAll } = require('./judge.js');
const { SUBJECTS, readVerdicts, writeVerdicts } = require('./verdicts.js');

const RUNS = 2;
const refused = [];
const CONCURRENCY = 8;
/** Cases for one visit to the worker. */
const BATCH = 40;

/** Makes a home directory in which Chromium trusts these authorities. */
function makeTrustingHome(directory, anchors) {
  const database = join(directory, '.pki', 'nssdb');
  mkdirSync(database, { recursive: true });
  const certutil = (...args) => execFileSync('certutil', ['-d', `sql:${database}`, ...args]);
  certutil('-N', '--empty-password');
  for (const { name, trust, der } of anchors) {
    const file = join(directory, 'anchor.pem');
    writeFileSync(file, pem(der));
    certutil('-A', '-t', `${trust},,`, '-n', name, '-i', file);
  }
}

/** @param {{ cases: object[], anchors: object[] }} prepared */
async function judgeInChromium({ cases, anchors }) {
  const directory = mkdtempSync(join(tmpdir(), 'verdicts-'));
  makeTrustingHome(directory, anchors);
  const { context, load } = await openWithSockets({
    directory,
    name: 'verdicts',
    fill: (extension) => writeFileSync(join(extension, 'worker.mjs'), 'globalThis.verdicts = {};'),
    ready: 'verdicts',
    env: { ...process.env, HOME: directory },
    // No name leaves this machine.
    args: ['--host-resolver-rules=MAP * 127.0.0.1'],
  });
  try {
    const worker = await load();
    const verdicts = [];
    for (let at = 0; at < cases.length; at += BATCH) {
      if (process.env.V) console.error(at, Date.now());
      const batch = JSON.stringify(cases.slice(at, at + BATCH));
      verdicts.push(...(await worker.evaluate(`(${judgeAll})(chrome, ${batch}, ${CONCURRENCY})`)));
    }
    return { version: context.browser().version(), verdicts };
  } finally {
    await context.close();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function recordSubject(subject, print) {
  const runs = [];
  let names;
  for (let run = 0; run < RUNS; run += 1) {
    const prepared = await SUBJECTS[subject].prepare({ recording: true });
    try {
      names = prepared.cases.map(({ name }) => name);
      runs.push(await judgeInChromium(prepared));
      for (const problem of prepared.problems) refused.push(problem);
    } finally {
      await prepared.close();
    }
  }
  const [first, ...others] = runs;
  const unsteady = [];
  const verdicts = {};
  names.forEach((name, index) => {
    const verdict = first.verdicts[index];
    if (print) console.log(`${verdict.padStart(6)}  ${name}`);
    const all = [verdict, ...others.map(({ verdicts: other }) => other[index])];
    if (new Set(all).size > 1 || verdict === 'no answer') {
      unsteady.push(`${subject}: ${name}: ${all}`);
    } else verdicts[name] = verdict;
  });
  return { version: first.version, verdicts, unsteady };
}

const { values } = parseArgs({ options: { only: { type: 'string' }, print: { type: 'boolean' } } });
const wanted = values.only?.split(',') ?? Object.keys(SUBJECTS);
const recorded = readVerdicts();

for (const subject of wanted) {
  const { version, verdicts, unsteady } = await recordSubject(subject, values.print);
  recorded[subject] = { chromium: version, verdicts };
  refused.push(...unsteady);
  console.log(`${subject}: recorded ${Object.keys(verdicts).length} from Chromium ${version}`);
}
writeVerdicts(recorded);
for (const problem of refused) console.error(`Refused: ${problem}`);
if (refused.length > 0) process.exitCode = 1;
