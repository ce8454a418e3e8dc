'use strict';

// `npx chrome-sockets-tcp check`, on small applications.

const { execFile } = require('node:child_process');
const {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join } = require('node:path');
const { bin } = require('../../package.json');
const { check } = require('../../lib/check/check.js');
const { ROOT } = require('../support/child.js');

let folder;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-check-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the command as npx does. */
const run = (...args) =>
  new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, bin), ...args], (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, stderr }),
    );
  });

/** @param {Record<string, string | object>} files Objects become JSON. */
function write(files) {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    writeFileSync(join(folder, name), text);
  }
}

/** The places of each API in these files. */
function usesIn(files) {
  write(files);
  const uses = check(folder).apis.map(({ api, uses }) => [
    api.replace('chrome.sockets.', ''),
    uses.map(({ file, line }) => `${file}:${line}`).join(' '),
  ]);
  return Object.fromEntries(uses);
}

/** The report on these files, by the command. */
async function checked(files) {
  write(files);
  const { code, stdout, stderr } = await run('check', '--json', folder);
  expect(stderr).toBe('');
  return { code, report: JSON.parse(stdout) };
}

const APP = {
  manifest_version: 2,
  name: 'Parlour',
  app: { background: { scripts: ['background.js'] } },
  sockets: { tcp: { connect: '*' } },
};

describe('the scanner finds a use', () => {
  test.each([
    ['of the plain name', 'chrome.sockets.tcp.create({}, f);'],
    ['outside of comments', '// chrome.sockets.tcp.send\nchrome.sockets.tcp.create({}, f);', 2],
    ['through a variable', 'const sockets = chrome.sockets;\nsockets.tcp.create({}, f);', 2],
    ['through two variables', 'var b = a.tcp;\nvar a = chrome.sockets;\nb.create({}, f);', 3],
    ['through a reassigned one', 'let t;\nt = chrome.sockets.tcp;\nt.create({}, f);', 3],
    ['by destructuring', 'const { tcp } = chrome.sockets;\ntcp.create({}, f);', 2],
    ['by nested destructuring', 'const { sockets: { tcp: t } } = chrome;\nt.create({}, f);', 2],
    ['through window', 'window.chrome.sockets.tcp.create({}, f);'],
    ['through self and globalThis', 'self.chrome.sockets.tcp.create({}, globalThis.f);'],
    ['by string keys', "chrome['sockets'][`tcp`].create({}, f);"],
    ['by optional chaining', 'chrome?.sockets?.tcp?.create({}, f);'],
    [
      'behind a guard',
      'var t = window.chrome && chrome.sockets && chrome.sockets.tcp;\nt.create(f);',
      2,
    ],
    ['behind a default', 'var c = window.chrome || {};\nc.sockets.tcp.create(f);', 2],
    ['in a conditional', 'var t = f ? chrome.sockets.tcp : null;\nt.create(f);', 2],
    ['of chromise', 'chromise.sockets.tcp.create();'],
    ['of chrome.promise', 'chrome.promise.sockets.tcp.create();'],
    ['of a ChromePromise', 'const c = new ChromePromise();\nc.sockets.tcp.create();', 2],
    ['by an argument', '(function (c) {\nc.sockets.tcp.create();\n})(chrome);', 2],
    ['by a window that is an argument', '((w) => w.chrome.sockets.tcp.create())(window);'],
    [
      'by this at the top',
      '(function (g) {\ng.chrome.sockets.tcp.create();\n}).call(this, this);',
      2,
    ],
    ['by a named function', 'function go(t) {\nt.create();\n}\ngo(chrome.sockets.tcp);', 2],
    ['in an object', 'const net = { tcp: chrome.sockets.tcp };\nnet.tcp.create();', 2],
    [
      'in a method’s object',
      'const net = { t: chrome.sockets.tcp,\ngo() { this.t.create(); } };',
      2,
    ],
    ['in a class', 'class N {\nt = chrome.sockets.tcp;\ngo() { this.t.create(); } }', 3],
    ['in a private field', 'class N {\n#t = chrome.sockets.tcp;\ngo() { this.#t.create(); } }', 3],
    [
      'behind self = this',
      'function N() { var s = this; s.t = chrome.sockets.tcp;\ns.t.create(); }',
      2,
    ],
    [
      'in a prototype',
      'N.prototype.t = chrome.sockets.tcp;\nN.prototype.go = function () {\nthis.t.create(); };',
      3,
    ],
    ['by bind', 'const c = chrome.sockets.tcp.create.bind(chrome.sockets.tcp);'],
  ])('%s', (_name, source, line = 1) => {
    const uses = usesIn({ 'a.js': source });
    expect(uses).toEqual({ 'tcp.create': `a.js:${line}` });
  });

  test.each([
    [
      'in a script that shares globals',
      { 'a.js': 'var tcp = chrome.sockets.tcp;', 'b.js': 'tcp.create();' },
    ],
    ['on window', { 'a.js': 'window.net = chrome.sockets;', 'b.js': 'net.tcp.create();' }],
    [
      'of a namespace object',
      { 'a.js': 'var App = {};\nApp.tcp = chrome.sockets.tcp;', 'b.js': 'App.tcp.create();' },
    ],
    [
      'of an import',
      {
        'a.js': 'export const tcp = chrome.sockets.tcp;',
        'b.js': "import { tcp } from './a.js'; tcp.create();",
      },
    ],
    [
      'of a default import',
      {
        'net/index.js': 'export default chrome.sockets.tcp;',
        'b.js': "import t from './net'; t.create();",
      },
    ],
    [
      'of a reexport',
      {
        'net.js': 'const tcp = chrome.sockets.tcp; export { tcp as net };',
        'c.js': "export * from './net.js';",
        'b.js': "import * as all from './c.js'; all.net.create();",
      },
    ],
    [
      'of require',
      { 'a.js': 'exports.tcp = chrome.sockets.tcp;', 'b.js': "require('./a').tcp.create();" },
    ],
    [
      'of module.exports',
      {
        'tcp.js': 'module.exports = chrome.sockets.tcp;',
        'b.js': "const t = require('./tcp.js'); t.create();",
      },
    ],
    ['in TypeScript', { 'b.ts': 'const t: Tcp = (chrome as any).sockets!.tcp; t.create<void>();' }],
    ['in JSX', { 'b.jsx': 'const a = <b onClick={() => chrome.sockets.tcp.create()}>text</b>;' }],
    [
      'with flow types',
      { 'b.js': 'function go(a: number): void { chrome.sockets.tcp.create(); }' },
    ],
    [
      'in a Vue file',
      {
        'b.vue':
          '<template><b/></template><script lang="ts">const t: any = chrome.sockets.tcp; t.create();</script>',
      },
    ],
    ['in text that is not JavaScript', { 'b.js': 'chrome.sockets.tcp.create(<% here %>);' }],
  ])('%s', (_name, files) => {
    const uses = usesIn(files);
    expect(Object.keys(uses)).toEqual(['tcp.create']);
    expect(uses['tcp.create']).toMatch(/^b\.\w+:1$/);
  });

  test('in the scripts of a page, with its line', async () => {
    const uses = usesIn({
      'index.html': `<!doctype html>
        <!-- <script>chrome.sockets.tcp.send();</script> -->
        <script src="lib.js"></script>
        <script type="text/template">chrome.sockets.tcp.send();</script>
        <script>
          chrome.sockets.tcp.create({}, f);
        </script>
        <script>var t = chrome.sockets.tcp</script>
        <script>t.close(1);</script>`,
    });
    expect(uses).toEqual({ 'tcp.create': 'index.html:6', 'tcp.close': 'index.html:9' });
  });

  test('of a destructured method where it is destructured and where it is called', () => {
    const source = 'const { create } = chrome.sockets.tcp;\ncreate({}, f);';
    expect(usesIn({ 'a.js': source })).toEqual({ 'tcp.create': 'a.js:1 a.js:2' });
  });

  test('only of the global object chrome, not of others with its name', async () => {
    const uses = usesIn({
      'a.js': `class N { t = chrome.sockets.tcp; go() { this.t.create(); } }
        class M { t = other; go() { this.t.close(); } }
        function f(tcp) { tcp.send(); }`,
    });
    expect(uses).toEqual({ 'tcp.create': 'a.js:1' });
  });
});

describe('the verdict', () => {
  test('is 0 if each API is in this module or has a replacement', async () => {
    const module = await checked({
      'manifest.json': APP,
      'background.js': 'chrome.sockets.tcp.create({}, () => chrome.runtime.lastError);',
    });
    expect(module).toMatchObject({ code: 0, report: { verdict: 'module', isComplete: true } });
    const port = await checked({
      'background.js': 'chrome.sockets.tcp.connect(1); chrome.storage.local.get(f);',
      'udp.js': 'chrome.sockets.udp.create(f);',
    });
    expect(port).toMatchObject({ code: 0, report: { verdict: 'port' } });
    expect(port.report.apis.map(({ api, where }) => [api, where])).toEqual([
      ['chrome.sockets.tcp.connect', 'here'],
      ['chrome.sockets.udp.create', 'electron'],
      ['chrome.storage.local', 'electron'],
    ]);
  });

  test('is 1 if an API is available nowhere', async () => {
    const { code, report } = await checked({
      'a.js': 'chrome.sockets.tcp.create(f); chrome.syncFileSystem.requestFileSystem(f);',
    });
    expect({ code, verdict: report.verdict }).toEqual({ code: 1, verdict: 'rewrite' });
  });

  test('ignores names that the table lacks', async () => {
    const { code, report } = await checked({
      'a.js': 'chrome.sockets.tcp.create(f); chrome.csi(); chrome.loadTimes.here();',
    });
    expect({ code, verdict: report.verdict }).toEqual({ code: 0, verdict: 'module' });
    expect(report.apis.map(({ where }) => where)).toEqual(['unknown', 'here']);
  });

  test('states that the API is not used', async () => {
    const { code, report } = await checked({
      'a.js': 'fetch("/")',
      'b.js': 'chrome.tabs.create()',
    });
    expect({ code, verdict: report.verdict }).toEqual({ code: 0, verdict: 'unused' });
  });
});

describe('the report has a remark', () => {
  const notes = async (files) => (await checked(files)).report.notes;

  test('on an NW.js app whose manifest allows no connection', async () => {
    const { report } = await checked({
      'package.json': { name: 'flight', main: 'main.html', 'chromium-args': '--a' },
      'main.js': "var gui = require('nw.gui');\ngui.Window.get(); chrome.sockets.tcp.connect(1);",
    });
    expect(report.manifest).toMatchObject({ kind: 'NW.js app', name: 'flight', allowsTcp: false });
    expect(report.apis.map(({ api }) => api)).toEqual(['chrome.sockets.tcp.connect', 'nw.Window']);
    expect(report.notes).toEqual([expect.stringContaining('without sockets.tcp.connect')]);
  });

  test('on a manifest that Chrome refuses, although it contains comments', async () => {
    const text =
      '{ // a comment\n"manifest_version": 2, "app": {"background": {}}, "sockets": {"tcp": {"connect": "*:a"}}}';
    expect(await notes({ 'manifest.json': text })).toEqual([
      expect.stringContaining('Invalid host:port pattern'),
    ]);
  });

  test('on a manifest that is not JSON', async () => {
    expect(await notes({ 'manifest.json': "{ 'a': 1 }" })).toEqual([
      expect.stringContaining('manifest.json: '),
    ]);
  });

  test('on a namespace that is only passed on', async () => {
    expect(await notes({ 'a.js': 'unknown(chrome.sockets.tcp);' })).toEqual([
      'a.js:1 names chrome.sockets.tcp, and no use of a member was found',
    ]);
  });

  test('on each file that the scanner skips', async () => {
    write({ 'large.js': 'chrome', 'a.coffee': 'x', 'node_modules/a/a.js': 'chrome.tabs.a()' });
    truncateSync(join(folder, 'large.js'), 5 * 1024 * 1024);
    symlinkSync('/', join(folder, 'link'));
    const { code, report } = await checked({});
    expect(code).toBe(2);
    expect(report.isComplete).toBe(false);
    expect(report.apis).toEqual([]);
    expect(report.notes).toEqual([
      expect.stringContaining('files that end in .coffee'),
      expect.stringContaining('large.js was not read'),
    ]);
  });

  test('on code that is nested too deep', async () => {
    const { report } = await checked({
      'a.js': `chrome.sockets.tcp.create(${'['.repeat(200_000)}`,
    });
    expect(report.notes).toEqual([expect.stringContaining('could not be parsed')]);
    expect(report.apis).toHaveLength(1);
  });
});

describe('the command', () => {
  test('prints a readable report', async () => {
    const uses = 'chrome.sockets.tcp.close(1);\n'.repeat(6);
    write({ 'manifest.json': APP, 'background.js': `${uses}chrome.storage.local.get(f);` });
    const { stdout } = await run('check', folder);
    expect(stdout).toBe(`Parlour: Chrome App, manifest_version 2 (manifest.json)
1 source files, 1 of them mention the API

Provided by chrome-sockets-tcp
    chrome.sockets.tcp.close  background.js:1, background.js:2, background.js:3, background.js:4 and 2 more

To be had in Electron, Node or the Web
  examples/chrome-app stands in for it:
    chrome.storage.local  background.js:7

Notes
  manifest.json: background scripts (background.js): examples/chrome-app generates their page, as Chrome does

Verdict: chrome-sockets-tcp provides the sockets; the other APIs have replacements.
`);
    const { stdout: all } = await run('check', '--all', folder);
    expect(all).toContain('background.js:5, background.js:6\n');
  });

  test('prints no control characters of a file', async () => {
    write({ 'a\u001b[31m.js': 'chrome.tabs.create()' });
    const { stdout } = await run('check', folder);
    expect(stdout).toContain('a\\u001b[31m.js:1');
  });

  test('prints its usage', async () => {
    const { code, stdout } = await run('--help');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('Exit codes:') });
  });

  test.each([
    [[], 'expected the command check'],
    [['inspect'], 'unknown command inspect, expected check'],
    [['check', 'a', 'b'], 'expected one folder'],
    [['check', '--fast'], "Unknown option '--fast'"],
    [['check', '/nowhere/at/all'], '/nowhere/at/all cannot be read (ENOENT'],
    [['check', join(ROOT, 'package.json')], 'package.json is not a folder'],
  ])('refuses %j', async (args, problem) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(problem),
    });
  });
});
