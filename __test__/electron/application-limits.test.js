'use strict';

// Limits of pages, in the main process's half without Electron.

const { once } = require('node:events');
const { ANSWER_WINDOW } = require('../../lib/electron/credit.js');
const { MAX_HOST, MAX_NAME, MAX_SOCKETS, MAX_UNANSWERED } = require('../../lib/electron/limits.js');
const { startServer } = require('../../support/servers.js');
const {
  DENIED,
  EVERYTHING,
  answersOf,
  endApplications,
  newApplication,
  openPage,
  openPort,
  takeAnswers,
} = require('../support/application.js');

afterEach(endApplications);

describe('limits of names, hosts and sockets', () => {
  test('a name has at most 4,096 characters, and a longer one fails in call order', async () => {
    const { tcp } = openPage(newApplication());
    const name = 'n'.repeat(MAX_NAME);
    const { socketId } = await tcp.create({ name });
    const order = [];
    const note = (what) => (error) => order.push([what, error?.message]);
    await Promise.allSettled([
      tcp.getInfo(socketId).then(note('before')),
      tcp.create({ name: `${name}n` }).catch(note('create')),
      tcp.update(socketId, { name: `${name}n`, bufferSize: 5 }).catch(note('update')),
      tcp.getInfo(socketId).then(note('after')),
    ]);
    expect(order).toEqual([
      ['before', undefined],
      ['create', 'Name too long'],
      ['update', 'Name too long'],
      ['after', undefined],
    ]);
    expect(await tcp.getSockets()).toHaveLength(1);
    const info = await tcp.getInfo(socketId);
    expect(info.name).toBe(name);
    expect(info).not.toHaveProperty('bufferSize');
  });

  test.each([
    ['denied', {}, [undefined, DENIED]],
    ['allowed by its end', { sockets: { tcp: { connect: '*.example.com' } } }, [-105]],
  ])('a host of a million characters that is %s costs no time', async (_, manifest, outcome) => {
    const { port } = openPort(newApplication(manifest));
    port.postMessage([['create', 0]]);
    const [[, , , , socketId]] = await answersOf(port, 1);
    const parts = ['\u00e9', '\u00e9.', '%41'];
    const hosts = parts.map((part) => `${part.repeat(10 ** 6)}.example.com`);
    const before = process.cpuUsage();
    for (const host of hosts) port.postMessage([['connect', 1, socketId, host, 80, 0]]);
    const answers = await answersOf(port, hosts.length);
    const { user } = process.cpuUsage(before);
    for (const [, , ...found] of answers) expect(found).toEqual(expect.arrayContaining(outcome));
    expect(user).toBeLessThan(1_000_000);
  });

  test('a host at the limit is matched in full', async () => {
    const { port } = await startServer();
    const page = openPage(newApplication({ sockets: { tcp: { connect: `localhost:${port}` } } }));
    const { socketId } = await page.tcp.create();
    // Soft hyphens are no part of a name.
    const host = `${'%C2%AD'.repeat(Math.floor((MAX_HOST - 10) / 6))}localhost`;
    expect(host.length).toBeGreaterThan(MAX_HOST - 20);
    expect(await page.call('connect', socketId, host, port)).toBe(DENIED);
  });

  test('an application has at most 1,024 sockets by default', async () => {
    const create = async (configuration) => {
      const page = openPage(newApplication(EVERYTHING, configuration));
      const made = Array.from({ length: MAX_SOCKETS + 1 }, () => page.call('create', {}));
      return (await Promise.all(made)).filter(({ socketId }) => socketId).length;
    };
    expect(await create({})).toBe(MAX_SOCKETS);
    expect(await create({ maxSockets: undefined })).toBe(MAX_SOCKETS);
    expect(await create({ maxSockets: 7 })).toBe(7);
    expect(await create({ maxSockets: null })).toBe(MAX_SOCKETS + 1);
  });

  test('getInfo shows the socket at the time of the call', async () => {
    const { tcp } = openPage(newApplication());
    const { socketId } = await tcp.create({ name: 'first' });
    const infos = [tcp.getInfo(socketId), tcp.getSockets()];
    void tcp.update(socketId, { name: 'second' });
    infos.push(tcp.getInfo(socketId));
    void tcp.close(socketId);
    infos.push(tcp.getSockets());
    const [first, all, second, none] = await Promise.all(infos);
    expect([first.name, all[0].name, second.name, none]).toEqual(['first', 'first', 'second', []]);
  });
});

describe('limits of answers', () => {
  test('a page that acknowledges no answer gets one window of answers, and the others later', async () => {
    const { port } = openPort(newApplication());
    port.postMessage([['create', 0, false, 'n'.repeat(MAX_NAME), 4096]]);
    const [[, , , , socketId]] = await answersOf(port, 1);
    const calls = Array.from({ length: 1000 }, (_, index) => ['getInfo', index + 1, socketId]);
    port.postMessage(calls);
    const other = openPage(newApplication());
    const first = [];
    for (let quiet = 0; quiet < 20; quiet += 1) {
      await other.tcp.getSockets();
      const some = takeAnswers(port);
      first.push(...some);
      if (some.length > 0) quiet = 0;
    }
    const bytes = first.length * 2 * MAX_NAME;
    expect(bytes).toBeGreaterThan(ANSWER_WINDOW / 2);
    expect(bytes).toBeLessThan(ANSWER_WINDOW + 2 * MAX_NAME);

    let taken = first.length + 1;
    const numbers = first.map(([, number]) => number);
    while (numbers.length < calls.length) {
      port.postMessage([['received', taken]]);
      const some = await answersOf(port, 1);
      numbers.push(...some.map(([, number]) => number));
      taken = some.length;
    }
    expect(numbers).toEqual(calls.map(([, number]) => number));
  });

  test('calls with the same number each get an answer', async () => {
    const { port } = openPort(newApplication());
    port.postMessage([
      ['create', 7],
      ['create', 7],
      ['close', 7, -1],
    ]);
    const answers = await answersOf(port, 3);
    expect(answers.map(([, number, , failure]) => [number, failure])).toEqual([
      [7, undefined],
      [7, undefined],
      [7, 'Socket not found'],
    ]);
    const [[, , , , first], [, , , , second]] = answers;
    expect(first).not.toBe(second);
  });

  test('a page beyond the limit of unanswered calls posts further calls later', async () => {
    const page = openPage(newApplication());
    const { port } = await startServer({ onConnection: (socket) => socket.resume() });
    const socketId = await page.connect(port);
    const count = MAX_UNANSWERED + 1000;
    const data = new ArrayBuffer(1);
    let succeeded = 0;
    await new Promise((resolve) => {
      let answered = 0;
      const callback = ({ resultCode }) => {
        answered += 1;
        if (resultCode === 0) succeeded += 1;
        if (answered === count) resolve();
      };
      for (let index = 0; index < count; index++) page.tcp.send(socketId, data, callback);
    });
    expect(succeeded).toBe(count);
    expect(await page.tcp.getInfo(socketId)).toMatchObject({ connected: true });
  }, 60_000);

  test('a page that posts calls beyond the limit of unanswered calls is ended', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation();
    const { port } = openPort(newApplication());
    const closed = once(port, 'close');
    const calls = Array.from({ length: 1024 }, (_, index) => ['getSockets', index]);
    for (let sent = 0; sent <= MAX_UNANSWERED + ANSWER_WINDOW / 64; sent += 1024) {
      port.postMessage(calls);
    }
    await closed;
    expect(warn.mock.calls.flat()).toEqual([expect.stringContaining('calls without an answer')]);
  }, 60_000);

  test('a page is ended once, although several calls of a message are invalid', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation();
    const onMisbehaved = jest.fn();
    const { port } = openPort(newApplication(), { onMisbehaved });
    const closed = once(port, 'close');
    // Such a call is performed before the next one is looked at.
    const large = ['send', 1, 'no number', new Uint8Array(100_000)];
    port.postMessage([large, large, ['no method']]);
    await closed;
    expect(onMisbehaved).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  test('the warning of a page that was ended is one line of printable text', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation();
    const onMisbehaved = jest.fn();
    const url = `file:///a\n(node:1) forged\u001b[31m\u202e${'x'.repeat(10_000)}`;
    const { port } = openPort(newApplication(), { url, onMisbehaved });
    const closed = once(port, 'close');
    port.postMessage(0);
    port.postMessage(0);
    await closed;
    expect(onMisbehaved).toHaveBeenCalledTimes(1);
    const [[text], ...others] = warn.mock.calls;
    expect(others).toEqual([]);
    expect(text).toMatch(/^chrome-sockets-tcp: a page was ended: [^\p{Control}\u202e]+$/u);
    expect(text.length).toBeLessThan(500);
  });
});
