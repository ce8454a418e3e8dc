/**
 * Records Chromium's transcripts: `node conformance/record.mjs [--filter text] [--missing]
 * [--print] [--runs 3]`. Every scenario runs in several fresh Chromiums and is refused when its
 * transcripts differ. `--missing` records only new and changed scenarios.
 */

import { parseArgs } from 'node:util';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openChromium } from './chromium.mjs';
import { Certificates } from './peers.mjs';
import { runScenario } from './runner.mjs';
import {
  fingerprint,
  firstDifference,
  loadScenarios,
  readTranscripts,
  subjectNames,
  writeTranscripts,
} from './transcript.mjs';

const DROPPED = 'Chromium never calls one of the callbacks';
const DROP_LIMIT = 3000;
const ATTEMPTS = 3;

const mayDrop = ({ deviation }) => ['c', 'd'].includes(deviation);

async function recordOnce(subjects, wanted, certificates, authorityPath) {
  const recorded = new Map();
  let side = await openChromium({ subjects, authorityPath });
  const { version } = side;
  try {
    for (const { subject, scenario } of wanted) {
      const dropping = mayDrop(scenario);
      const limit = dropping ? DROP_LIMIT : undefined;
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const { transcript, dead } = await runScenario(
          side,
          subject,
          scenario,
          certificates,
          limit,
        );
        if (dead) {
          await side.close();
          side = await openChromium({ subjects, authorityPath });
        }
        // In a service worker a callback that is never called ends the worker, sooner or later,
        // so nothing of such a scenario can be recorded but that.
        recorded.set(scenario, dead && dropping ? [DROPPED] : transcript);
        // That Chromium dies is no behaviour to imitate; it may live the next time.
        if (dropping || !dead || scenario.taints) break;
      }
    }
  } finally {
    await side.close();
  }
  return { version, recorded };
}

async function main() {
  const { values } = parseArgs({
    options: {
      filter: { type: 'string' },
      missing: { type: 'boolean' },
      print: { type: 'boolean' },
      runs: { type: 'string', default: '3' },
    },
  });
  const subjects = subjectNames();
  const wanted = [];
  const scenariosOf = new Map();
  for (const subject of subjects) {
    const scenarios = await loadScenarios(subject);
    scenariosOf.set(subject, scenarios);
    const { scenarios: known } = readTranscripts(subject);
    for (const scenario of scenarios) {
      const fits = !values.filter || `${subject}: ${scenario.name}`.includes(values.filter);
      const missing = known[scenario.name]?.source !== fingerprint(scenario);
      if (fits && (!values.missing || missing)) wanted.push({ subject, scenario });
    }
  }

  if (wanted.length === 0) {
    console.log('Nothing to record.');
    return;
  }

  const directory = mkdtempSync(join(tmpdir(), 'conformance-record-'));
  const problems = [];
  try {
    const certificates = await Certificates.create();
    const authorityPath = join(directory, 'authority.pem');
    writeFileSync(authorityPath, certificates.rootPem);
    const runs = [];
    for (let run = 0; run < Number(values.runs); run += 1) {
      runs.push(await recordOnce(subjects, wanted, certificates, authorityPath));
    }

    for (const [subject, scenarios] of scenariosOf) {
      if (!wanted.some((item) => item.subject === subject)) continue;
      const before = readTranscripts(subject);
      const after = { chromium: runs[0].version, scenarios: {} };
      for (const scenario of scenarios) {
        const known = before.scenarios[scenario.name];
        const all = runs.map(({ recorded }) => recorded.get(scenario)).filter(Boolean);
        const dropped = all.find(([line]) => line === DROPPED);
        const transcripts = dropped ? [dropped] : all;
        if (transcripts.length === 0) {
          if (known) after.scenarios[scenario.name] = known;
          continue;
        }
        const label = `${subject}: ${scenario.name}`;
        const [first, ...others] = transcripts;
        const difference = others.map((other) => firstDifference(first, other)).find(Boolean);
        const failure = first.find((line) => line.startsWith('FAILED'));
        if (difference) problems.push(`${label}: differs from run to run\n${difference}`);
        else if (failure) problems.push(`${label}: ${failure}`);
        if (values.print) console.log([label, ...first.map((line) => `    ${line}`)].join('\n'));
        if (difference || failure) continue;
        after.scenarios[scenario.name] = {
          source: fingerprint(scenario),
          ...(scenario.deviation && { deviation: scenario.deviation }),
          transcript: first,
          ...(scenario.deviation && known?.own && { own: known.own }),
        };
      }
      writeTranscripts(subject, after);
    }
    console.log(
      `Recorded ${wanted.length - problems.length} of ${wanted.length} scenarios ` +
        `from Chromium ${runs[0].version}.`,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  for (const problem of problems) console.error(`\n${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
