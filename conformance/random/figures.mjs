/**
 * Writes the output of `npm run conformance:random -- --figures FILE` into README.md: `node
 * conformance/random/figures.mjs FILE DIRECTORY`. The directory holds the differences of these runs
 * (`--out`). They are judged again, because a deviation may have been named since.
 */

import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { levelFor, same } from './compare.mjs';
import { explain } from './deviations.mjs';

const readme = fileURLToPath(new URL('../README.md', import.meta.url));
const BEGIN = '<!-- Written by random/figures.mjs -->\n';
const END = '<!-- The end of the figures -->\n';

/**
 * @typedef {{ seed: number, date: string, commit: string, chromium: string, servers?: boolean, counts: Record<string, number> }} Figures
 *
 * @param {Figures[]} runs
 */
function renderTable(runs) {
  const sum = (name) => runs.reduce((total, { counts }) => total + (counts[name] ?? 0), 0);
  const names = [...new Set(runs.flatMap(({ counts }) => Object.keys(counts)))].sort();
  const some = (prefix) => names.filter((name) => name.startsWith(prefix));
  const rows = [
    ['programs', 'programs'],
    ['the module does what Chromium does', 'same'],
    ['a difference that repeats', 'difference'],
    ['a difference that does not repeat', 'unsteady'],
    ...some('dropped: ').map((name) => [name, name]),
    ...some('compared, ').map((name) => [name, name]),
    ...some('deviation ').map((name) => [`programs in which ${name} was used`, name]),
  ];
  const table = [
    ['', ...runs.map(({ seed }) => `seed ${seed}`), 'all'],
    ['---', ...runs.map(() => '--:'), '--:'],
    ['commit', ...runs.map(({ commit }) => commit), ''],
    ...rows.map(([label, name]) => [
      label,
      ...runs.map(({ counts }) => counts[name] ?? 0),
      sum(name),
    ]),
  ];
  return table.map((cells) => `| ${cells.join(' | ')} |`);
}

/** @param {Figures[]} runs */
function render(runs) {
  const versions = [...new Set(runs.map(({ chromium }) => chromium))].join(', ');
  const dates = [...new Set(runs.map(({ date }) => date))].join(', ');
  const machine = `${cpus().length} cores, ${cpus()[0].model.replace(/\s+/g, ' ')}`;
  return [
    `Chromium ${versions}; ${dates}; ${machine}; Node.js ${process.versions.node}.`,
    '',
    ...renderTable(runs.filter(({ servers }) => !servers)),
    '',
    'Programs with server sockets:',
    '',
    ...renderTable(runs.filter(({ servers }) => servers)),
    '',
  ].join('\n');
}

/** Counts a difference that a newer deviation explains as that deviation. */
function judgeAgain(counts, { program, verdict }) {
  const { chromium, own } = verdict;
  const level = levelFor(program, verdict.level);
  if (!own) return;
  const { expected, got, deviations } = explain(program, chromium, own);
  if (!same(level, expected, got)) return;
  counts.difference -= 1;
  counts.same += 1;
  for (const letter of deviations) {
    const name = `deviation ${letter}`;
    // The deviations that applied before the difference are counted already.
    if (!verdict.deviations.includes(letter)) counts[name] = (counts[name] ?? 0) + 1;
  }
}

function differencesOf(directory, seed) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((file) => file.startsWith(`${seed}-`))
    .map((file) => JSON.parse(readFileSync(join(directory, file), 'utf8')));
}

const [, , file, directory] = process.argv;
const runs = readFileSync(file, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line))
  .sort((one, other) => one.seed - other.seed);
for (const { seed, counts } of runs) {
  for (const difference of differencesOf(directory, seed)) judgeAgain(counts, difference);
}
const text = readFileSync(readme, 'utf8');
const [before, rest] = text.split(BEGIN);
const [, after] = rest.split(END);
writeFileSync(readme, `${before}${BEGIN}\n${render(runs)}\n${END}${after}`);
