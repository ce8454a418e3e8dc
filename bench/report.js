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
  processCpuPerOperation: { label: 'process CPU each', unit: 'µs', scale: 1 },
  cpuPerGigabyte: { label: 'JS-thread CPU per GB', unit: 's', scale: 1 },
  loopDelayP99: { label: 'loop delay p99', unit: 'ms', scale: 1 },
  memoryPerConnection: { label: 'memory each', unit: 'KiB', scale: 1 / 1024 },
  instructions: { label: 'user-space instructions each', unit: '', scale: 1 },
};

const SIDES = ['net', 'shim', 'module', 'floor', 'chromium'];

/** The column of an equal build, whose ratio to this module is the noise of a run. */
const NOISE = 'again';

/** The figures of which the lower value is the better one. */
const LOWER_IS_BETTER = new Set([
  'p50',
  'p99',
  'cpuPerOperation',
  'processCpuPerOperation',
  'cpuPerGigabyte',
  'loopDelayP99',
  'memoryPerConnection',
  'instructions',
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
  /** @type {Line[]} */
  const lines = figures.map((/** @type {any} */ figure) => {
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
  // A run of instructions alone has no times.
  return lines.filter(({ values }) => Object.keys(values).length > 0);
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
  return `${name}: ${label}${unit && `, ${unit}`}${beatsFloor ? ` ${MARK}` : ''}`;
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
 * The kinds of connections in the scaling workloads.
 *
 * @type {{ label: string, has: (parameters: import('./workloads.js').Parameters) => boolean }[]}
 */
const LOADS = [
  { label: 'all active', has: (p) => p.kind === 'pingPong' && p.activeEvery === 1 },
  { label: '1 % active', has: (p) => p.kind === 'pingPong' && p.activeEvery > 1 },
];

/**
 * The rows of the scaling workloads that exchange messages, by kind of load.
 *
 * @param {any[]} rows
 * @returns {{ label: string, members: any[] }[]}
 */
function loadsOf(rows) {
  const scaling = rows.filter(({ group }) => group === 'scaling');
  return LOADS.map(({ label, has }) => ({
    label,
    members: scaling.filter(({ parameters }) => has(parameters)),
  })).filter(({ members }) => members.length > 0);
}

/**
 * @param {string[]} head
 * @param {string[][]} lines
 */
function markdownTable(head, lines) {
  const rule = head.map(() => '---');
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`);
}

/**
 * @param {any[]} members rows of one group
 * @param {string} group
 * @param {Line[]} lines
 * @returns {string[]}
 */
function groupTable(members, group, lines) {
  const seen = new Set(lines.flatMap(({ values }) => Object.keys(values)));
  const variants = variantsOf(members).filter((name) => name !== 'chromium');
  const sides = [...SIDES.filter((side) => seen.has(side)), ...variants];
  const others = sides.filter((side) => side !== 'module' && side !== 'floor');
  const hasTargets = (/** @type {string} */ name) => group === 'table' && SIDES.includes(name);
  const head = [
    'work',
    ...sides,
    ...others.flatMap((name) => [`module : ${name}`, ...(hasTargets(name) ? ['target'] : [])]),
  ];
  const cells = lines.map((line) => [
    title(line),
    ...sides.map((side) => valueText(line, side)),
    ...others.flatMap((other) => [
      ratioText(line, other),
      ...(hasTargets(other) ? [targetText(line, other)] : []),
    ]),
  ]);
  const marked = lines.some((line) => line.beatsFloor);
  return [...markdownTable(head, cells), '', ...(marked ? [MARK_TEXT, ''] : [])];
}

/** @type {[figure: string, label: string][]} */
const SCALING_FIGURES = [
  ['rate', '/s'],
  ['cpuPerOperation', 'JS, µs'],
  ['processCpuPerOperation', 'process, µs'],
];

/**
 * @param {any[]} rows
 * @returns {string[]}
 */
function scalingTables(rows) {
  const text = [];
  const scaling = rows.filter(({ group }) => group === 'scaling');
  const sides = ['net', 'module', ...variantsOf(scaling).filter((name) => name !== 'chromium')];
  const cellsOf = (/** @type {any} */ row, /** @type {string} */ figure) => {
    const line = linesOf(row).find((candidate) => candidate.figure === figure);
    return sides.map((side) => (line ? valueText(line, side) : '–'));
  };
  const count = (/** @type {any} */ { parameters }) => parameters.connections.toLocaleString('en');
  for (const { label, members } of loadsOf(rows)) {
    const head = SCALING_FIGURES.flatMap(([, unit]) => sides.map((side) => `${side}, ${unit}`));
    const lines = members.map((row) => [
      count(row),
      ...SCALING_FIGURES.flatMap(([figure]) => cellsOf(row, figure)),
    ]);
    text.push(...markdownTable([`connections, ${label}`, ...head], lines), '');
  }
  const idle = scaling.filter(({ parameters }) => parameters.kind === 'idle');
  if (idle.length > 0) {
    const head = ['connections, idle', ...sides.map((side) => `${side}, KiB each`)];
    const lines = idle.map((row) => [count(row), ...cellsOf(row, 'memoryPerConnection')]);
    text.push(...markdownTable(head, lines), '');
  }
  return text;
}

/**
 * @param {any} results
 * @returns {Record<'table' | 'scaling' | 'instructions', string>} the parts that stand in
 *   bench/README.md; empty without a measurement for it
 */
function sections({ machine, pace, rows, omitted = [] }) {
  const { cpu, cores, system, node, openssl, chromium, date } = machine;
  const programs = [
    `Node.js ${node}`,
    `OpenSSL ${openssl}`,
    ...(chromium ? [`Chromium ${chromium}`] : []),
  ];
  const where = `${date.slice(0, 10)}: ${cpu}, ${cores} cores, ${system}; ${programs.join(', ')}`;
  const timed = [`${where}; medians of ${pace.rounds} rounds of ${pace.duration} ms.`, ''];
  const part = (/** @type {string[]} */ first, /** @type {string[]} */ body) =>
    body.length === 0 ? '' : [...first, ...body].join('\n');

  const isCount = (/** @type {Line} */ { figure }) => figure === 'instructions';
  const groups = [...new Set(rows.map((/** @type {any} */ row) => row.group))];
  const tables = groups.flatMap((group) => {
    if (group === 'scaling') return [];
    const members = rows.filter((/** @type {any} */ row) => row.group === group);
    const lines = members.flatMap(linesOf).filter((/** @type {Line} */ line) => !isCount(line));
    return lines.length === 0 ? [] : groupTable(members, group, lines);
  });
  const agreed = rows.find(
    (/** @type {any} */ row) => Object.keys(row.negotiated ?? {}).length > 0,
  );
  if (agreed) {
    tables.push('Negotiated TLS parameters:', '');
    for (const [side, { version, cipher, group, handshake }] of Object.entries(agreed.negotiated)) {
      tables.push(`- ${side}: ${version}, ${cipher}, ${group}, ${handshake}`);
    }
    tables.push('');
  }
  const counts = rows.flatMap(linesOf).filter(isCount);
  const rounds = pace.instructionRounds;
  const counted = `${where}; ${rounds === 1 ? 'one round' : `medians of ${rounds} rounds`}.`;
  const notes = omitted.flatMap((/** @type {string} */ line) => [`- ${line}`]);
  return {
    table: part(timed, tables),
    scaling: part(timed, [...scalingTables(rows), ...notes]),
    instructions: part(
      [counted, ''],
      counts.length === 0 ? [] : groupTable(rows, 'instructions', counts),
    ),
  };
}

/**
 * @param {any} results
 * @returns {string} the tables of a run
 */
function markdown(results) {
  return Object.values(sections(results)).filter(Boolean).join('\n');
}

module.exports = {
  linesOf,
  loadsOf,
  markdown,
  sections,
  table,
  variantsOf,
  FIGURES,
  LOWER_IS_BETTER,
  MARK_TEXT,
  NOISE,
};
