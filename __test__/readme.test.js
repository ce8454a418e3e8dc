'use strict';

const { existsSync, readdirSync, readFileSync } = require('node:fs');
const { basename, join } = require('node:path');

const { ROOT, runNode } = require('./support/child.js');
const { startFullServer } = require('../support/full-backlog.js');
const { certificate, closedPort, startServer, stopServers } = require('../support/servers.js');

afterAll(stopServers);

/** @param {string[]} names A document of the project. */
const document = (...names) => readFileSync(join(ROOT, ...names), 'utf8');

/** The documents with code that a reader copies. */
const GUIDES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

test('the README has at most 1,500 words', () => {
  expect(document('README.md').split(/\s+/).length).toBeLessThanOrEqual(1500);
});

test('the README warns that the name is not registered before it says how to install', () => {
  const [before, ...after] = document('README.md').split(
    /npm (?:install|i|add) chrome-sockets-tcp/,
  );
  expect(after.length).toBeGreaterThan(0);
  expect(before).toContain('not on the npm registry yet');
  expect(before).toMatch(/\*\*Do not `$/);
  for (const guide of GUIDES.filter((name) => name !== 'README.md')) {
    expect(document(guide)).not.toMatch(/npm (?:install|i|add) chrome-sockets-tcp/);
  }
});

test('the README states the number of conformance scenarios that there are', () => {
  const folder = join(ROOT, 'conformance', 'transcripts');
  const scenarios = readdirSync(folder).flatMap((file) =>
    Object.values(JSON.parse(readFileSync(join(folder, file), 'utf8')).scenarios),
  );
  const deviating = scenarios.filter((scenario) => 'own' in scenario).length;
  const readme = document('README.md').replace(/\s+/g, ' ');
  expect(readme).toContain(`${scenarios.length} scenarios are recorded from a real Chromium`);
  expect(readme).toContain(`**${scenarios.length - deviating} are identical to the letter**`);
  expect(readme).toContain(`; ${deviating} show the [deviations]`);
});

test('ARCHITECTURE.md names every file of lib and src', () => {
  const text = document('ARCHITECTURE.md');
  const files = ['lib', 'src'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true })
      .map(String)
      // lib/electron/page has the page's replacements of files of lib; tests need no name.
      .filter((file) => /\.(js|rs)$/.test(file) && !/page[\\/]|fuzzing|tests/.test(file)),
  );
  expect(files.length).toBeGreaterThan(50);
  const unnamed = files.filter((file) => !text.includes(basename(file)));
  expect(unnamed).toEqual([]);
});

test('every link of a document leads to a file of the project and to a heading in it', () => {
  const anchorOf = (/** @type {string} */ heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
  let checked = 0;
  for (const guide of GUIDES) {
    for (const [, link] of document(guide).matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [path, anchor] = link.split('#');
      const target = path === '' ? guide : join(guide, '..', path);
      expect({ guide, link, exists: existsSync(join(ROOT, target)) }).toMatchObject({
        exists: true,
      });
      checked++;
      if (anchor === undefined) continue;
      const headings = [...document(target).matchAll(/^#+ (.+)$/gm)].map(([, text]) => text);
      expect(headings.map(anchorOf)).toContain(anchor);
    }
  }
  expect(checked).toBeGreaterThan(20);
});

describe('the code of the README and of docs/', () => {
  const text = GUIDES.map((file) => document(file)).join('\n');
  // Blocks in lists are indented.
  const blocks = [...text.matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code);

  test('exists', () => expect(blocks.length).toBeGreaterThan(4));

  test('compiles, and requires only existing exports', () => {
    const { Script } = require('node:vm');
    for (const code of blocks) {
      expect(() => new Script(code)).not.toThrow();
      for (const [, names, path] of code.matchAll(/(?:const (.+) = )?require\('(.+?)'\)/g)) {
        if (path === 'electron') continue;
        const file = require.resolve(path, { paths: [ROOT] });
        // Loads in Electron only; its exports are tested there.
        if (path === 'chrome-sockets-tcp/electron') continue;
        const found = require(file);
        for (const name of names?.match(/^\{(.+)\}$/)?.[1].split(',') ?? []) {
          expect(found).toHaveProperty(name.trim());
        }
      }
    }
  });

  test('is valid JSON in JSON blocks', () => {
    const manifests = [...text.matchAll(/```json\n([^]*?)```/g)].map(([, text]) =>
      JSON.parse(text),
    );
    expect(manifests.length).toBeGreaterThan(0);
  });

  /** Peers that fail a client. */
  const failures = {
    'a closed port': closedPort,
    'a peer that closes': async () =>
      (await startServer({ onConnection: (socket) => socket.end() })).port,
    'a peer that resets': async () =>
      (await startServer({ onConnection: (socket) => socket.resetAndDestroy() })).port,
    'a peer whose certificate is for another host': async () =>
      (await startServer({ tls: certificate('other') })).port,
  };
  const clients = blocks.filter((code) => /NICK|http\.Agent/.test(code));

  // They have to report the failure and to end by themselves.
  test.each(
    Object.keys(failures).flatMap((title) =>
      clients.map((code, index) => /** @type {const} */ ([index, title, code])),
    ),
  )('handles a failure: client %i, %s', async (_index, title, code) => {
    const port = await failures[/** @type {keyof failures} */ (title)]();
    const here = code.replace(/\b66[69]7\b/g, String(port));
    const { stdout, stderr, code: status } = await runNode(['--eval', here]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    if (title === 'a closed port') expect(stdout).toMatch(/REFUSED/);
  });

  test('reports the time-out of its signal', async () => {
    const full = await startFullServer();
    try {
      const [code] = clients.filter((client) => client.includes('AbortSignal'));
      const here = code
        .replace(/\b6667\b/, String(full.port))
        .replace("'localhost'", "'127.0.0.1'")
        .replace('5000', '50');
      const { stdout, stderr, code: status } = await runNode(['--eval', here]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(/^TimeoutError /);
    } finally {
      await full.stop();
    }
  });
});
