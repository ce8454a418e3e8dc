/** The arguments of `chrome.sockets.tcpServer`: one call each, of a socket that does not exist. */

const NONE = 987654321;
const HOST = '127.0.0.1';

async function run({ serve, parameters: { method, args } }) {
  await serve(method, ...args);
}

/** The same without the callback that `serve` adds. */
async function runWithout({ attempt, tcpServer, parameters: { method, args } }) {
  await attempt(method, () => tcpServer[method](...args));
}

const shown = (method, args) =>
  `${method}(${args.map((value) => JSON.stringify(value)).join(', ')})`;

const calls = (method, rows) =>
  rows.map((args) => ({
    name: `${shown(method, args)} with a callback`,
    parameters: { method, args },
    run,
  }));

const callsWithout = (method, rows) =>
  rows.map((args) => ({
    name: `${shown(method, args)} without a callback`,
    parameters: { method, args },
    run: runWithout,
  }));

export default [
  ...calls('create', [
    [],
    [null],
    [{}],
    [{ persistent: true, name: 'web' }],
    [{ persistent: null, name: null }],
    ['web'],
    [[]],
    [{ persistent: 1 }],
    [{ name: 1 }],
    [{ bufferSize: 4096 }],
    [{}, {}],
  ]),
  ...calls('update', [[NONE, {}], [NONE], ['1', {}], [NONE, null], [NONE, { bufferSize: 1 }]]),
  ...calls('setPaused', [[NONE, true], [NONE], [NONE, 1], [true, NONE]]),
  ...calls('listen', [
    [NONE, HOST, 0],
    [NONE, HOST, 0, 5],
    [NONE, HOST, 0, null],
    [],
    [NONE],
    [NONE, HOST],
    [NONE, 1, 0],
    [NONE, null, 0],
    [NONE, HOST, '80'],
    [NONE, HOST, 1.5],
    [NONE, HOST, 2 ** 31],
    [NONE, HOST, 0, '5'],
    [NONE, HOST, 0, 1.5],
    [NONE, HOST, 0, 5, 5],
  ]),
  ...calls('disconnect', [[NONE], [], ['1'], [null], [NONE, 1]]),
  ...calls('close', [[NONE], [], ['1'], [0], [-1]]),
  ...calls('getInfo', [[NONE], [], [{}]]),
  ...calls('getSockets', [[1]]),
  ...callsWithout('create', [[], [{ name: 'web' }], [1]]),
  ...callsWithout('update', [[NONE, {}]]),
  ...callsWithout('setPaused', [[NONE, true]]),
  ...callsWithout('listen', [
    [NONE, HOST, 0],
    [NONE, HOST, 0, 5],
  ]),
  ...callsWithout('disconnect', [[NONE]]),
  ...callsWithout('close', [[NONE]]),
  ...callsWithout('getInfo', [[NONE]]),
  ...callsWithout('getSockets', [[]]),
];
