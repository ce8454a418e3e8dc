'use strict';

// examples/electron/, and the same Chrome App ported by the guide of docs/electron.md, against a server on loopback.

const { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { irc } = require('../../examples/demo/servers.js');
const { electronPath, NO_ELECTRON } = require('../../support/electron.js');
const { ROOT } = require('../support/child.js');
const { openExample } = require('../support/example-page.js');
const { installInto } = require('../support/installed.js');
const { startServer, stopServers } = require('../../support/servers.js');

const testElectron = electronPath() ? test : test.skip;
if (!electronPath()) console.warn(`The example is not tested: ${NO_ELECTRON}`);

afterEach(stopServers);

const EXAMPLE = join(ROOT, 'examples', 'electron');

/** Follows the porting guide. @param {string} folder @returns {string} The main file. */
function port(folder) {
  const text = readFileSync(join(ROOT, 'docs', 'electron.md'), 'utf8');
  const guide = text.split('## From a Chrome App to Electron')[1];
  const block = (/** @type {string} */ language) =>
    guide.split(`\`\`\`${language}\n`)[1].split('```')[0];
  const manifest = block('json');
  cpSync(join(EXAMPLE, 'app'), join(folder, 'app'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), manifest);
  const main = join(folder, JSON.parse(manifest).main);
  writeFileSync(main, block('js'));
  installInto(folder);
  return main;
}

testElectron.each([
  ['of examples/electron', () => join(EXAMPLE, 'main.js')],
  ['ported by the guide of docs/electron.md', port],
])(
  'the IRC client %s exchanges messages and is refused hosts that its manifest does not list',
  async (_name, mainIn) => {
    const { port } = await startServer({ onConnection: irc });
    const folder = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-example-'));
    const picture = process.env.EXAMPLE_PICTURE ?? join(folder, 'parlour.png');
    const page = await openExample(mainIn(folder));
    const { evaluate, shows } = page;
    const submit = (host) =>
      evaluate(`{
        document.getElementById('host').value = '${host}';
        document.getElementById('port').value = '${port}';
        document.getElementById('connect').click();
      }`);
    try {
      await submit('127.0.0.1');
      await shows('Not connected: Does not have permission');
      await submit('localhost');
      await shows('guide: Nice to meet you');
      await evaluate(`{
        document.getElementById('text').value = 'Good evening';
        document.getElementById('say').requestSubmit();
      }`);
      const { value } = await shows('visitor: Good evening');
      expect(value.split('\n').filter(Boolean)).toEqual([
        `Connecting to 127.0.0.1:${port}`,
        'Not connected: Does not have permission',
        `Connecting to localhost:${port}`,
        'Welcome, visitor',
        'visitor is in #parlour',
        'guide: Nice to meet you',
        'visitor: Good evening',
      ]);
      const { size } = await evaluate('0', { picture });
      expect(size.width).toBeGreaterThanOrEqual(640);
      // A picture with something in it.
      expect(readFileSync(picture).length).toBeGreaterThan(5000);
    } finally {
      await page.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  20_000,
);
