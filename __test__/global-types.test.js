'use strict';

// After `chrome-sockets-tcp/register` TypeScript knows the globals, with and without the packages that
// declare them as well.

const { execFile } = require('node:child_process');
const { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join } = require('node:path');
const { ROOT } = require('./support/child.js');

jest.setTimeout(60_000);

const CODE = `
import 'chrome-sockets-tcp/register';

chrome.sockets.tcp.create({}, ({ socketId }) => {
  chrome.sockets.tcp.connect(socketId, 'localhost', 80, (result: number) => {
    const message: string | undefined = chrome.runtime.lastError?.message;
    console.log(message, result);
  });
  // @ts-expect-error a host is text
  chrome.sockets.tcp.connect(socketId, 5, 80, () => {});
  // @ts-expect-error a message is text
  const code: number | undefined = chrome.runtime.lastError?.message;
  console.log(code);
});
chrome.sockets.tcp.onReceive.addListener(({ data }) => console.log(data.byteLength));
export const info: chrome.sockets.tcp.SocketInfo | undefined = undefined;
`;

let folder;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chrome-sockets-tcp-types-'));
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(join(folder, 'index.ts'), CODE);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The output of the compiler, line by line. */
const compile = (packages, { skipLibCheck, module }) => {
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
  symlinkSync(ROOT, join(folder, 'node_modules', 'chrome-sockets-tcp'), 'junction');
  for (const name of ['@types/node', 'undici-types', ...packages]) {
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name), 'junction');
  }
  const compilerOptions = {
    ...{ strict: true, noEmit: true, target: 'es2022', lib: ['es2022', 'dom'], types: ['*'] },
    // The package is in the project then, and not beside the packages of its own development.
    preserveSymlinks: true,
    ...{ skipLibCheck, module, moduleResolution: module === 'node16' ? module : 'bundler' },
  };
  const config = { compilerOptions, files: ['index.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  return new Promise((resolve) => {
    execFile(process.execPath, [compiler, '-p', folder], (_error, stdout) => {
      resolve(stdout.split('\n').filter(Boolean));
    });
  });
};

const chrome = '@types/chrome';
const apps = '@types/chrome-apps';
const theirs = ['@types/har-format', '@types/filesystem', '@types/filewriter'];

describe.each(['node16', 'esnext'])('module %s', (module) => {
  test.each([
    ['no other package', [], false],
    [chrome, [chrome, ...theirs], false],
    // These two do not compile without skipLibCheck, for reasons of their own.
    [apps, [apps, ...theirs], true],
    ['both', [chrome, apps, ...theirs], true],
  ])('the globals are declared beside %s', async (_name, packages, skipLibCheck) => {
    expect(await compile(packages, { skipLibCheck, module })).toEqual([]);
  });
});
