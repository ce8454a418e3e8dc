'use strict';

/** Tables of the figures: for the screen and for bench/README.md. */

const { pairedRatio, spread } = require('./statistics.js');

/** @type {Record<string, { label: string, unit: string, scale: number }>} */
const FIGURES = {
  rate: { label: 'per second', unit: '/s', scale: 1 },
  throughput: { label: 'throughput', unit: 'MB/s', scale: 1e-6 },
  p50: { label: 'p50', unit: 'µs', scale: 1 },
  p99: { label: 'p99', unit: 'µs', scale: 1 },
  cpuPerOperation: { label: 'JS-thread CPU each', unit: 'µs', scale: 1 },
  cpuPerGigabyte: { label: 'JS-thread CPU per GB', unit: 's', scale: 1 },
  loopDelayP99: { label: 'loop delay p99', unit: 'ms', scale: 1 },
  memoryPerConnection: { label: 'memory each', unit: 'KiB', scale: 1 / 1024 },
};

const SIDES = ['net', 'shim', 'module', 'floor', 'chromium'];

/** The column of an equal build, whose ratio to this module is the noise of a run. */
const NOISE = 'again';

/** The figures of which the lower value is the better one. */
const LOWER_IS_BETTER = new Set([
  'p50',
  'p99',
  'cpuPerOperation',
  'cpuPerGigabyte',
  'loopDelayP99',
  'memoryPerConnection',
]);

/** Marks the rows in which a side is better than the floor, and says so below a table. */
const MARK = '†';
const MARK_TEXT = `${MARK} The floor is worse than a side here, so it is not a bound.`;

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {string} figure
 * @property {Record<string, number>} values medians, by column
 * @property {Record<string, import('./statistics.js').Spread | null>} ratios module : other
 * @property {Record<string, string>} targets as text
 * @property {Record<string, boolean | undefined>} met
 * @property {boolean} beatsFloor Whether a side is better than the floor by more than a tenth.
 */

/**
 * @param {any[]} samples
 * @param {string} figure
 */
const column = (samples, figure) => (samples ?? []).map((sample) => sample?.[figure]);

/**
 * @param {any} row
 * @returns {Line[]}
 */
function linesOf({ name, figures, samples }) {
  return figures.map((/** @type {any} */ figure) => {
    /** @type {Line} */
    const line = {
      name,
      figure: figure.name,
      values: {},
      ratios: {},
      targets: {},
      met: {},
      beatsFloor: false,
    };
    for (const side of Object.keys(samples)) {
      const median = spread(column(samples[side], figure.name))?.median;
      if (median !== undefined) line.values[side] = median;
    }
    line.beatsFloor = beatsFloor(line);
    const own = column(samples.module, figure.name);
    for (const other of Object.keys(samples)) {
      if (other === 'module' || other === 'floor') continue;
      const ratio = pairedRatio(own, column(samples[other], figure.name));
      line.ratios[other] = ratio;
      const target = figure[other];
      if (!target) continue;
      const { atMost, atLeast } = target;
      line.targets[other] = atMost === undefined ? `≥${round(atLeast)}` : `≤${round(atMost)}`;
      if (ratio) {
        line.met[other] = atMost === undefined ? ratio.median >= atLeast : ratio.median <= atMost;
      }
    }
    return line;
  });
}

/**
 * @param {Line} line
 * @returns {boolean}
 */
function beatsFloor({ figure, values }) {
  const { floor, ...sides } = values;
  if (floor === undefined) return false;
  return LOWER_IS_BETTER.has(figure)
    ? Object.values(sides).some((value) => 1.1 * value < floor)
    : Object.values(sides).some((value) => value > 1.1 * floor);
}

/** @param {number} value three significant digits at least */
function round(value) {
  if (!Number.isFinite(value)) return '–';
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/**
 * @param {Line} line
 * @param {string} side
 */
function valueText({ figure, values }, side) {
  const value = values[side];
  const { scale } = FIGURES[figure] ?? { scale: 1 };
  return value === undefined ? '–' : round(value * scale);
}

/**
 * @param {Line} line
 * @param {string} other
 */
function ratioText({ ratios }, other) {
  const ratio = ratios[other];
  if (!ratio) return '–';
  const { median, low, high } = ratio;
  return `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

/**
 * @param {Line} line
 * @param {string} other
 */
function targetText({ targets, met }, other) {
  const target = targets[other];
  if (target === undefined) return '';
  return met[other] === undefined ? target : `${target} ${met[other] ? 'met' : 'MISSED'}`;
}

/** @param {Line} line */
function title({ name, figure, beatsFloor }) {
  const { label, unit } = FIGURES[figure] ?? { label: figure, unit: '' };
  return `${name}: ${label}, ${unit}${beatsFloor ? ` ${MARK}` : ''}`;
}

const WIDTHS = { title: 72, value: 10, ratio: 20, target: 14 };

/**
 * @param {any[]} rows
 * @param {{ heading: boolean, extra?: string[] }} options `extra`: columns beyond the usual ones
 * @returns {string}
 */
function table(rows, { heading, extra = variantsOf(rows) }) {
  const { title: first, value, ratio, target } = WIDTHS;
  const sides = ['net', 'shim', 'module', ...extra, 'floor'];
  const others = ['net', 'shim', ...extra];
  const head = [
    'workload'.padEnd(first),
    ...sides.map((name) => name.padStart(value)),
    ...others.map((name) => `  ${`module : ${name}`.padEnd(ratio + target)}`),
  ].join('');
  const body = rows
    .flatMap(linesOf)
    .map((line) =>
      [
        title(line).padEnd(first),
        ...sides.map((side) => valueText(line, side).padStart(value)),
        ...others.map(
          (other) =>
            `  ${ratioText(line, other).padEnd(ratio)}${targetText(line, other).padEnd(target)}`,
        ),
      ]
        .join('')
        .trimEnd(),
    );
  return [...(heading ? [head.trimEnd()] : []), ...body, ''].join('\n');
}

/** @param {any[]} rows */
function variantsOf(rows) {
  const names = new Set(rows.flatMap(({ samples }) => Object.keys(samples)));
  for (const known of SIDES) if (known !== 'chromium') names.delete(known);
  return [...names];
}

/**
 * @param {any} results
 * @returns {string} the tables of bench/README.md
 */
function markdown({ machine, pace, rows }) {
  const { cpu, cores, system, node, openssl, chromium, date } = machine;
  const programs = [
    `Node.js ${node}`,
    `OpenSSL ${openssl}`,
    ...(chromium ? [`Chromium ${chromium}`] : []),
  ];
  const text = [
    `${date.slice(0, 10)}: ${cpu}, ${cores} cores, ${system}; ${programs.join(', ')}; ` +
      `medians of ${pace.rounds} rounds of ${pace.duration} ms.`,
    '',
  ];
  const groups = [...new Set(rows.map((/** @type {any} */ row) => row.group))];
  for (const group of groups) {
    const members = rows.filter((/** @type {any} */ row) => row.group === group);
    const seen = new Set(members.flatMap((/** @type {any} */ { samples }) => Object.keys(samples)));
    const variants = variantsOf(members).filter((name) => name !== 'chromium');
    const sides = [...SIDES.filter((side) => seen.has(side)), ...variants];
    const others = sides.filter((side) => side !== 'module' && side !== 'floor');
    const lines = members.flatMap(linesOf);
    const hasTargets = (/** @type {string} */ name) => group === 'table' && SIDES.includes(name);
    const head = [
      'work',
      ...sides,
      ...others.flatMap((name) => [`module : ${name}`, ...(hasTargets(name) ? ['target'] : [])]),
    ];
    text.push(`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`);
    for (const line of lines) {
      const cells = [
        title(line),
        ...sides.map((side) => valueText(line, side)),
        ...others.flatMap((other) => [
          ratioText(line, other),
          ...(hasTargets(other) ? [targetText(line, other)] : []),
        ]),
      ];
      text.push(`| ${cells.join(' | ')} |`);
    }
    text.push('');
    if (lines.some((line) => line.beatsFloor)) text.push(MARK_TEXT, '');
  }
  const agreed = rows.find(
    (/** @type {any} */ row) => Object.keys(row.negotiated ?? {}).length > 0,
  );
  if (agreed) {
    text.push('Negotiated TLS parameters:', '');
    for (const [side, { version, cipher, group, handshake }] of Object.entries(agreed.negotiated)) {
      text.push(`- ${side}: ${version}, ${cipher}, ${group}, ${handshake}`);
    }
    text.push('');
  }
  return text.join('\n');
}

module.exports = { linesOf, markdown, table, FIGURES, LOWER_IS_BETTER, MARK_TEXT, NOISE };
