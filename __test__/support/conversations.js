'use strict';

/**
 * Short conversations of clients that take a stream. `serve` is their peer's half of a connection;
 * `exchange` makes the client, uses and closes it, and returns the received text.
 */

const { once } = require('node:events');
const http = require('node:http');
const { generateKeyPairSync } = require('node:crypto');
const { loadLibrary } = require('./libraries.js');

/**
 * @typedef {object} Conversation
 * @property {(socket: import('node:net').Socket) => void} serve
 * @property {(open: () => any, port: number) => Promise<unknown>} exchange
 * @property {unknown} expected
 */

const answersRequests = () => {
  const server = http.createServer((request, response) => response.end(`you want ${request.url}`));
  return (/** @type {import('node:net').Socket} */ socket) => {
    server.emit('connection', socket);
  };
};

/** @type {Conversation} */
const nodeHttp = {
  serve: answersRequests(),
  async exchange(open, port) {
    const agent = new http.Agent({ keepAlive: true });
    /** @type {any} */ (agent).createConnection = open;
    const received = [];
    for (const path of ['/one', '/two']) {
      const request = http.get({ host: 'localhost', port, path, agent });
      const [response] = await once(request, 'response');
      for await (const data of response) received.push(String(data));
    }
    agent.destroy();
    return received;
  },
  expected: ['you want /one', 'you want /two'],
};

/** @type {Conversation} */
const undici = {
  serve: answersRequests(),
  async exchange(open, port) {
    const { Client } = loadLibrary('undici');
    const connect = (/** @type {object} */ _, /** @type {Function} */ callback) => {
      const stream = open();
      stream.once('connect', () => callback(null, stream)).once('error', callback);
    };
    const client = new Client(`http://localhost:${port}`, { connect });
    const received = [];
    for (const path of ['/one', '/two']) {
      const { body } = await client.request({ path, method: 'GET' });
      received.push(await body.text());
    }
    await client.close();
    return received;
  },
  expected: ['you want /one', 'you want /two'],
};

/** @type {Conversation} */
const ws = {
  serve: (() => {
    const { WebSocketServer } = require('ws');
    const server = http.createServer();
    new WebSocketServer({ server }).on('connection', (peer) =>
      peer.on('message', (data) => peer.send(data)),
    );
    return (/** @type {import('node:net').Socket} */ socket) => {
      server.emit('connection', socket);
    };
  })(),
  async exchange(open, port) {
    const { WebSocket } = require('ws');
    const client = new WebSocket(`ws://localhost:${port}`, { createConnection: open });
    await once(client, 'open');
    client.send('x'.repeat(300_000));
    const [data] = await once(client, 'message');
    client.close();
    await once(client, 'close');
    return data.length;
  },
  expected: 300_000,
};

/** @type {Conversation} */
const mqtt = {
  serve(socket) {
    const mqttPacket = require('mqtt-packet');
    const answer = (/** @type {any} */ packet) => socket.write(mqttPacket.generate(packet));
    const parser = mqttPacket.parser();
    parser.on('packet', ({ cmd, ...packet }) => {
      if (cmd === 'connect') answer({ cmd: 'connack', returnCode: 0, sessionPresent: false });
      if (cmd === 'subscribe') answer({ cmd: 'suback', messageId: packet.messageId, granted: [0] });
      if (cmd === 'publish') answer({ cmd, ...packet });
    });
    socket.on('data', (data) => parser.parse(data));
  },
  async exchange(open) {
    const { MqttClient } = require('mqtt');
    const client = new MqttClient(open, { reconnectPeriod: 0 });
    await once(client, 'connect');
    await client.subscribeAsync('weather');
    client.publish('weather', 'sunny');
    const [topic, message] = await once(client, 'message');
    await client.endAsync();
    return [topic, String(message)];
  },
  expected: ['weather', 'sunny'],
};

/** @type {Conversation} */
const ssh2 = {
  serve: (() => {
    /** @type {any} */
    let server;
    return (socket) => {
      const { Server } = loadLibrary('ssh2');
      const encoding = /** @type {const} */ ({ type: 'pkcs1', format: 'pem' });
      server ??= new Server(
        {
          hostKeys: [
            generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(encoding),
          ],
        },
        (/** @type {any} */ peer) => {
          peer.on('authentication', (/** @type {any} */ attempt) =>
            attempt.method === 'password' ? attempt.accept() : attempt.reject(['password']),
          );
          peer.on('error', () => {});
          peer.on('session', (/** @type {() => any} */ accept) =>
            accept().on('exec', (/** @type {() => any} */ run, _reject, { command }) => {
              const channel = run();
              channel.write(`ran ${command}`);
              channel.exit(0);
              channel.end();
            }),
          );
        },
      );
      server.injectSocket(socket);
    };
  })(),
  async exchange(open) {
    const { Client } = loadLibrary('ssh2');
    const client = new Client();
    client.connect({ sock: open(), username: 'visitor', password: 'secret' });
    await once(client, 'ready');
    const channel = await new Promise((resolve, reject) => {
      client.exec('uptime', (/** @type {any} */ error, /** @type {any} */ stream) =>
        error ? reject(error) : resolve(stream),
      );
    });
    let received = '';
    for await (const data of channel) received += data;
    const closed = once(client, 'close');
    client.end();
    await closed;
    return received;
  },
  expected: 'ran uptime',
};

/** @type {Conversation} */
const nodemailer = {
  serve(socket) {
    let text = '';
    let inMessage = false;
    const answer = (/** @type {string} */ line) => {
      if (inMessage) {
        if (line !== '.') return;
        inMessage = false;
        socket.write('250 accepted\r\n');
      } else if (line.startsWith('EHLO')) {
        socket.write('250-localhost\r\n250 8BITMIME\r\n');
      } else if (line === 'DATA') {
        inMessage = true;
        socket.write('354 go on\r\n');
      } else if (line === 'QUIT') {
        socket.end('221 bye\r\n');
      } else {
        socket.write('250 ok\r\n');
      }
    };
    socket.write('220 localhost\r\n');
    socket.on('data', (data) => {
      const lines = (text + data).split('\r\n');
      text = lines.pop() ?? '';
      lines.forEach(answer);
    });
  },
  async exchange(open, port) {
    const { createTransport } = loadLibrary('nodemailer');
    const transport = createTransport({
      host: 'localhost',
      port,
      getSocket: (/** @type {object} */ _, /** @type {Function} */ callback) => {
        const stream = open();
        stream.once('connect', () => callback(null, { connection: stream }));
        stream.once('error', callback);
      },
    });
    const { accepted, response } = await transport.sendMail({
      ...{ from: 'a@localhost', to: 'b@localhost', subject: 'weather', text: 'sunny' },
    });
    transport.close();
    return [accepted, response];
  },
  expected: [['b@localhost'], '250 accepted'],
};

/** @type {Conversation} */
const ioredis = {
  serve(socket) {
    let text = '';
    const values = new Map();
    const answer = (/** @type {string[]} */ [name, key, value]) => {
      if (name === 'set') {
        values.set(key, value);
        return '+OK\r\n';
      }
      if (name === 'get') return `$${values.get(key).length}\r\n${values.get(key)}\r\n`;
      return '+OK\r\n';
    };
    socket.on('data', (data) => {
      text += data;
      for (let command; (command = takeCommand());) socket.write(answer(command));
    });
    const takeCommand = () => {
      const lines = text.split('\r\n');
      const count = Number(lines[0].slice(1));
      if (lines.length <= 2 * count + 1) return undefined;
      text = lines.slice(2 * count + 1).join('\r\n');
      return lines.slice(1, 2 * count + 1).filter((_, index) => index % 2 === 1);
    };
  },
  async exchange(open) {
    const { AbstractConnector, Redis } = loadLibrary('ioredis');
    class Connector extends AbstractConnector {
      constructor() {
        super(1000);
      }

      async connect() {
        this.stream = open();
        return this.stream;
      }
    }
    const redis = new Redis({ Connector, enableReadyCheck: false, retryStrategy: null });
    await redis.set('weather', 'sunny');
    const received = await redis.get('weather');
    const ended = once(redis, 'end');
    await redis.quit();
    redis.disconnect();
    await ended;
    return received;
  },
  expected: 'sunny',
};

/** A message of PostgreSQL's protocol: its kind, its length, its content. */
const pgMessage = (/** @type {string} */ kind, /** @type {Buffer[]} */ ...parts) => {
  const content = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.write(kind);
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
};
const int16 = (/** @type {number} */ value) => Buffer.from([value >> 8, value & 255]);
const int32 = (/** @type {number} */ value) =>
  Buffer.concat([int16(value >> 16), int16(value & 0xffff)]);

/** @type {Conversation} */
const pg = {
  serve(socket) {
    const TEXT_TYPE = 25;
    const ready = pgMessage('Z', Buffer.from('I'));
    const row = [
      pgMessage(
        'T',
        int16(1),
        Buffer.from('weather\0'),
        int32(0),
        int16(0),
        int32(TEXT_TYPE),
        int16(0xffff),
        int32(0),
        int16(0),
      ),
      pgMessage('D', int16(1), int32(5), Buffer.from('sunny')),
      pgMessage('C', Buffer.from('SELECT 1\0')),
      ready,
    ];
    socket.once('data', () => {
      socket.write(Buffer.concat([pgMessage('R', int32(0)), ready]));
      socket.on('data', (data) => {
        if (String(data).startsWith('Q')) socket.write(Buffer.concat(row));
        else socket.end();
      });
    });
  },
  async exchange(open, port) {
    const { Client } = loadLibrary('pg');
    const client = new Client({
      ...{ host: 'localhost', port, user: 'visitor', password: '', database: 'test', ssl: false },
      stream: open,
      keepAlive: true,
    });
    await client.connect();
    client.unref();
    client.ref();
    const { rows } = await client.query('SELECT weather');
    await client.end();
    return rows;
  },
  expected: [{ weather: 'sunny' }],
};

/** @type {Record<string, Conversation>} */
const conversations = { http: nodeHttp, ioredis, mqtt, nodemailer, pg, ssh2, undici, ws };

module.exports = { conversations };
