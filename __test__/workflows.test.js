'use strict';

// The statements of SECURITY.md about releases.

const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { ROOT } = require('./support/child.js');

const FOLDER = join(ROOT, '.github', 'workflows');
const workflows = readdirSync(FOLDER).map((name) => [
  name,
  readFileSync(join(FOLDER, name), 'utf8'),
]);
const release = readFileSync(join(FOLDER, 'release.yml'), 'utf8');

/** The jobs of a workflow, by name. */
const jobsOf = (workflow) =>
  Object.fromEntries(
    workflow
      .split('\njobs:\n')[1]
      .split(/^ {2}(?=\w+:$)/m)
      .slice(1)
      .map((job) => [job.slice(0, job.indexOf(':')), job]),
  );

test.each(workflows)(
  'every action of %s is pinned by the digest of a commit',
  (_name, workflow) => {
    const actions = [...workflow.matchAll(/uses: (?!docker:)(\S+)(.*)/g)];
    expect(actions.length).toBeGreaterThan(5);
    for (const [, action, comment] of actions) {
      expect(action).toMatch(/@[\da-f]{40}$/);
      expect(comment).toMatch(/^ # (?:v\d+\.\d+\.\d+|master, \d{4}-\d\d-\d\d)/);
    }
  },
);

test('a release is built from the lock files', () => {
  const builds = release.match(/^.*(?:cargo |npm run build|npm ci|npm install).*(?:\n {10}.*)*/gm);
  expect(builds.length).toBeGreaterThan(3);
  for (const build of builds) {
    expect(build).toMatch(/npm ci --ignore-scripts|-- --locked|tool: cargo/);
  }
});

test('only a job that waits for the environment npm may publish, and it runs no code of others', () => {
  const jobs = jobsOf(release);
  expect(Object.keys(jobs)).toEqual(['build', 'universal', 'test', 'assemble', 'publish']);
  for (const [name, job] of Object.entries(jobs)) {
    const publishes = name === 'publish';
    expect([name, /npm publish|id-token/.test(job)]).toEqual([name, publishes]);
    expect([name, job.includes('environment: npm')]).toEqual([name, publishes]);
  }
  expect(jobs.publish).toContain("if: github.ref_type == 'tag'");
  expect(jobs.publish).not.toMatch(/npm ci|npm run|npx|checkout/);
  // Without --skip-optional-publish this would publish.
  expect(jobs.assemble).toMatch(/napi pre-publish .*--skip-optional-publish/);
});
