/**
 * The permissions of `sockets.tcpServer.listen`. The addresses belong to no interface, so that a
 * listen that is allowed fails by itself.
 */
async function run({ createServer, tcpServer, runtime, log, parameters }) {
  for (const [address, port] of parameters.rows) {
    const id = await createServer();
    const failure = await new Promise((resolve) =>
      tcpServer.listen(id, address, port, () => resolve(runtime.lastError?.message)),
    );
    const denied = failure === 'Does not have permission';
    log(`${JSON.stringify(address)} ${port}: ${denied ? 'denied' : 'allowed'}`);
  }
}

const ADDRESS = '192.0.2.1';
const EVERYTHING = [
  [ADDRESS, 0],
  [ADDRESS, 80],
  [ADDRESS, 81],
  [ADDRESS, 80 + 65536],
  ['2001:db8::1', 80],
  ['a.example', 80],
  ['A.Example', 80],
  ['b.a.example', 80],
  ['', 80],
];

const manifest = (sockets) => ({
  name: `manifest: ${JSON.stringify(sockets)}`,
  manifest: { sockets },
  parameters: { rows: EVERYTHING },
  run,
});

const listen = (patterns) => manifest({ tcp: { connect: '*' }, tcpServer: { listen: patterns } });

export default [
  manifest({}),
  manifest({ tcp: { connect: '*' } }),
  manifest({ tcpServer: {} }),
  manifest({ tcpServer: { listen: '*' } }),
  ...['', '*:80', ':80', '*:0', ADDRESS, `${ADDRESS}:80`, '*.0.2.1', 'a.example', '*.a.example']
    .concat(['[2001:db8::1]', '2001:db8::1', 'a.example:81'])
    .map(listen),
  ...[[], [ADDRESS, '*:81'], ['a.example:80', ':0']].map(listen),
  ...[1, null, {}, ['*', 1], 'a.example:x', ':65536'].map(listen),
];
