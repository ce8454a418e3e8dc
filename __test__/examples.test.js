'use strict';

const { execFile } = require('node:child_process');
const http = require('node:http');
const { once } = require('node:events');
const { join } = require('node:path');
const { TLSSocket } = require('node:tls');
const { ROOT } = require('./support/child.js');
const {
  certificate,
  closedPort,
  echo,
  startServer,
  stopServers,
} = require('../support/servers.js');

afterEach(stopServers);

/** Runs an example as a reader would, with typed input. */
function run(name, args, input = '') {
  return new Promise((resolve) => {
    const file = join(ROOT, 'examples', `${name}.js`);
    const options = { cwd: ROOT, timeout: 10_000 };
    const child = execFile(process.execPath, [file, ...args.map(String)], options, (_e, out, err) =>
      resolve({ code: child.exitCode, stdout: out, stderr: err }),
    );
    child.stdin.on('error', () => {}).end(input);
  });
}

/** Runs Node with these arguments, relative to the project. */
function runNode(...args) {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd: ROOT, timeout: 60_000 }, (_e, out, err) =>
      resolve({ code: child.exitCode, stdout: out, stderr: err }),
    );
  });
}

/** Calls `answer` with each line that a socket receives. */
function onLine(socket, answer) {
  let rest = '';
  socket.on('data', (data) => {
    const lines = (rest + data).split('\r\n');
    rest = lines.pop();
    lines.forEach(answer);
  });
}

test('the telnet example exchanges data with a server', async () => {
  const onConnection = (socket) => {
    echo(socket);
    socket.once('data', () => socket.end());
  };
  const { port } = await startServer({ onConnection });
  const { code, stdout } = await run('telnet', ['127.0.0.1', port], 'hello\n');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'hello\n' });
});

test('the telnet example reports a refused connection', async () => {
  const { code, stderr } = await run('telnet', ['127.0.0.1', await closedPort()]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'connect: net::ERR_CONNECTION_REFUSED\n' });
});

test('the HTTP example prints a page over HTTP and HTTPS', async () => {
  const server = http.createServer((request, response) => response.end(`you want ${request.url}`));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { code, stdout } = await run('http', ['127.0.0.1', server.address().port, '/page']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n[^]*you want \/page/);
  server.close();
});

test('the IRC example joins a channel and posts a message', async () => {
  const received = [];
  const onConnection = (socket) => {
    // Its PONG may come behind its QUIT.
    const say = (line) => socket.writable && socket.write(`${line}\r\n`);
    onLine(socket, (line) => {
      received.push(line);
      if (line.startsWith('USER')) say('PING :42');
      if (line.startsWith('PONG')) say(':server 001 visitor :Welcome');
      if (line === 'QUIT') socket.end(':server ERROR :Bye\r\n');
    });
  };
  const { port } = await startServer({ onConnection, tls: certificate() });
  const { code, stdout, stderr } = await run('irc', ['localhost', port, 'visitor'], '/quit\n');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(received).toEqual(expect.arrayContaining(['NICK visitor', 'USER visitor 0 * :visitor']));
  expect(stdout).toContain(':server ERROR :Bye\n');
  expect(stdout).not.toContain('PING');
});

test('the SMTP example sends a message over STARTTLS', async () => {
  const received = [];
  function talk(socket, greeting) {
    let inMail = false;
    const say = (line) => socket.write(`${line}\r\n`);
    if (greeting) say(greeting);
    onLine(socket, (line) => {
      received.push(line);
      if (inMail && line !== '.') return;
      inMail = line === 'DATA';
      if (line === 'STARTTLS') {
        say('220 go ahead');
        socket.removeAllListeners('data');
        talk(new TLSSocket(socket, { isServer: true, ...certificate() }));
      } else if (line.startsWith('EHLO')) {
        socket.write('250-here\r\n');
        setImmediate(() => say('250 STARTTLS'));
      } else {
        say({ DATA: '354 go on', QUIT: '221 bye' }[line] ?? '250 fine');
      }
    });
  }
  const { port } = await startServer({ onConnection: (socket) => talk(socket, '220 hello') });
  const mail = 'Subject: Hello\n\n.dot\n';
  const { code, stderr } = await run('smtp', ['localhost', port, 'a@b', 'c@d'], mail);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(received.slice(-8)).toEqual([
    'MAIL FROM:<a@b>',
    'RCPT TO:<c@d>',
    'DATA',
    'Subject: Hello',
    '',
    '..dot',
    '.',
    'QUIT',
  ]);
});

test('the MQTT example publishes and receives a message', async () => {
  const mqttPacket = require('mqtt-packet');
  const { port } = await startServer({
    onConnection(socket) {
      const answer = (packet) => socket.write(mqttPacket.generate(packet));
      const parser = mqttPacket.parser();
      parser.on('packet', (packet) => {
        const { cmd, messageId } = packet;
        if (cmd === 'connect') answer({ cmd: 'connack', returnCode: 0, sessionPresent: false });
        if (cmd === 'subscribe') answer({ cmd: 'suback', messageId, granted: [0] });
        if (cmd === 'publish') answer(packet);
      });
      socket.on('data', (data) => parser.parse(data));
    },
  });
  const { code, stdout } = await run('mqtt', ['127.0.0.1', port, 'weather', 'sunny']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'weather: sunny\n' });
});

test('the jest example passes without an open handle', async () => {
  const jestFile = require.resolve('jest/bin/jest');
  const config = 'examples/jest/jest.config.js';
  const { code, stderr } = await runNode(jestFile, '--config', config, '--detectOpenHandles');
  expect(stderr).toMatch(/^Tests: +4 passed, 4 total$/m);
  expect(stderr).not.toMatch(/open handle/);
  expect(code).toBe(0);
}, 60_000);

test('the TypeScript example compiles and exchanges data', async () => {
  const { port } = await startServer({ onConnection: echo });
  const file = 'examples/typescript/start.js';
  const { code, stdout, stderr } = await runNode(file, '127.0.0.1', String(port), 'one', 'three');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe('4 bytes sent, reply: one\n6 bytes sent, reply: three\n');
}, 60_000);

describe('the service example', () => {
  const { createService } = require('../examples/service/service.js');
  let service;
  afterEach(() => service.close());

  /** The status and the text of `GET path` with a WHOIS server on this port. */
  async function get(port, path, timeout) {
    service = createService({ host: '127.0.0.1', port }, timeout);
    await once(service.listen(0, '127.0.0.1'), 'listening');
    const response = await fetch(`http://127.0.0.1:${service.address().port}${path}`);
    return [response.status, await response.text()];
  }

  test('passes on the answer of the WHOIS server', async () => {
    const onConnection = (socket) => socket.once('data', (name) => socket.end(`about ${name}`));
    const { port } = await startServer({ onConnection });
    expect(await get(port, '/example.com')).toEqual([200, 'about example.com\r\n']);
  });

  test('refuses a path that is not a domain name', async () => {
    expect(await get(await closedPort(), '/a%0ab')).toEqual([400, 'expected a domain name\n']);
  });

  test('names the error of a server that refuses', async () => {
    const port = await closedPort();
    expect(await get(port, '/example.com')).toEqual([502, 'ERR_CONNECTION_REFUSED\n']);
  });

  test('reports a server that does not answer in time', async () => {
    const { port } = await startServer({ onConnection: () => {} });
    expect(await get(port, '/example.com', 50)).toEqual([504, 'TimeoutError\n']);
  });
});
