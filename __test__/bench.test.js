'use strict';

const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { check } = require('../bench/check.js');
const { collected, perPiece } = require('../bench/instructions.js');
const { filesNeeded, leftOut, mostConnections, withMost } = require('../bench/limits.js');
const { WorkMeter } = require('../bench/meter.js');
const { drawPlots } = require('../bench/plot.js');
const { fill } = require('../bench/readme.js');
const { markdown, sections, table } = require('../bench/report.js');
const { doneByBun } = require('../bench/sides/bun.js');
const { workloads } = require('../bench/workloads.js');

/**
 * @param {Record<string, number[]>} rates of each side, by round
 * @param {string} figure
 */
function resultsOf(rates, figure = 'rate') {
  const samples = Object.fromEntries(
    Object.entries(rates).map(([side, values]) => [
      side,
      values.map((value) => ({ [figure]: value })),
    ]),
  );
  const machine = { cpu: 'a', cores: 2, system: 'b', node: 'c', openssl: 'd', date: '2026-01-01' };
  const figures = [{ name: figure, net: { atLeast: 1 } }];
  const rows = [{ name: 'work', group: 'table', figures, parameters: {}, samples, negotiated: {} }];
  return { machine, pace: { rounds: 1, duration: 1 }, rows };
}

test('the tables have a column and a ratio for each variant', () => {
  const results = resultsOf({ net: [100], module: [200], before: [160], floor: [400] });
  const [head, , line] = markdown(results)
    .split('\n')
    .filter((text) => text.startsWith('|'));
  expect(head).toBe(
    '| work | net | module | floor | before | module : net | target | module : before |',
  );
  expect(line).toBe(
    '| work: per second, /s | 100 | 200 | 400 | 160 | 2.00 (2.00–2.00) | ≥1 met | 1.25 (1.25–1.25) |',
  );
  expect(table(results.rows, { heading: true })).toContain('module : before');
});

test.each([
  ['rate', 100, 99, false],
  ['rate', 100, 80, true],
  ['p50', 100, 101, false],
  ['p50', 100, 120, true],
])('the table marks %s of %d beside a floor of %d: %s', (figure, module, floor, marked) => {
  const text = markdown(resultsOf({ module: [module], floor: [floor] }, figure));
  expect(text.includes('†')).toBe(marked);
});

test('a ratio counts as fallen if spread and noise do not explain it', () => {
  const baseline = JSON.parse(check.toBaseline(resultsOf({ net: [100], module: [100] })));
  const fallen = (/** @type {Record<string, number[]>} */ rates) =>
    check.compare(resultsOf(rates), baseline);
  expect(fallen({ net: [100], module: [92] })).toEqual([]);
  expect(fallen({ net: [100], module: [80] })).toEqual([
    'work; rate; module : net: 1.00 → 0.80 (tolerated: 0.10)',
  ]);
  expect(fallen({ net: [100], module: [80], again: [106] })).toEqual([]);
  expect(fallen({ net: [100], module: [80], again: [88] })).toHaveLength(1);
});

test.each([
  [20_000, 19_000],
  [1024, 820],
  [260, 60],
  [200, 0],
  [100, 0],
  [Infinity, Infinity],
])('a limit of %d open files leaves room for %d connections', (limit, most) => {
  expect(mostConnections(limit)).toBe(most);
});

test.each([
  [20_000, [1, 1000, 19_000, 50_000]],
  [1200, [1, 1000, 50_000]],
  [700, [1, 500, 1000, 50_000]],
  [50_200, [1, 1000, 50_000]],
  [100, [1, 1000, 50_000]],
  [Infinity, [1, 1000, 50_000]],
])('the steps end with the most connections that a limit of %d allows', (limit, steps) => {
  expect(withMost([1, 1000, 50_000], limit)).toEqual(steps);
});

test('the line about a workload that does not fit names its limit and the command that raises it', () => {
  const pingPong = /** @type {any} */ ({ kind: 'pingPong', connections: 50_000 });
  const needed = filesNeeded(pingPong, 5000);
  expect(needed).toBe(50_200);
  expect(filesNeeded({ ...pingPong, kind: 'idle' }, 5000)).toBe(55_200);
  const line = leftOut('work', needed, 20_000);
  expect(line).toMatch(/^left out: work: needs 50,200 open files .* is 20,000; /);
  expect(line).toMatch(process.platform === 'linux' ? /prlimit .*=50200/ : /ulimit -n 50200/);
});

test('the start-up of two runs cancels in the instructions for a piece of work', () => {
  const run = (/** @type {number} */ work) => ({ work, instructions: 900_000_000 + 12_500 * work });
  expect(perPiece(run(10_000), run(40_000))).toBe(12_500);
  expect(() => perPiece(run(40_000), run(40_000))).toThrow(RangeError);
});

test('a log of callgrind has a count, or is an error', () => {
  expect(collected('==7== Events    : Ir\n==7== Collected : 1013488559\n')).toBe(1_013_488_559);
  expect(() => collected('valgrind: cannot run')).toThrow('cannot run');
});

test('a meter of work ends after its messages or its bytes', async () => {
  for (const [work, counts] of /** @type {[any, number][]} */ ([
    [{ amount: 3 }, 3],
    [{ amount: 3, pieceBytes: 200 }, 6],
  ])) {
    const meter = new WorkMeter(work);
    let count = 0;
    for (; !meter.over && count < 10; count++) meter.count(100);
    expect(count).toBe(counts);
    await meter.finished;
  }
});

test('instructions have a table of their own', () => {
  const results = resultsOf({ net: [100], module: [200] });
  const [row] = results.rows;
  row.samples.module[0].instructions = 15_000;
  row.samples.net[0].instructions = 10_000;
  row.figures.push({ name: 'instructions', net: { atLeast: 0 } });
  const { table: times, instructions } = sections(results);
  expect(times).not.toContain('instructions');
  expect(instructions).toContain('| work | net | module | module : net |');
  expect(instructions).toContain(
    '| work: user-space instructions each | 10,000 | 15,000 | 1.50 (1.50–1.50) |',
  );
});

describe('the scaling workloads', () => {
  const results = resultsOf({});
  const sample = (/** @type {number} */ cost) => [
    { rate: 1e6 / cost, cpuPerOperation: cost, processCpuPerOperation: cost + 1 },
  ];
  const row = (/** @type {number} */ connections, activeEvery = 1) => ({
    name: 'scale',
    group: 'scaling',
    figures: ['rate', 'cpuPerOperation', 'processCpuPerOperation'].map((name) => ({ name })),
    parameters: { kind: 'pingPong', connections, activeEvery },
    samples: { net: sample(10), module: sample(8), portable: sample(20) },
  });
  const rows = [row(1), row(19_000), row(19_000, 100)];
  const scaled = { ...results, rows, omitted: ['left out: 50000'] };

  test('have a table for each load, and the workloads that were left out', () => {
    const text = sections(scaled).scaling;
    expect(text).toContain(
      '| connections, all active | net, /s | module, /s | portable, /s | net, JS, µs | module, JS, µs |',
    );
    const line = '| 19,000 | 100,000 | 125,000 | 50,000 | 10 | 8 | 20 | 11 | 9 | 21 |';
    expect(text.split('\n').filter((candidate) => candidate === line)).toHaveLength(2);
    expect(text).toContain('| connections, 1 % active |');
    expect(text).toContain('- left out: 50000');
  });

  test('have plots with a curve for each variant', () => {
    const directory = mkdtempSync(join(tmpdir(), 'bench-test-'));
    try {
      const drawings = drawPlots(scaled, directory);
      const files = drawings.map(({ path }) => path.slice(directory.length + 1));
      expect(files).toEqual([
        'rate-by-connections.svg',
        'cost-by-connections.svg',
        'process-cost-by-connections.svg',
        'rate-by-connections-mixed.svg',
        'cost-by-connections-mixed.svg',
        'process-cost-by-connections-mixed.svg',
        'knee-by-connections.svg',
      ]);
      for (const file of files) {
        expect(readFileSync(join(directory, file), 'utf8')).toContain('>portable');
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

test('a part of the document is replaced, and an empty one is not', () => {
  const document = 'a\n<!-- begin x: by a run -->\nold\n<!-- end x -->\nb\n';
  expect(fill(document, { x: 'new $& text\n', y: '' })).toBe(
    'a\n<!-- begin x: by a run -->\n\nnew $& text\n\n<!-- end x -->\nb\n',
  );
  expect(fill(document, { x: '' })).toBe(document);
  expect(() => fill(document, { z: 'text' })).toThrow('no place for "z"');
});

test('Bun does the workloads that count messages, and not those that count sends', () => {
  const doneBy = workloads.filter(doneByBun).map(({ name }) => name);
  expect(doneBy).toContain('ping-pong 64 B, 64 connections');
  expect(doneBy).toContain('TLS handshakes, 16 at once');
  expect(doneBy.filter((name) => /send|accept|beside/.test(name))).toEqual([]);
});

test('instructions are counted for two amounts of work, in no workload that spins', () => {
  for (const { parameters, work } of workloads) {
    if (!work) continue;
    expect(work.more).toBeGreaterThan(work.less);
    const { kind, connections } = parameters;
    if (!['send', 'receive'].includes(kind)) expect(connections).toBeGreaterThan(1);
  }
});
