'use strict';

// examples/web-server/ in a sandboxed page, asked by Node's HTTP client.

const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const http = require('node:http');
const { once } = require('node:events');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { electronPath, NO_ELECTRON } = require('../../support/electron.js');
const { ROOT } = require('../support/child.js');
const { openExample } = require('../support/example-page.js');
const { closedPort, stopServers } = require('../../support/servers.js');

const testElectron = electronPath() ? test : test.skip;
if (!electronPath()) console.warn(`The web server is not tested: ${NO_ELECTRON}`);

afterEach(stopServers);

/** The status and the body of a page. */
async function get(port, path) {
  const request = http.get({ host: '127.0.0.1', port, path, agent: false });
  const [response] = await once(request, 'response');
  let body = '';
  for await (const data of response) body += data;
  return { status: response.statusCode, body };
}

testElectron(
  'the web server of examples/web-server answers and shows requests, and is refused other addresses',
  async () => {
    const port = await closedPort();
    const folder = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-web-server-'));
    const picture = process.env.EXAMPLE_PICTURE ?? join(folder, 'pinboard.png');
    const page = await openExample(join(ROOT, 'examples', 'web-server', 'main.js'));
    const { evaluate, shows } = page;
    const submit = (address) =>
      evaluate(`{
        document.getElementById('address').value = '${address}';
        document.getElementById('port').value = '${port}';
        document.getElementById('start').click();
      }`);
    try {
      await submit('0.0.0.0');
      await shows('Not listening: Does not have permission');
      await submit('127.0.0.1');
      await shows(`Listening on http://127.0.0.1:${port}/`);
      expect(await get(port, '/')).toEqual({ status: 200, body: 'Back at five.' });
      expect(await get(port, '/other')).toEqual({ status: 404, body: 'Not found' });
      const all = await Promise.all(Array.from({ length: 50 }, () => get(port, '/')));
      expect(all.every(({ status }) => status === 200)).toBe(true);
      await shows('GET /other');
      await evaluate('0', { picture });
      // A picture with something in it.
      expect(readFileSync(picture).length).toBeGreaterThan(5000);
      await evaluate(`document.getElementById('stop').click()`);
      await shows('Stopped');
      await expect(get(port, '/')).rejects.toThrow('ECONNREFUSED');
    } finally {
      await page.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  30_000,
);
