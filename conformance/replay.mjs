/**
 * Performs all scenarios with the module and compares the transcripts with Chromium's: `node
 * conformance/replay.mjs [--in place] [--filter text] [--print] [--adopt] [--runtime command
 * [--bridge]]`. The place is `node`, or in Electron a sandboxed `page` or a `renderer` with Node.
 * `--adopt` writes the module's own transcript of the scenarios that carry a deviation, to be
 * reviewed in the difference. `--runtime` runs the module of the place `node` in another Node, in
 * Electron, Bun or Deno; `--bridge` is for a Node under wine.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { IMPOSSIBLE } from './context.mjs';
import { electronPath, NO_ELECTRON, openElectron } from './electron.mjs';
import { openModule } from './module.mjs';
import { Certificates } from './peers.mjs';
import { readCorpus, replayCorpus } from './random/corpus.mjs';
import { openModule as openForPrograms } from './random/worlds.mjs';
import { runScenario } from './runner.mjs';
import {
  fingerprint,
  firstDifference,
  loadScenarios,
  readTranscripts,
  subjectNames,
  writeTranscripts,
} from './transcript.mjs';

const PLACES = {
  node: openModule,
  page: openElectron,
  renderer: (options) => openElectron({ ...options, withNode: true }),
};

/** Why it cannot be there, where it cannot. */
const impossible = (place) => (place === 'node' || electronPath() ? undefined : NO_ELECTRON);

const SIDES = Math.max(2, Math.min(4, availableParallelism()));

/** @returns {string | undefined} the error in the record itself */
function complaintAbout(scenario, known, adopting) {
  if (!known) return 'never recorded; run npm run conformance:record';
  if (known.source !== fingerprint(scenario)) {
    return 'changed since it was recorded; run npm run conformance:record';
  }
  if (scenario.deviation && !known.own && !adopting) {
    return `deviates (${scenario.deviation}) but has no transcript of its own`;
  }
  return undefined;
}

/** Runs the random programs in this Node, prints the differences, and returns whether all match. */
async function replayPrograms(trust) {
  const corpus = readCorpus();
  const world = await openForPrograms(trust);
  try {
    const { problems, deviations } = await replayCorpus(world, corpus);
    for (const { name, text } of problems) console.log(`random program ${name}\n${text}\n`);
    console.log(
      `${corpus.length - problems.length} of ${corpus.length} random programs are as expected, ` +
        `${deviations} of them with a named deviation.`,
    );
    return problems.length === 0;
  } finally {
    await world.close();
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      in: { type: 'string', default: 'node' },
      filter: { type: 'string' },
      print: { type: 'boolean' },
      adopt: { type: 'boolean' },
      runtime: { type: 'string' },
      bridge: { type: 'boolean' },
    },
  });
  const open = PLACES[values.in];
  if (!open) throw new Error(`--in: expected one of ${Object.keys(PLACES).join(', ')}`);
  const reason = impossible(values.in);
  if (reason) {
    console.warn(`Skipped in a ${values.in} of Electron: ${reason}`);
    return;
  }
  const runtime = values.runtime?.split(' ');
  const queue = [];
  const records = new Map();
  for (const subject of subjectNames()) {
    records.set(subject, readTranscripts(subject));
    for (const scenario of await loadScenarios(subject)) {
      const label = `${subject}: ${scenario.name}`;
      if (!values.filter || label.includes(values.filter)) queue.push({ subject, scenario, label });
    }
  }
  const total = queue.length;
  if (total === 0) throw new Error('No scenario fits the filter.');
  const deviationOf = ({ deviation, identicalIn = [] }) =>
    identicalIn.includes(values.in) ? undefined : deviation;
  const deviating = queue.filter(({ scenario }) => deviationOf(scenario)).length;

  const directory = mkdtempSync(join(tmpdir(), 'conformance-'));
  const problems = [];
  const skipped = [];
  try {
    const certificates = await Certificates.create();
    const authorityPath = join(directory, 'authority.pem');
    writeFileSync(authorityPath, certificates.rootPem);

    const examine = async (side, { subject, scenario, label }) => {
      const known = records.get(subject).scenarios[scenario.name];
      const complaint = complaintAbout(scenario, known, values.adopt);
      const { transcript, dead } = await runScenario(side, subject, scenario, certificates);
      if (values.print) console.log([label, ...transcript.map((line) => `    ${line}`)].join('\n'));
      const deviation = deviationOf(scenario);
      if (transcript[0]?.startsWith(IMPOSSIBLE)) {
        skipped.push({ label, text: `  ${transcript[0]}` });
      } else if (complaint) {
        problems.push({ label, text: `  ${complaint}`, deviation });
      } else if (values.adopt && deviation) {
        known.own = transcript;
      } else {
        const expected = deviation ? known.own : known.transcript;
        const difference = firstDifference(expected, transcript);
        if (difference) problems.push({ label, text: difference, deviation });
      }
      return dead;
    };

    const work = async () => {
      let side = await open({ authorityPath, runtime, bridge: values.bridge });
      try {
        for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
          if (await examine(side, item)) {
            await side.close();
            side = await open({ authorityPath, runtime, bridge: values.bridge });
          }
        }
      } finally {
        await side.close();
      }
    };
    await Promise.all(Array.from({ length: SIDES }, work));
    const all = !values.filter && !values.adopt && values.in === 'node' && !runtime;
    if (all && !(await replayPrograms({ certificates, authorityPath }))) process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }

  if (values.adopt) {
    for (const [subject, content] of records) writeTranscripts(subject, content);
  }
  for (const { label, text } of [...skipped, ...problems]) console.log(`${label}\n${text}\n`);
  const performed = total - deviating - skipped.length;
  const identical = performed - problems.filter(({ deviation }) => !deviation).length;
  const own = deviating - problems.filter(({ deviation }) => deviation).length;
  console.log(
    `${identical} of ${performed} scenarios are identical to Chromium, ` +
      `${own} of ${deviating} with a named deviation are as expected.`,
  );
  if (problems.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
process.exit();
