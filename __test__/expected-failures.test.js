'use strict';

// Failures of the suites in other runtimes and on other platforms are compared with
// scripts/expected-failures.json, whose tests and scenarios must exist.

const { readdirSync, readFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const { parse } = require('@babel/parser');
const { ROOT } = require('./support/child.js');
const { complaintsAbout } = require('../scripts/suites.js');
const expected = require('../scripts/expected-failures.json');

const sources = readdirSync(__dirname, { recursive: true })
  .filter((file) => file.endsWith('.js') && file !== basename(__filename))
  .map((file) => readFileSync(join(__dirname, file), 'utf8'));

/** Jest's placeholders and the expressions of a template; a name has other text there. */
const PLACEHOLDER = /%[sdifjopc#]|%%|\$\{[^}]*\}/;

/** A title of a test or a group, by the name of the function that it is passed to. */
const TITLED = /^(test|describe)/;

/** @param {any} callee @returns {string} `test` of `test.skip.each(...)` and `flag ? test.skip : test` */
function functionName(callee) {
  if (callee?.type === 'Identifier') return callee.name;
  const inner = callee?.object ?? callee?.callee ?? callee?.tag ?? callee?.consequent;
  return inner ? functionName(inner) : '';
}

/**
 * The patterns of the full names of a file's tests: a group's title precedes those of its tests.
 *
 * @param {string} source
 * @returns {RegExp[]}
 */
function namesIn(source) {
  const names = [];
  const visit = (node, titles) => {
    if (typeof node?.type !== 'string') return;
    const [title] = node.arguments ?? [];
    let inner = titles;
    if (/^(String|Template)Literal$/.test(title?.type) && TITLED.test(functionName(node.callee))) {
      inner = [...titles, title.value ?? source.slice(title.start + 1, title.end - 1)];
      if (functionName(node.callee).startsWith('test')) names.push(inner.join(' '));
    }
    for (const child of Object.values(node).flat()) visit(child, inner);
  };
  visit(parse(source).program, []);
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return names.map((name) => new RegExp(`^${name.split(PLACEHOLDER).map(escaped).join('(.+)')}$`));
}

const patterns = sources.flatMap(namesIn);

/** Whether a test has this name, and the sources contain the text in place of its placeholders. */
function isTest(name) {
  const isWritten = (text) => sources.some((source) => source.includes(text));
  return patterns.some((pattern) => name.match(pattern)?.slice(1).every(isWritten));
}

function isScenario(name) {
  const [, subject, title] = name.match(/^([a-z-]+): (.+)$/) ?? [];
  if (!subject) return false;
  const file = join(ROOT, 'conformance', 'transcripts', `${subject}.json`);
  return title in JSON.parse(readFileSync(file, 'utf8')).scenarios;
}

test('the patterns match the names of tests only', () => {
  expect(patterns.length).toBeGreaterThan(400);
  expect(isTest('ids of sockets are positive')).toBe(false);
  expect(isTest('c. close() aborts with -3: a connect in progress')).toBe(true);
  expect(isTest('c. shut() aborts with -3: a connect in progress')).toBe(false);
});

test.each(Object.entries(expected))('every expected failure of %s exists', (_suite, failures) => {
  const names = Object.keys(failures);
  expect(names.filter((name) => !isTest(name) && !isScenario(name))).toEqual([]);
});

test('a suite must fail as expected, but for causes that depend on the state of the machine', () => {
  const failures = { always: 'a cause', 'now and then': { sometimes: 'a cause' } };
  const complaints = (...failed) => complaintsAbout('a runtime', { failed }, failures);
  expect(complaints('always')).toEqual([]);
  expect(complaints('always', 'now and then')).toEqual([]);
  expect(complaints()).toEqual(['a runtime: passes, although it was expected to fail: always']);
  expect(complaints('always', 'another')).toEqual(['a runtime: fails: another']);
});
