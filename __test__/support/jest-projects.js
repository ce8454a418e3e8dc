'use strict';

/** Projects whose tests use the module, with the flags of jest that they use. */

const { join } = require('node:path');
const { ROOT, runNode } = require('./child.js');
const { echo, startServer, stopServers } = require('../../support/servers.js');

const HERE = { child: false, isMainThread: true };
const CHILD = { child: true, isMainThread: true };
const THREAD = { child: false, isMainThread: false };

/** How long one run may take, in milliseconds. */
const TIMEOUT = 60_000;

/** Without the memory limit jest would run such quick tests without workers. */
const WORKERS = { maxWorkers: 2, workerIdleMemoryLimit: '1GB' };

const FLAGS = [
  [{ runInBand: true }, HERE],
  [WORKERS, CHILD],
  [{ ...WORKERS, workerThreads: true }, THREAD],
  [{ detectOpenHandles: true }, HERE],
  [{ runInBand: true, detectLeaks: true }, HERE],
];

/**
 * @param {string} version
 * @param {(config: string, options: object) => string[]} command The arguments of Node that run that
 *   version with a configuration and options. A file, because jest hands the flags of its own Node
 *   down to its workers, an --eval among them.
 */
function testsInJest(version, command) {
  jest.setTimeout(TIMEOUT + 5000);

  let port;

  beforeAll(async () => {
    ({ port } = await startServer({ onConnection: echo }));
  });

  afterAll(stopServers);

  describe(`in jest ${version}, with servers of its own`, () => {
    const run = (/** @type {object} */ config, /** @type {object} */ options) => {
      const rootDir = join(ROOT, '__test__', 'fixtures');
      const args = command(JSON.stringify({ rootDir, ...config }), { runInBand: true, ...options });
      return runNode(args, { timeout: TIMEOUT });
    };

    test('test files pass without an open handle', async () => {
      const config = { testMatch: ['**/jest-servers/*.js'] };
      const { code, stderr } = await run(config, { detectOpenHandles: true });
      expect(stderr).toContain('4 passed, 4 total');
      expect(stderr).not.toContain('chrome.sockets.tcp');
      // In jest 29 the handle of napi-rs is left.
      if (version !== '29') expect(stderr).not.toMatch(/open handle|leak/);
      expect(code).toBe(0);
    });

    // For jest 30 the first file of a process that starts a server of node:net leaks, without this package,
    // too. So another file starts one before.
    test('test files pass without a leak', async () => {
      const config = {
        testMatch: ['**/jest-servers/*.js', '**/jest-first-server/*.js'],
        testSequencer: join(__dirname, 'by-name.js'),
      };
      const { stderr } = await run(config, { detectLeaks: true });
      const results = stderr.match(/^(PASS|FAIL) \S+/gm) ?? [];
      expect(results).toHaveLength(3);
      expect(results[0]).toContain('jest-first-server');
      for (const result of results.slice(1)) expect(result).toMatch(/^PASS .*jest-servers/);
    });
  });

  describe(`in jest ${version}`, () => {
    test.each(FLAGS)('two test files pass without a warning with %j', async (options, place) => {
      const config = {
        rootDir: join(ROOT, '__test__', 'fixtures', 'jest'),
        testMatch: ['**/*.js'],
        globals: { port, place },
      };
      const args = command(JSON.stringify(config), options);
      const { code, stdout, stderr } = await runNode(args, { timeout: TIMEOUT });
      let complaints = stderr.replace(/^PASS .*(\n {2}.*)*\n|^(Test|Snap|Time|Ran all).*\n/gm, '');
      if (version === '29' && options.detectOpenHandles) {
        // Every module built with napi-rs has this handle. It does not keep the process alive, and
        // jest 30 knows it.
        complaints = complaints.replace(/^Jest has .* 1 open handle .*\s+●\s+CustomGC\s[^●]*/m, '');
      }
      expect({ code, stdout, complaints: complaints.trim() }).toEqual({
        code: 0,
        stdout: '',
        complaints: '',
      });
      expect(stderr).toMatch(/^Test Suites: 2 passed, 2 total$/m);
      expect(stderr).toMatch(/^Tests: {7}10 passed, 10 total$/m);
    });
  });
}

module.exports = { testsInJest };
