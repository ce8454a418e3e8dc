'use strict';

// An app as it is shipped: in an archive, app.asar, in a real Electron.

const { createPackageWithOptions } = require('@electron/asar');
const { cpSync, mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join } = require('node:path');
const { electronPath, startElectron, NO_ELECTRON } = require('../../support/electron.js');
const { ROOT } = require('../support/child.js');
const { installInto } = require('../support/installed.js');
const { echo, startServer, stopServers } = require('../../support/servers.js');

const describeElectron = electronPath() ? describe : describe.skip;
if (!electronPath()) console.warn(`Archives are not tested: ${NO_ELECTRON}`);

jest.setTimeout(20_000);

let folder;
let electron;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-asar-'))));

afterEach(async () => {
  await electron?.close();
  await stopServers();
  rmSync(folder, { recursive: true });
});

/** The app with its installed packages. @returns {string} Its folder. */
function makeApp() {
  const app = join(folder, 'app');
  installInto(app);
  for (const file of ['asar-app.js', 'page.html', 'page.js']) {
    cpSync(join(__dirname, file), join(app, file));
  }
  return app;
}

/**
 * Packs the app, starts it, and exchanges data in its main process and its page.
 *
 * @param {string} [unpack] The files that stay outside of the archive.
 * @returns {Promise<string[]>} Where the native module was loaded from.
 */
async function conversation(unpack) {
  const { port } = await startServer({ onConnection: echo });
  const app = makeApp();
  const archive = join(folder, 'app.asar');
  await createPackageWithOptions(app, archive, unpack ? { unpack: join(app, unpack) } : {});
  rmSync(app, { recursive: true });
  electron = await startElectron(join(archive, 'asar-app.js'), {
    environment: { ASAR_TEST_PORT: String(port), TMPDIR: folder },
  });
  const { main, page, loaded, exited } = await electron.next();
  expect({ main, page, exited }).toEqual({ main: 'from main', page: 'from the page' });
  return loaded;
}

describeElectron('in an archive', () => {
  test('Electron loads the native module beside the archive', async () => {
    const guide = readFileSync(join(ROOT, 'docs', 'electron.md'), 'utf8');
    const [, pattern] = guide.match(/"asarUnpack": \["(.+?)"\]/);
    const [file, ...others] = await conversation(pattern);
    expect(others).toEqual([]);
    expect(file).toContain(
      join(folder, 'app.asar.unpacked', 'node_modules', 'chrome-sockets-tcp-'),
    );
  });

  test('Electron loads a copy of a native module inside the archive', async () => {
    const [file, ...others] = await conversation();
    expect(others).toEqual([]);
    expect(dirname(file)).toBe(folder);
  });
});
