/** Transcripts: their files, their completion with the console output, their comparison. */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const folder = join(here, 'scenarios');

/** The whole transcript of a scenario whose manifest is not accepted. */
export const MANIFEST_REFUSED = 'the manifest is refused';

/** @returns {string[]} the names of all subjects */
export function subjectNames() {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.mjs'))
    .map((file) => file.slice(0, -'.mjs'.length))
    .sort();
}

/** @returns {Promise<any[]>} a subject's scenarios */
export async function loadScenarios(subject) {
  const { default: scenarios } = await import(pathToFileURL(join(folder, `${subject}.mjs`)).href);
  const names = new Set(scenarios.map(({ name }) => name));
  if (names.size !== scenarios.length) throw new Error(`${subject}: two scenarios share a name`);
  return scenarios;
}

/** Changes whenever the behaviour of the scenario changes; layout does not matter. */
export function fingerprint(scenario) {
  const { name, server, run, parameters, events, chunks, taints, manifest } = scenario;
  const parts = [
    name,
    String(server),
    String(run),
    JSON.stringify(parameters),
    events,
    chunks,
    taints,
    // Not in the others' fingerprints, which are older.
    ...(manifest === undefined ? [] : [JSON.stringify(manifest)]),
  ];
  const text = parts.join('\n').replace(/\s+/g, '');
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

const fileOf = (subject) => join(here, 'transcripts', `${subject}.json`);

export function readTranscripts(subject) {
  const file = fileOf(subject);
  return existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { chromium: '', scenarios: {} };
}

export function writeTranscripts(subject, content) {
  writeFileSync(fileOf(subject), `${JSON.stringify(content, null, 2)}\n`);
}

/** A stack names files and lines, which say nothing about behaviour. */
const withoutStack = (text) => text.replace(/(\n\s+at .*)+$/, '');

/**
 * Appends the console output and the uncaught exceptions, in separate groups, because only the
 * order within each group is the same from run to run.
 */
export function completeTranscript(lines, messages) {
  const group = (kind) => messages.filter((message) => message.kind === kind);
  return [
    ...lines,
    ...group('console').map(({ level, text }) => `console.${level}: ${withoutStack(text)}`),
    ...group('uncaught').map(({ text }) => `uncaught: ${withoutStack(text)}`),
    ...group('unhandled rejection').map(({ text }) => `unhandled rejection: ${withoutStack(text)}`),
  ];
}

/** @returns {string | undefined} the first difference with its surroundings */
export function firstDifference(expected, got) {
  const length = Math.max(expected.length, got.length);
  for (let index = 0; index < length; index += 1) {
    if (expected[index] === got[index]) continue;
    const before = expected.slice(Math.max(0, index - 3), index).map((line) => `    ${line}`);
    const after = (lines) => lines.slice(index + 1, index + 3).map((line) => `    ${line}`);
    return [
      ...before,
      `  - ${expected[index] ?? '(nothing more)'}`,
      ...after(expected),
      `  + ${got[index] ?? '(nothing more)'}`,
      ...after(got),
    ].join('\n');
  }
  return undefined;
}
