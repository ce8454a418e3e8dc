/**
 * The committed corpus: programs with Chromium's transcripts, which the module has to match without
 * a Chromium. `node conformance/random/corpus.mjs choose FILE...` makes it from the files that `npm
 * run conformance:random -- --collect FILE` has written; from programs with server sockets it makes
 * the part with servers.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Certificates } from '../peers.mjs';
import { firstDifference } from '../transcript.mjs';
import { canonical, same } from './compare.mjs';
import { choose, coverageOf } from './coverage.mjs';
import { explain } from './deviations.mjs';
import { openModule } from './worlds.mjs';

const folder = fileURLToPath(new URL('corpus/', import.meta.url));

/** The parts of the corpus, each a file. */
const PARTS = ['settled', 'burst', 'servers'];

/** @param {any} program */
const partOf = ({ mode, servers }) => (servers ? 'servers' : mode);

/** How many programs are kept, without and with server sockets. */
const SIZE = 300;
const SERVERS = 40;
/** A candidate is kept if the module matches it in this many runs. */
const REQUIRED_MATCHES = 4;
/** How many programs run at the same time. */
const CONCURRENCY = 8;
/** A program that does not match runs again alone, at most this many times: the machine may be overloaded. */
const RETRIES = 2;
/** Longer transcripts are not kept. */
const MAX_TRANSCRIPT = 12_000;

const fileOf = (part) => join(folder, `${part}.jsonl`);

const readLines = (file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** @returns {{ name: string, level: string, program: any, chromium: [number, string][] }[]} */
export const readCorpus = () => PARTS.flatMap((part) => readLines(fileOf(part)));

/** The corpus in an order in which the parts alternate. */
export function readMixedCorpus() {
  const parts = PARTS.map((part) => readLines(fileOf(part)));
  const longest = Math.max(...parts.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) =>
    parts.flatMap((part) => part.slice(index, index + 1)),
  ).flat();
}

function matches({ program, level, chromium }, own) {
  const { expected, got, deviations } = explain(program, chromium, own);
  return { same: same(level, expected, got), expected, got, deviations };
}

/** Runs actions on all items, several at a time. */
async function forEach(items, concurrency, action) {
  const queue = [...items];
  const work = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await action(item);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

async function attempt(world, item) {
  try {
    return matches(item, await world.run(item.program));
  } catch {
    await world.restart();
    return {
      same: false,
      expected: item.chromium,
      got: [[-1, 'the module crashed']],
      deviations: [],
    };
  }
}

/**
 * @param {import('./worlds.mjs').World} world
 * @param {ReturnType<typeof readCorpus>} corpus
 * @param {number} [most] problems after which it stops
 * @returns {Promise<{ problems: { name: string, text: string }[], deviations: number }>}
 */
export async function replayCorpus(world, corpus, most = Infinity) {
  const problems = [];
  const again = [];
  let deviations = 0;
  await forEach(corpus, CONCURRENCY, async (item) => {
    const result = await attempt(world, item);
    if (result.deviations.length > 0) deviations += 1;
    if (!result.same) again.push(item);
  });
  for (const item of again) {
    if (problems.length >= most) break;
    let result;
    for (let retry = 0; retry < RETRIES && !result?.same; retry += 1) {
      result = await attempt(world, item);
    }
    if (result.same) continue;
    const { level, name } = item;
    const difference = firstDifference(
      canonical(level, result.expected),
      canonical(level, result.got),
    );
    problems.push({ name, text: difference ?? '' });
  }
  return { problems, deviations };
}

/** @param {string[]} files */
async function makeCorpus(files) {
  const all = files
    .flatMap(readLines)
    .filter(({ program, chromium }) => JSON.stringify([program, chromium]).length < MAX_TRANSCRIPT);
  const candidates = all.map((item) => ({
    item,
    covered: coverageOf(item.program, item.chromium),
    size: JSON.stringify(item).length,
  }));
  // More than are wanted: those that are not steady fall out.
  const size = partOf(all[0].program) === 'servers' ? SERVERS : SIZE;
  const likely = choose(candidates, Math.ceil(1.3 * size));
  const failed = new Set();
  await withModule(async (world) => {
    for (let proof = 0; proof < REQUIRED_MATCHES; proof += 1) {
      // One at a time and many at a time: the order of events must not depend on the load.
      const concurrency = proof % 2 === 0 ? 4 * CONCURRENCY : 2;
      await forEach(
        likely.filter((item) => !failed.has(item)),
        concurrency,
        async (item) => {
          if (!(await attempt(world, item)).same) failed.add(item);
        },
      );
    }
  });
  const kept = likely.filter((item) => !failed.has(item)).slice(0, size);
  mkdirSync(folder, { recursive: true });
  for (const part of PARTS) {
    const lines = kept
      .filter(({ program }) => partOf(program) === part)
      .map((item) => JSON.stringify(item));
    if (lines.length > 0) writeFileSync(fileOf(part), `${lines.join('\n')}\n`);
  }
  const covered = new Set(
    kept.flatMap(({ program, chromium }) => [...coverageOf(program, chromium)]),
  );
  const possible = new Set(candidates.flatMap((candidate) => [...candidate.covered]));
  console.log(
    `${kept.length} of ${all.length} programs cover ${covered.size} of ${possible.size} outcomes; ` +
      `${failed.size} were not steady.`,
  );
}

/** @param {(world: import('./worlds.mjs').World) => Promise<void>} action */
export async function withModule(action, options = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'conformance-random-'));
  try {
    const certificates = await Certificates.create();
    const authorityPath = join(directory, 'authority.pem');
    writeFileSync(authorityPath, certificates.rootPem);
    const world = await openModule({ certificates, authorityPath, ...options });
    try {
      await action(world);
    } finally {
      await world.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [command, ...files] = process.argv.slice(2);
  if (command === 'choose') {
    await makeCorpus(files);
  } else {
    await withModule(async (world) => {
      const corpus = readCorpus();
      const start = Date.now();
      const { problems, deviations } = await replayCorpus(world, corpus);
      for (const { name, text } of problems) console.log(`${name}\n${text}\n`);
      console.log(
        `${corpus.length - problems.length} of ${corpus.length}, ${deviations} with deviations, ${Date.now() - start} ms`,
      );
      if (problems.length > 0) process.exitCode = 1;
    });
  }
  process.exit();
}
