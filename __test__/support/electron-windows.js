'use strict';

/**
 * Windows of a real Electron, which runs electron/app.js. Each test file has an Electron of its own.
 */

const { join } = require('node:path');
const { electronPath, startElectron, NO_ELECTRON } = require('../../support/electron.js');
const { stopServers } = require('../../support/servers.js');

if (!electronPath()) console.warn(`The tests in Electron are skipped: ${NO_ELECTRON}`);

jest.setTimeout(20_000);

const LOOPBACK = { sockets: { tcp: { connect: ['127.0.0.1:*', 'localhost:*'] } } };

/** @type {import('../../support/electron.js').RunningElectron} */
let electron;
/** @type {Map<number, (message: any) => void>} */
const waiting = new Map();
let commands = 0;
let names = 0;

/** Has the app do something. */
async function ask(command, ...args) {
  commands += 1;
  const answer = new Promise((resolve) => waiting.set(commands, resolve));
  electron.send({ id: commands, command, args });
  const { error, value } = await answer;
  if (error !== undefined) throw new Error(error);
  return value;
}

const evaluate = (window, code) => ask('evaluate', window, code);
const newName = (kind) => `${kind} ${(names += 1)}`;

/** A window of an application that is served by its session. */
async function openWindow(partition, webPreferences) {
  const name = newName('window');
  await ask('open', name, partition, webPreferences);
  await ask('load', name);
  return name;
}

async function newApplication(manifest = LOOPBACK) {
  const partition = newName('application');
  await ask('serve', partition, manifest);
  return partition;
}

const connect = (window, port, properties = {}) =>
  evaluate(window, `connect('127.0.0.1', ${port}, ${JSON.stringify(properties)})`);

const says = (window, socketId, text) =>
  evaluate(window, `until(() => texts[${socketId}] === ${JSON.stringify(text)})`);

/** Whether a page has the API. */
const hasSockets = (window) =>
  evaluate(window, "typeof chrome === 'object' && 'sockets' in chrome");

async function start() {
  electron = await startElectron(join(__dirname, '../electron/app.js'));
  const { exited } = await electron.next();
  if (exited) throw new Error(exited);
  void (async () => {
    for (;;) {
      const message = await electron.next();
      if (message.exited) {
        for (const answer of waiting.values()) answer({ error: message.exited });
        return;
      }
      waiting.get(message.id)?.(message);
      waiting.delete(message.id);
    }
  })();
}

/** A group of tests, which is skipped without an Electron. @type {jest.Describe} */
const describeElectron = electronPath() ? describe : describe.skip;

if (electronPath()) {
  beforeAll(start);
  afterAll(() => electron?.close());
  afterEach(stopServers);
}

module.exports = {
  LOOPBACK,
  ask,
  connect,
  describeElectron,
  evaluate,
  hasSockets,
  newApplication,
  newName,
  openWindow,
  says,
};
