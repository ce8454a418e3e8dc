/**
 * Random differential testing against a real Chromium:
 * `npm run conformance:random -- [--seed 1] [--programs 100 | --minutes 5] [--shrink] [--concurrency 8]
 * [--servers] [--replay FILE] [--out DIRECTORY] [--verbose] [--collect FILE] [--figures FILE]`. See
 * README.md.
 */

import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Certificates } from '../peers.mjs';
import { firstDifference } from '../transcript.mjs';
import { canonical } from './compare.mjs';
import { Examiner } from './examine.mjs';
import { generate } from './generate.mjs';
import { generateServer } from './generate-server.mjs';
import { shrink } from './shrink.mjs';
import { openChromium, openModule } from './worlds.mjs';

/** Differences of one kind that are shrunk in one run. */
const MAX_SHRUNK_PER_KIND = 2;

const differenceOf = ({ level, expected, got }) =>
  firstDifference(canonical(level, expected), canonical(level, got)) ?? '';

/** The kind of a difference: its first lines, without the parts that vary between programs. */
function kindOf(verdict) {
  const lines = differenceOf(verdict).split('\n');
  return lines
    .filter((line) => /^ {2}[-+]/.test(line))
    .map((line) => line.replace(/[0-9a-f]{8}|\d+/g, 'n'))
    .join(' | ');
}

class Session {
  #examiner;
  #options;
  #counts = new Map();
  #kinds = new Map();
  #deadline;

  constructor(examiner, options) {
    this.#examiner = examiner;
    this.#options = options;
    this.#deadline = options.minutes ? Date.now() + options.minutes * 60_000 : Infinity;
  }

  #count(name, amount = 1) {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + amount);
  }

  async #examine(label, program) {
    const verdict = await this.#examiner.examine(program);
    this.#count('programs');
    this.#count(verdict.reason ? `dropped: ${verdict.reason}` : verdict.kind);
    if (verdict.level && !verdict.reason) {
      this.#count(`compared, ${program.mode}: ${verdict.level}`);
    }
    for (const letter of verdict.deviations ?? []) this.#count(`deviation ${letter}`);
    if (this.#options.collect && verdict.kind === 'same') {
      const { level, chromium } = verdict;
      const line = JSON.stringify({ name: label, level, program, chromium });
      appendFileSync(this.#options.collect, `${line}\n`);
    }
    if (this.#options.verbose && ['dropped', 'unsteady'].includes(verdict.kind)) {
      console.log(`\n${label} (${program.mode}) ${verdict.reason ?? verdict.kind}`);
      if (verdict.level) console.log(differenceOf(verdict));
      else console.log(JSON.stringify(program));
    }
    if (verdict.kind === 'difference') await this.#report(label, program, verdict);
  }

  async #report(label, program, verdict) {
    const kind = kindOf(verdict);
    const seen = (this.#kinds.get(kind) ?? 0) + 1;
    this.#kinds.set(kind, seen);
    let smallest = program;
    const verdicts = new Map([[program, verdict]]);
    if (this.#options.shrink && seen <= MAX_SHRUNK_PER_KIND) {
      const shows = async (candidate) => {
        const result = await this.#examiner.examine(candidate);
        verdicts.set(candidate, result);
        return result.kind === 'difference' && kindOf(result) === kind;
      };
      smallest = await shrink(program, shows);
    }
    const file = join(this.#options.out, `${label}.json`);
    mkdirSync(this.#options.out, { recursive: true });
    const final = verdicts.get(smallest);
    writeFileSync(file, `${JSON.stringify({ program: smallest, verdict: final }, null, 1)}\n`);
    console.log(`\n${label} (${program.mode}), ${file}\n${differenceOf(final)}`);
    if (smallest !== program) {
      for (const step of smallest.steps) console.log(`    ${JSON.stringify(step)}`);
    }
  }

  /** Examines programs of a sequence until it ends or the time is up. */
  async explore() {
    const { seed, programs, concurrency, servers } = this.#options;
    const make = servers ? generateServer : generate;
    let next = 0;
    const work = async () => {
      while (next < programs && Date.now() < this.#deadline) {
        const index = next;
        next += 1;
        await this.#examine(`${seed}-${index}`, make(seed, index));
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }

  async replay(file) {
    const { program } = JSON.parse(readFileSync(file, 'utf8'));
    await this.#examine('replayed', program);
  }

  summary() {
    const lines = [...this.#counts].sort().map(([name, count]) => `${name}: ${count}`);
    const kinds = [...this.#kinds].sort(([, one], [, other]) => other - one);
    return [...lines, ...kinds.map(([kind, count]) => `${count} × ${kind}`)].join('\n');
  }

  get counts() {
    return Object.fromEntries([...this.#counts].sort());
  }

  get differences() {
    return this.#counts.get('difference') ?? 0;
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      programs: { type: 'string' },
      minutes: { type: 'string' },
      concurrency: { type: 'string', default: '8' },
      shrink: { type: 'boolean', default: false },
      collect: { type: 'string' },
      figures: { type: 'string' },
      servers: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      replay: { type: 'string' },
      out: { type: 'string', default: join(tmpdir(), 'conformance-random-differences') },
    },
  });
  const minutes = values.minutes && Number(values.minutes);
  const programs = Number(values.programs ?? (minutes ? Infinity : 100));
  return {
    ...values,
    minutes,
    programs,
    seed: Number(values.seed),
    concurrency: Number(values.concurrency),
  };
}

/** The commit that is checked out, for the figures. */
const currentCommit = () =>
  execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();

async function main() {
  const options = readOptions();
  const commit = options.figures && currentCommit();
  const directory = mkdtempSync(join(tmpdir(), 'conformance-random-'));
  const authorityPath = join(directory, 'authority.pem');
  try {
    const certificates = await Certificates.create();
    writeFileSync(authorityPath, certificates.rootPem);
    const trust = { certificates, authorityPath };
    const chromium = await openChromium(trust);
    const examiner = new Examiner(chromium, await openModule(trust), options.concurrency);
    const session = new Session(examiner, options);
    const start = Date.now();
    try {
      if (options.replay) await session.replay(options.replay);
      else await session.explore();
    } finally {
      await examiner.close();
    }
    const seconds = ((Date.now() - start) / 1000).toFixed(0);
    console.log(`\nChromium ${chromium.version}, seed ${options.seed}, ${seconds} s`);
    console.log(session.summary());
    if (options.figures) {
      const date = new Date().toISOString().slice(0, 10);
      const { seed, servers } = options;
      const { counts } = session;
      const line = { seed, servers, date, commit, chromium: chromium.version, counts };
      appendFileSync(options.figures, `${JSON.stringify(line)}\n`);
    }
    if (session.differences > 0) process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
process.exit();
