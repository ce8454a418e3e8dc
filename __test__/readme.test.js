'use strict';

const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const { ROOT } = require('./support/child.js');

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
