'use strict';

const { check } = require('../bench/check.js');
const { markdown, table } = require('../bench/report.js');

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
