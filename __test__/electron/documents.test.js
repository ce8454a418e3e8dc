'use strict';

const { admitSchemes, isOfOrigin } = require('../../lib/electron/documents.js');

test.each([
  ['file:///home/me/app/index.html', true],
  ['file:///C:/app/index.html', true],
  ['file://server/share/index.html', false],
  ['file:////server/share/index.html', false],
  ['app://host/index.html', true],
  ['other://host/index.html', false],
  ['http://localhost:5173/', false],
  ['https://example.com/', false],
  ['about:blank', false],
  ['about:srcdoc', false],
  ['data:text/html,x', false],
  ['blob:file:///0b5ee0c4', false],
  ["javascript:'x'", false],
  ['chrome-error://chromewebdata/', false],
  ['devtools://devtools/', false],
])('with the scheme app, %s is admitted: %s', (url, expected) => {
  expect(admitSchemes(['app'])(url, '')).toBe(expected);
});

test.each([
  ['file:///a.html', 'file://', true],
  ['file:///a.html', 'null', false],
  ['file:///a.html', '', false],
  ['file:///a.html', undefined, false],
  ['file:///a.html', 'https://example.com', false],
  ['app://host/a.html', 'app://host', true],
  ['app://host/a.html', 'app://other', false],
  ['app://host/a.html', 'null', false],
  ['https://example.com/a', 'https://example.com', true],
  ['https://example.com:443/a', 'https://example.com', true],
  ['https://example.com:8443/a', 'https://example.com', false],
  ['about:blank', 'file://', false],
  ['blob:file:///0b5ee0c4', 'file://', false],
  ['data:text/html,x', 'null', false],
  ['', 'file://', false],
  ['', '', false],
  ['no URL', 'file://', false],
])('%j has the origin %j: %s', (url, origin, expected) => {
  expect(isOfOrigin(url, origin)).toBe(expected);
});

test.each([['app'], [['https']], [['app:']], [['App']], [['']], [[5]], [['blob']], [null]])(
  'schemes: %j is refused',
  (schemes) => {
    expect(() => admitSchemes(schemes)).toThrow(/^schemes: expected /);
  },
);
