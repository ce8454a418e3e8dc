'use strict';

const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const { ROOT, runNode } = require('./support/child.js');
const { closedPort, stopServers } = require('./support/servers.js');

afterAll(stopServers);

test('the README states the number of verdicts that were recorded, and how many are ours', () => {
  const read = (/** @type {string} */ name) =>
    JSON.parse(readFileSync(join(ROOT, 'reliability', 'tls', `${name}.json`), 'utf8'));
  const count = (/** @type {object[]} */ groups) =>
    groups.reduce((sum, group) => sum + Object.keys(group).length, 0);
  const cases = count(Object.values(read('verdicts')).map(({ verdicts }) => verdicts));
  const deviating = count(
    read('deviations').flatMap((/** @type {any} */ entry) => Object.values(entry.cases)),
  );
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8').replace(/\s+/g, ' ');
  const [all, identical] = [cases, cases - deviating].map((number) => number.toLocaleString('en'));
  expect(readme).toContain(`on ${all} cases`);
  expect(readme).toContain(`; ${identical} are identical`);
});

test('the README states the number of conformance scenarios that there are', () => {
  const folder = join(ROOT, 'conformance', 'transcripts');
  const scenarios = readdirSync(folder).flatMap((file) =>
    Object.values(JSON.parse(readFileSync(join(folder, file), 'utf8')).scenarios),
  );
  const deviating = scenarios.filter((scenario) => 'own' in scenario).length;
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8').replace(/\s+/g, ' ');
  expect(readme).toContain(`${scenarios.length} scenarios are recorded from a real Chromium`);
  expect(readme).toContain(`**${scenarios.length - deviating} are identical to the letter**`);
  expect(readme).toContain(`; ${deviating} show the [deviations]`);
});

describe('the code of the README', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code);

  test('is there', () => expect(blocks.length).toBeGreaterThan(4));

  test('compiles, and what it requires exists and has what is taken of it', () => {
    const { Script } = require('node:vm');
    for (const code of blocks) {
      expect(() => new Script(code)).not.toThrow();
      for (const [, names, path] of code.matchAll(/(?:const (.+) = )?require\('(.+?)'\)/g)) {
        if (path === 'electron') continue;
        const file = require.resolve(path, { paths: [ROOT] });
        // Loads in Electron only; what it exports is tested there.
        if (path === 'chrome-sockets-tcp/electron') continue;
        const found = require(file);
        for (const name of names?.match(/^\{(.+)\}$/)?.[1].split(',') ?? []) {
          expect(found).toHaveProperty(name.trim());
        }
      }
    }
  });

  test('is JSON where it says so', () => {
    const manifests = [...readme.matchAll(/```json\n([^]*?)```/g)].map(([, text]) =>
      JSON.parse(text),
    );
    expect(manifests.length).toBeGreaterThan(0);
  });

  // Whatever it connects to is not there: it has to say so and to end by itself.
  test.each(blocks.filter((code) => /NICK|http\.Agent/.test(code)).map((code) => [code]))(
    'runs against a closed port: %#',
    async (code) => {
      const port = await closedPort();
      const { stderr, code: status } = await runNode([
        '--eval',
        code.replace(/\b66[69]7\b/g, String(port)),
      ]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );
});
