'use strict';

/**
 * `npm run bench`: measures this module beside Node's `net` and `tls`, a shim and the floor, in
 * the same run; see bench/README.md.
 */

const { spawn } = require('node:child_process');
const { existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');
const { parseArgs } = require('node:util');
const { describeMachine } = require('../support/machine.js');
const { check } = require('./check.js');
const { countInstructions, perPiece, requireValgrind } = require('./instructions.js');
const { fileLimit, filesNeeded, leftOut } = require('./limits.js');
const { findBun } = require('../support/bun.js');
const { build, EVEN_COPIES, floorBinary, startPeer } = require('../support/peer.js');
const { drawPlots } = require('./plot.js');
const { writeReadme } = require('./readme.js');
const { markdown, table, MARK_TEXT, NOISE } = require('./report.js');
const { doneByBun } = require('./sides/bun.js');
const { workloads } = require('./workloads.js');

const USAGE = `npm run bench -- [options]

  --filter WORDS    run only workloads whose name contains all of these words; may be repeated
  --quick           run the main table with short runs, in less than two minutes
  --rounds N        measurements of each side (default: 7, with --quick 3)
  --duration MS     duration of one measurement after its warm-up (default: 1000, with --quick 250)
  --sides A,B       measure only these of net, shim, module, floor (default: all)
  --variant N=PATH  add a column for this module built in another directory; may be repeated
  --noise           add a column that measures this module again, to show the noise of the run;
                    --check implies it
  --bun             add a column for Bun's own sockets, in Bun
  --chromium        add a column for the real chrome.sockets.tcp
  --out FILE        path of the JSON result (default: bench/results/latest.json)
  --from FILE       use the JSON of an earlier run instead of measuring
  --markdown        print the table as Markdown
  --plot            draw bench/results/*.svg
  --readme          write the tables of the run into bench/README.md, and draw bench/plots/*.svg
  --instructions    count instructions as well, with valgrind; "--rounds 0" counts them alone
  --check           compare with bench/baseline.json; exit code 1 if a ratio fell
  --baseline        store the ratios of this run as bench/baseline.json`;

const PRESETS = {
  full: {
    rounds: 7,
    warmup: 400,
    duration: 1000,
    idleRounds: 3,
    idleTls: 10_000,
    instructionRounds: 3,
  },
  quick: {
    rounds: 3,
    warmup: 120,
    duration: 250,
    idleRounds: 1,
    idleTls: 1000,
    instructionRounds: 1,
  },
};

/** The floor varies little, so it needs fewer rounds. */
const FLOOR_ROUNDS = 3;

const modulePath = resolve(__dirname, '..');
const resultsPath = join(__dirname, 'results', 'latest.json');
const baselinePath = join(__dirname, 'baseline.json');

/** The time limit of one measurement: opening 10,000 TLS connections takes the longest. */
const MAX_SECONDS = 90;

/** Under valgrind a program takes fifty times as long. */
const MAX_VALGRIND_SECONDS = 900;

/**
 * @typedef {object} Side
 * @property {string} name of the column
 * @property {(parameters: any) => Promise<any>} measure
 * @property {(parameters: any) => Promise<number>} [countInstructions]
 * @property {(workload: import('./workloads.js').Workload) => boolean} [applies]
 * @property {number} [rounds]
 */

/**
 * The fewest connections that are open before the memory of idle ones is measured. The first two
 * thousand make Node's heap and the allocator's arenas grow, which would count as theirs: 24 KiB
 * instead of 12 for each of 900 TLS connections.
 */
const WARM_CONNECTIONS = 2000;

/**
 * Runs a program that writes JSON, and ends it if it takes too long.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, string | undefined>} [environment]
 * @param {number} [maxSeconds]
 * @returns {Promise<any>}
 */
function runJson(program, args, environment = {}, maxSeconds = MAX_SECONDS) {
  return new Promise((fulfil, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), maxSeconds * 1000);
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) fulfil(JSON.parse(text));
      else reject(new Error(`${program} ended with ${signal ?? code}: ${args.at(-1)}`));
    });
  });
}

/**
 * @param {import('../support/peer.js').Peer} peer
 * @param {any} options
 * @returns {Side[]}
 */
function makeSides(peer, { names, variants, bun }) {
  const authorityPem = readFileSync(peer.authority, 'latin1');
  const nodeSide = (
    /** @type {string} */ side,
    /** @type {string} */ path = modulePath,
    name = side,
    runtime = process.execPath,
  ) => {
    const run = (
      /** @type {any} */ parameters,
      /** @type {string[]} */ [program = '', ...args] = [runtime],
      environment = {},
      maxSeconds = MAX_SECONDS,
    ) => {
      const input = { ...parameters, side, modulePath: path };
      if (['net', 'bun'].includes(side) && parameters.tls) input.authority = authorityPem;
      const authority = { NODE_EXTRA_CA_CERTS: side === 'net' ? undefined : peer.authority };
      const rest = ['--expose-gc', join(__dirname, 'child.js'), JSON.stringify(input)];
      return runJson(program, [...args, ...rest], { ...environment, ...authority }, maxSeconds);
    };
    return {
      name,
      measure: (/** @type {any} */ parameters) => run(parameters),
      countInstructions: (/** @type {any} */ parameters) =>
        countInstructions((valgrind, environment) => {
          // Threads of the collector would do more or less work beside the measured one.
          const command = [...valgrind, runtime, '--single-threaded-gc'];
          return run(parameters, command, environment, MAX_VALGRIND_SECONDS);
        }),
    };
  };
  /** @param {import('./workloads.js').Workload} workload */
  const withoutServer = ({ serves }) => !serves;
  const floor = {
    name: 'floor',
    rounds: FLOOR_ROUNDS,
    applies: withoutServer,
    measure(/** @type {any} */ parameters) {
      const { kind, size, connections, activeEvery, warmup, duration, addresses, port, tls } =
        parameters;
      const authority = tls ? peer.authority : '';
      const chunk = 64 * 1024 * 1024;
      const input = {
        kind,
        size,
        connections,
        activeEvery,
        warmup,
        duration,
        addresses,
        port,
        authority,
        chunk,
      };
      return runJson(
        floorBinary,
        Object.entries(input).map(([name, value]) => `${name}=${value}`),
        EVEN_COPIES,
      );
    },
  };
  const all = [
    nodeSide('net'),
    { ...nodeSide('shim'), applies: withoutServer },
    nodeSide('module'),
    ...variants.map(([name, path]) => nodeSide('module', path, name)),
    ...(bun
      ? [
          {
            ...nodeSide('bun', modulePath, 'bun', bun),
            applies: doneByBun,
            // Its compilers and collector have other threads, which no flag keeps still.
            countInstructions: undefined,
          },
        ]
      : []),
    floor,
  ];
  return all.filter(
    ({ name }) =>
      !['net', 'shim', 'module', 'floor'].includes(name) || !names || names.includes(name),
  );
}

/**
 * @param {import('./workloads.js').Workload[]} chosen
 * @param {Side[]} sides
 * @param {import('../support/peer.js').Peer} peer
 * @param {typeof PRESETS.full} pace
 * @param {boolean} instructions
 */
async function measureAll(chosen, sides, peer, pace, instructions) {
  const rows = [];
  /** @type {string[]} */
  const omitted = [];
  const limit = fileLimit();
  const usual = ['net', 'shim', 'module', 'floor'];
  const extra = sides.map(({ name }) => name).filter((name) => !usual.includes(name));
  for (const workload of chosen) {
    const { tls, role, kind } = workload.parameters;
    const connections =
      kind === 'idle' && tls
        ? Math.min(workload.parameters.connections, pace.idleTls)
        : workload.parameters.connections;
    // Fifty thousand connections need half a second for one message each.
    const stretch = Math.max(1, connections / workload.parameters.activeEvery / 10_000);
    const parameters = {
      ...workload.parameters,
      connections,
      warm: Math.max(WARM_CONNECTIONS, Math.ceil(connections / 10)),
      warmup: Math.round(pace.warmup * stretch),
      duration: Math.round(pace.duration * stretch),
      addresses: peer.addresses,
      port: peer.ports[tls ? 'tls' : 'plain'][role],
    };
    const needed = filesNeeded(parameters, parameters.warm);
    if (needed > limit) {
      omitted.push(leftOut(workload.name, needed, limit));
      progress('');
      console.log(omitted.at(-1));
      continue;
    }
    /** @type {Record<string, any[]>} */
    const samples = {};
    /** @type {Record<string, any>} */
    const negotiated = {};
    const rounds = /idle/i.test(kind) ? pace.idleRounds : pace.rounds;
    for (let round = 0; round < rounds; round++) {
      for (const side of sides) {
        if (side.applies?.(workload) === false || round >= (side.rounds ?? rounds)) continue;
        progress(`${workload.name}: ${side.name} ${round + 1}/${rounds}`);
        (samples[side.name] ??= []).push(await side.measure(parameters));
        if (tls && round === 0) negotiated[side.name] = await peer.negotiated();
      }
    }
    const { name, group } = workload;
    const figures = [...workload.figures];
    if (instructions && workload.work) {
      await countAll(workload.work, parameters, { name, sides, samples, pace });
      figures.push({ name: 'instructions' });
    }
    rows.push({
      name,
      group,
      figures,
      parameters: { ...parameters, port: undefined },
      samples,
      negotiated,
    });
    progress('');
    process.stdout.write(table([rows.at(-1)], { heading: rows.length === 1, extra }));
  }
  return { rows, omitted };
}

/**
 * Adds the instructions for a piece of work to the samples of each side that runs in Node.
 *
 * @param {import('./workloads.js').Work} work
 * @param {any} parameters
 * @param {{ name: string, sides: Side[], samples: Record<string, any[]>, pace: typeof PRESETS.full }} run
 */
async function countAll({ less, more, pieceBytes }, parameters, { name, sides, samples, pace }) {
  for (let round = 0; round < pace.instructionRounds; round++) {
    for (const side of sides) {
      if (!side.countInstructions) continue;
      progress(`${name}: instructions of ${side.name} ${round + 1}/${pace.instructionRounds}`);
      const runs = [];
      for (const amount of [less, more]) {
        const work = { amount, pieceBytes };
        const instructions = await side.countInstructions({ ...parameters, work });
        runs.push({ work: amount, instructions });
      }
      const rounds = (samples[side.name] ??= []);
      rounds[round] = { ...rounds[round], instructions: perPiece(runs[0], runs[1]) };
    }
  }
}

/** @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** @param {any} values */
function choose(values) {
  const words = (values.filter ?? []).join(' ').toLowerCase().split(/\s+/).filter(Boolean);
  return workloads.filter(({ name, group }) => {
    const text = `${group} ${name}`.toLowerCase();
    if (words.length > 0) return words.every((/** @type {string} */ word) => text.includes(word));
    return !values.quick || group === 'table';
  });
}

/** @param {any} values */
async function measure(values) {
  const pace = { ...(values.quick ? PRESETS.quick : PRESETS.full) };
  if (values.rounds) pace.rounds = Number(values.rounds);
  if (values.duration) pace.duration = Number(values.duration);
  if (values.instructions) requireValgrind();
  build();
  const peer = await startPeer();
  let chromium;
  try {
    const sides = makeSides(peer, {
      bun: values.bun && findBun(),
      names: values.sides?.split(','),
      variants: [
        ...(values.variant ?? []).map((/** @type {string} */ text) => {
          const [name, path] = text.split('=');
          return [name, resolve(path ?? '.')];
        }),
        ...(values.noise || values.check ? [[NOISE, modulePath]] : []),
      ],
    });
    if (values.chromium) {
      const { openChromium } = await import('./chromium.mjs');
      chromium = await openChromium();
      sides.push(chromium);
    }
    // Without times, there is nothing to measure in the workloads that have no count.
    const chosen = choose(values).filter(({ work }) => pace.rounds > 0 || work);
    const { rows, omitted } = await measureAll(chosen, sides, peer, pace, values.instructions);
    const module = require('../package.json').version;
    const machine = { ...describeMachine(), module, chromium: chromium?.version };
    return { machine, pace, rows, omitted };
  } finally {
    await chromium?.close();
    peer.close();
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      filter: { type: 'string', multiple: true },
      quick: { type: 'boolean' },
      rounds: { type: 'string' },
      duration: { type: 'string' },
      sides: { type: 'string' },
      variant: { type: 'string', multiple: true },
      noise: { type: 'boolean' },
      bun: { type: 'boolean' },
      chromium: { type: 'boolean' },
      out: { type: 'string' },
      from: { type: 'string' },
      markdown: { type: 'boolean' },
      plot: { type: 'boolean' },
      instructions: { type: 'boolean' },
      readme: { type: 'boolean' },
      check: { type: 'boolean' },
      baseline: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return void console.log(USAGE);

  let results;
  if (values.from) {
    results = JSON.parse(readFileSync(values.from, 'utf8'));
    if (!values.markdown) process.stdout.write(table(results.rows, { heading: true }));
  } else {
    results = await measure(values);
    const out = resolve(values.out ?? resultsPath);
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, `${JSON.stringify(results, null, 1)}\n`);
    console.log(`\n${out}`);
  }
  if (values.markdown) console.log(markdown(results));
  else console.log(MARK_TEXT);
  if (values.plot) {
    for (const { path } of drawPlots(results, join(__dirname, 'results'))) console.log(path);
  }
  if (values.readme) for (const path of await writeReadme(results)) console.log(path);
  if (values.baseline) {
    writeFileSync(baselinePath, check.toBaseline(results));
    console.log(baselinePath);
  }
  if (values.check) {
    if (!existsSync(baselinePath)) throw new Error('There is no bench/baseline.json yet.');
    const fallen = check.compare(results, JSON.parse(readFileSync(baselinePath, 'utf8')));
    for (const line of fallen) console.log(`fell: ${line}`);
    if (fallen.length === 0) console.log('No ratio fell.');
    else process.exitCode = 1;
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
