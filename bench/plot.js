'use strict';

/** Plots as SVG, drawn from the JSON of a run. */

const { mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { linesOf, loadsOf, variantsOf } = require('./report.js');
const { pairedRatio } = require('./statistics.js');

const SIZE = { width: 720, height: 420, left: 70, right: 150, top: 44, bottom: 54 };
const COLOURS = ['#0b5fa5', '#d95f02', '#1b9e77', '#7570b3', '#e7298a', '#66a61e'];

/**
 * @typedef {{ x: number, y: number, low?: number, high?: number }} Point
 * @typedef {{ label: string, points: Point[] }} Curve
 */

/**
 * @param {{ title: string, xLabel: string, yLabel: string, curves: Curve[], rule?: number }} plot
 *   `rule` is a value to draw a line at
 * @returns {string}
 */
function draw({ title, xLabel, yLabel, curves, rule }) {
  const { width, height, left, right, top, bottom } = SIZE;
  const points = curves.flatMap((curve) => curve.points);
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const highest = Math.max(rule ?? 0, ...points.map(({ y, high }) => high ?? y));
  const step = niceStep(highest / 5);
  const yMax = step * Math.ceil(highest / step);
  // The sizes are powers, so they stand at equal distances.
  const span = Math.log(xs[xs.length - 1] ?? 1) - Math.log(xs[0] ?? 1) || 1;
  const px = (/** @type {number} */ x) =>
    left + ((Math.log(x) - Math.log(xs[0] ?? 1)) / span) * (width - left - right);
  const py = (/** @type {number} */ y) => height - bottom - (y / yMax) * (height - top - bottom);
  const parts = [text(left, 24, title, 'font-size="15" font-weight="bold"')];

  for (let y = 0; y <= yMax + step / 2; y += step) {
    parts.push(line(left, py(y), width - right, py(y), '#ddd'));
    parts.push(text(left - 8, py(y) + 4, shorten(y), 'text-anchor="end"'));
  }
  for (const x of xs) {
    parts.push(line(px(x), py(0), px(x), py(0) + 5, '#444'));
    parts.push(text(px(x), py(0) + 19, shorten(x), 'text-anchor="middle"'));
  }
  if (rule !== undefined) parts.push(line(left, py(rule), width - right, py(rule), '#444', '5 4'));
  const middle = (left + width - right) / 2;
  parts.push(text(middle, height - 12, xLabel, 'text-anchor="middle"'));
  const turn = `text-anchor="middle" transform="rotate(-90 18 ${height / 2})"`;
  parts.push(text(18, height / 2, yLabel, turn));

  curves.forEach((curve, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? '#000';
    const path = curve.points.map(({ x, y }) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`);
    parts.push(
      `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    );
    for (const { x, y, low, high } of curve.points) {
      parts.push(
        `<circle cx="${px(x).toFixed(1)}" cy="${py(y).toFixed(1)}" r="3" fill="${colour}"/>`,
      );
      if (low !== undefined && high !== undefined) {
        parts.push(line(px(x), py(low), px(x), py(high), colour));
      }
    }
    const at = top + 10 + index * 20;
    parts.push(line(width - right + 14, at, width - right + 34, at, colour));
    parts.push(text(width - right + 40, at + 4, curve.label));
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
      'font-family="sans-serif" font-size="12">',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** @param {number} rough */
function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  return ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
}

/**
 * @param {number} value
 * @returns {string}
 */
function shorten(value) {
  if (value >= 1024 && Math.log2(value) % 1 === 0) return `${value / 1024} Ki`;
  if (value >= 10_000) return `${shorten(value / 1000)} k`;
  return value.toLocaleString('en', { maximumFractionDigits: 2 });
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 */
function text(x, y, content, attributes = '') {
  const escaped = content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`;
}

/**
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 * @param {string} colour
 */
function line(x1, y1, x2, y2, colour, dashes = '') {
  const [a, b, c, d] = [x1, y1, x2, y2].map((value) => value.toFixed(1));
  const dashed = dashes && ` stroke-dasharray="${dashes}"`;
  return `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" stroke="${colour}"${dashed}/>`;
}

/**
 * @param {any[]} rows
 * @param {string} figure
 * @param {(line: import('./report.js').Line) => Omit<Point, 'x'> | null | undefined} valueOf
 * @param {'size' | 'connections'} along
 * @returns {Point[]}
 */
function pointsOf(rows, figure, valueOf, along) {
  return rows.flatMap((row) => {
    const found = linesOf(row).find((candidate) => candidate.figure === figure);
    const value = found && valueOf(found);
    return value ? [{ x: row.parameters[along], ...value }] : [];
  });
}

/** @param {import('./statistics.js').Spread | null | undefined} ratio */
const asPoint = (ratio) => ratio && { y: ratio.median, low: ratio.low, high: ratio.high };

/** The figures that are drawn by connections, for each kind of load. */
const BY_CONNECTIONS = [
  { file: 'rate', title: 'Messages per second', figure: 'rate', unit: 'messages per second' },
  {
    file: 'cost',
    title: 'JavaScript-thread CPU for a message',
    figure: 'cpuPerOperation',
    unit: 'µs',
  },
  {
    file: 'process-cost',
    title: 'CPU of all threads for a message',
    figure: 'processCpuPerOperation',
    unit: 'µs',
  },
];

/**
 * @param {{ rows: any[] }} results
 * @param {string} directory
 * @returns {{ path: string, title: string, group: string }[]} the drawings
 */
function drawPlots({ rows }, directory) {
  const sizes = rows.filter(({ group }) => group === 'sizes');
  const scaling = rows.filter(({ group }) => group === 'scaling');
  const variants = variantsOf(scaling).filter((name) => name !== 'chromium');
  const sides = ['net', 'shim', 'module', ...variants, 'floor'];
  const bySide = (/** @type {any[]} */ of, /** @type {string} */ figure, scale = 1) =>
    sides.map((side) => ({
      label: side,
      points: pointsOf(
        of,
        figure,
        ({ values }) => (side in values ? { y: Number(values[side]) * scale } : null),
        'connections',
      ),
    }));
  const plots = [
    {
      file: 'ratio-by-size.svg',
      group: 'sizes',
      title: 'Messages per second by size, 16 connections',
      xLabel: 'bytes in a message',
      yLabel: 'ratio: above 1, this module is faster',
      rule: 1,
      curves: [false, true].flatMap((tls) =>
        ['net', 'shim'].map((other) => ({
          label: `${tls ? 'TLS, ' : ''}module : ${other === 'net' && tls ? 'tls' : other}`,
          points: pointsOf(
            sizes.filter(({ parameters }) => parameters.tls === tls),
            'rate',
            ({ ratios }) => asPoint(ratios[other]),
            'size',
          ),
        })),
      ),
    },
    ...loadsOf(rows).flatMap(({ label, members }) =>
      BY_CONNECTIONS.map(({ file, title, figure, unit }) => ({
        file: `${file}-by-connections${label === 'all active' ? '' : '-mixed'}.svg`,
        group: 'scaling',
        title: `${title} by connections, ${label}`,
        xLabel: 'connections',
        yLabel: unit,
        curves: bySide(members, figure),
      })),
    ),
    {
      file: 'knee-by-connections.svg',
      group: 'scaling',
      title: 'JavaScript-thread CPU for a message, compared with net',
      xLabel: 'connections',
      yLabel: 'ratio: below 1, net takes more',
      rule: 1,
      curves: ['module', ...variants].flatMap((side) =>
        loadsOf(rows).map(({ label, members }) => ({
          label: `${side}, ${label}`,
          points: members.flatMap(({ parameters, samples }) => {
            const [own, net] = [side, 'net'].map((name) =>
              (samples[name] ?? []).map((/** @type {any} */ sample) => sample.cpuPerOperation),
            );
            const point = asPoint(pairedRatio(own ?? [], net ?? []));
            return point ? [{ x: parameters.connections, ...point }] : [];
          }),
        })),
      ),
    },
    {
      file: 'memory-by-connections.svg',
      group: 'scaling',
      title: 'Memory of an idle connection by connections',
      xLabel: 'connections',
      yLabel: 'KiB',
      curves: bySide(
        scaling.filter(({ parameters }) => parameters.kind === 'idle'),
        'memoryPerConnection',
        1 / 1024,
      ),
    },
  ];
  mkdirSync(directory, { recursive: true });
  return plots.flatMap(({ file, group, ...plot }) => {
    const curves = plot.curves.filter(({ points }) => points.length > 0);
    if (curves.length === 0) return [];
    const path = join(directory, file);
    writeFileSync(path, draw({ ...plot, curves }));
    return [{ path, title: plot.title, group }];
  });
}

module.exports = { drawPlots };
