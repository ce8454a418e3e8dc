'use strict';

const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { parseManifest } = require('../lib/options/manifest.js');

const withConnect = (connect) => ({ name: 'app', sockets: { tcp: { connect } } });

describe("a manifest's connect patterns", () => {
  // Chromium's results for each form are recorded: conformance/scenarios/permissions.mjs.
  test('allow hosts and ports that one of them matches', () => {
    const { allowsConnect } = parseManifest(withConnect(['*.example.com:443', 'mail.test']));
    expect(allowsConnect('www.example.com', 443)).toBe(true);
    expect(allowsConnect('EXAMPLE.com', 443)).toBe(true);
    expect(allowsConnect('www.example.com', 80)).toBe(false);
    expect(allowsConnect('mail.test', 25)).toBe(true);
    expect(allowsConnect('imap.mail.test', 25)).toBe(false);
  });

  test('allow nothing if the manifest has no sockets', () => {
    expect(parseManifest({ name: 'app' }).allowsConnect('localhost', 80)).toBe(false);
  });

  test('are own members, not those of a prototype', () => {
    const manifest = Object.create(withConnect('*'));
    expect(parseManifest(manifest).allowsConnect('localhost', 80)).toBe(false);
  });

  test('are read once, so later changes of the object have no effect', () => {
    const list = ['localhost'];
    const { allowsConnect } = parseManifest(withConnect(list));
    list[0] = '*';
    expect(allowsConnect('example.com', 80)).toBe(false);
  });
});

describe('a manifest in a file', () => {
  let directory;
  beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'manifest-'))));
  afterAll(() => rmSync(directory, { recursive: true }));

  const write = (text) => {
    const path = join(directory, 'manifest.json');
    writeFileSync(path, text);
    return path;
  };

  test('may be a path or a file URL', () => {
    const path = write(JSON.stringify(withConnect('localhost')));
    for (const name of [path, pathToFileURL(path)]) {
      expect(parseManifest(name).allowsConnect('localhost', 80)).toBe(true);
    }
  });

  test('may contain comments, and strings that look like comments', () => {
    const path = write('{ // c\n "sockets": {"tcp": {"connect": ["/*", "a\\"//"] /* c */ } } }');
    const { allowsConnect } = parseManifest(path);
    expect(allowsConnect('/*', 1)).toBe(true);
    expect(allowsConnect('a"//', 1)).toBe(true);
  });

  test('throws an error that names the file if it is missing or not JSON', () => {
    const missing = join(directory, 'missing.json');
    expect(() => parseManifest(missing)).toThrow(
      `manifest ${missing}: expected a file that can be read (ENOENT`,
    );
    const path = write('{ "sockets": }');
    expect(() => parseManifest(path)).toThrow(`manifest ${path}: expected JSON (`);
  });

  test('throws an error that names file, member and expectation for a bad member', () => {
    const path = write(JSON.stringify(withConnect(['*', 'localhost:http'])));
    expect(() => parseManifest(path)).toThrow(
      `manifest ${path}: sockets.tcp.connect[1]: Invalid host:port pattern "localhost:http", ` +
        "expected a port from 1 to 65535 or '*' behind the colon",
    );
  });
});

describe('configure() refuses a manifest that Chromium refuses:', () => {
  test.each([
    [undefined, 'manifest: expected an object or a path, found undefined'],
    [null, 'manifest: expected an object or a path, found null'],
    [[], 'manifest: expected an object or a path, found an array'],
    [5, 'manifest: expected an object or a path, found a number'],
    [{ sockets: null }, 'manifest: sockets: expected an object, found null'],
    [{ sockets: { tcp: [] } }, 'manifest: sockets.tcp: expected an object, found an array'],
    [
      withConnect({}),
      'manifest: sockets.tcp.connect: expected a string or an array of strings, found an object',
    ],
    [withConnect(['a', 5]), 'manifest: sockets.tcp.connect[1]: expected a string, found a number'],
    [
      withConnect('::1'),
      'manifest: sockets.tcp.connect: Invalid host:port pattern "::1", expected one colon at most; ' +
        "of IPv6 addresses only '*' can stand for all",
    ],
    [
      withConnect(' a'),
      'manifest: sockets.tcp.connect: Invalid host:port pattern " a", expected no space around the host',
    ],
    [
      { sockets: { udp: { multicastMembership: ['*'] } } },
      'manifest: sockets.udp.multicastMembership[0]: Invalid host:port pattern "*", ' +
        'expected an empty string, as this operation has no address',
    ],
  ])('%j', (manifest, message) => {
    expect(() => parseManifest(manifest)).toThrow(new Error(message));
  });
});
