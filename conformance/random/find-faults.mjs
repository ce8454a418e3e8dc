/**
 * Shows that the corpus finds faults: plants one after another, and runs programs until one shows a
 * difference. `node conformance/random/find-faults.mjs [--within 150]`.
 */

import { parseArgs } from 'node:util';
import { readMixedCorpus, replayCorpus, withModule } from './corpus.mjs';
import { FAULTS } from './faults.mjs';

/** How many programs run before the result is looked at. */
const BATCH = 8;

const { values } = parseArgs({ options: { within: { type: 'string', default: '150' } } });
const within = Number(values.within);
const mixed = readMixedCorpus();

let missed = 0;
for (const fault of Object.keys(FAULTS)) {
  await withModule(
    async (world) => {
      for (let tried = 0; tried < within; tried += BATCH) {
        const { problems } = await replayCorpus(world, mixed.slice(tried, tried + BATCH), 1);
        if (problems.length === 0) continue;
        console.log(`${fault}: found within ${tried + BATCH} programs (${problems[0].name})`);
        return;
      }
      console.log(`${fault}: NOT found within ${within} programs`);
      missed += 1;
    },
    { fault },
  );
}
if (missed > 0) process.exitCode = 1;
process.exit();
