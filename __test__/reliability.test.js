'use strict';

/** The runner of the reliability suites detects every failure of a suite. */

const { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { ROOT, runNode } = require('./support/child.js');

const deviations = require('../reliability/tls/deviations.json');
const { readVerdicts } = require('../reliability/tls/verdicts.js');

const SUITES = join(__dirname, 'fixtures', 'reliability');
const OWN_SUITES = join(__dirname, '..', 'reliability');
const own = readdirSync(OWN_SUITES).filter((name) =>
  existsSync(join(OWN_SUITES, name, 'suite.js')),
);

let folder;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'reliability-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function run(only, ...options) {
  const out = join(folder, 'out.json');
  const args = ['reliability/run.js', '--suites', SUITES, '--out', out, '--only', only, ...options];
  const env = { ...process.env, RELIABILITY_PID_FILE: join(folder, 'pid') };
  const { code, stdout, stderr } = await runNode(args, { env });
  let result;
  try {
    result = JSON.parse(readFileSync(out, 'utf8'));
  } catch {
    result = undefined;
  }
  return { code, stdout, stderr, result };
}

test.each(own)('the suite %s loads, with the bounds that it reads from the sources', (name) => {
  const { title, seconds, run: runs } = require(join(OWN_SUITES, name, 'suite.js'));
  expect(title).toEqual(expect.any(String));
  expect(seconds).toEqual({ short: expect.any(Number), long: expect.any(Number) });
  expect(runs).toEqual(expect.any(Function));
});

test('the runner passes options to a suite and prints its omissions', async () => {
  const { code, stdout, result } = await run('sound', '--seed', '7', '--parts', 'a,b', '--long');
  const given = { long: true, seed: 7, parts: ['a', 'b'] };
  expect(code).toBe(0);
  expect(result).toMatchObject(given);
  expect(JSON.parse(result.rows[0].figure)).toEqual(given);
  expect(stdout).toMatch(/sound: all is well\n {2}on its way\n/);
  expect(stdout).toMatch(/^sound +the impossible .*left out: no machine can$/m);
});

test('one failed row fails the run, and later suites still run', async () => {
  const { code, stdout, result } = await run('unsound,sound');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^unsound +bytes lost +1 +0 +FAILED$/m);
  expect(stdout).toMatch(/^unsound +bytes doubled +0 +0 +ok$/m);
  expect(result.rows).toHaveLength(4);
});

test.each([
  ['throwing', 'Error: out of the blue'],
  ['ending', 'ended with 0'],
  ['empty', 'Error: the suite reports no rows'],
  ['hanging', 'not done within 1 s'],
])('a suite that is %s fails the run', async (name, figure) => {
  const { code, result } = await run(name);
  expect(code).toBe(1);
  expect(result.rows).toEqual([{ suite: name, what: 'the suite', figure, ok: false }]);
});

// Windows has no process groups.
(process.platform === 'win32' ? test.skip : test)(
  'processes that a suite has started end with it',
  async () => {
    await run('hanging');
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    const end = Date.now() + 5000;
    while (isThere(pid) && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(isThere(pid)).toBe(false);
  },
);

function isThere(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a suite that cannot run here neither passes nor fails', async () => {
  const { code, stdout } = await run('left-out');
  expect(code).toBe(0);
  expect(stdout).toMatch(/left out: no network namespaces$/m);
});

test('the runner refuses an unknown suite', async () => {
  const { code, stderr } = await run('sond');
  expect(code).toBe(1);
  expect(stderr).toMatch('there is no suite sond, only empty, ');
});

test('docs/reliability.md states the numbers of recorded verdicts and deviations', () => {
  const text = readFileSync(join(ROOT, 'docs', 'reliability.md'), 'utf8');
  const subjects = {
    certificates: 'certificates',
    graphs: 'generated certificates',
    peers: 'hostile peers',
    servers: 'configurations of OpenSSL',
    hosts: 'forms of a host name',
  };
  const recorded = readVerdicts();
  const rows = Object.entries(subjects).map(([subject, title]) => {
    const cases = Object.keys(recorded[subject].verdicts).length;
    const differ = deviations.flatMap((entry) => Object.keys(entry.cases[subject] ?? {})).length;
    return [title, cases, cases - differ, differ, 0].map((cell) => cell.toLocaleString('en'));
  });
  const [, table] = text.match(/^\| subject .*\n\|[-| ]+\|\n((?:\|.*\n)+)/m);
  const cells = (line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
  expect(table.trimEnd().split('\n').map(cells)).toEqual(rows);
  expect(text).toContain(`groups the deviations into ${deviations.length} entries`);
});
