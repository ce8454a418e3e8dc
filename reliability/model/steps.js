'use strict';

/** The steps of sequences and their frequencies. */

const fc = require('fast-check');

/**
 * @typedef {import('./peers.js').Wish} Wish
 *
 * @typedef {{ do: 'call', method: string, socket: number, with?: any, promised?: boolean }
 *   | { do: 'peer', socket: number, what: string, size?: number }
 *   | { do: 'wait', turns: number, until?: 'microtask' | 'something' | 'rest' }
 *   | { do: 'inside', steps: Step[] }} Step `inside`: in the next callback or listener. The socket is
 *   one of those that there are, counted round; from 90 on it may be closed, from 98 on there is none.
 */

/** @param {[number, fc.Arbitrary<any>][]} choices */
const weighted = (choices) =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));

const socket = weighted([
  [12, fc.nat(89)],
  [1, fc.integer({ min: 90, max: 99 })],
]);

const size = weighted([
  [4, fc.constantFrom(0, 1)],
  [20, fc.nat(300)],
  [10, fc.nat(6000)],
  [4, fc.constantFrom(4096, 8191, 8192, 8193, 16_384, 16_385)],
  [1, fc.constantFrom(65_536, 65_537, 150_000)],
]);

const script = fc.record({
  greets: weighted([
    [1, fc.constant(0)],
    [1, size],
  ]),
  then: weighted([
    [8, fc.constant('stays')],
    [1, fc.constantFrom('ends', 'goes', 'resets')],
  ]),
  echoes: fc.boolean(),
  reads: weighted([
    [9, fc.constant(true)],
    [1, fc.constant(false)],
  ]),
});

const spelling = weighted([
  [3, fc.constant(0)],
  [1, fc.nat(3)],
]);

/** @type {fc.Arbitrary<any>} */
const tls = fc.constantFrom('good', 'good', 'good', 'good', 'old', 'misnamed', 'untrusted');

const peer = fc.constant('peer');
const unresolvable = fc.constant('unresolvable');

const wish = weighted([
  [16, fc.record({ kind: peer, script, spelling })],
  [8, fc.record({ kind: peer, script, spelling, tls })],
  [2, fc.record({ kind: fc.constant('refused') })],
  [2, fc.record({ kind: unresolvable, spelling: fc.nat(2) })],
  // The addresses of this machine's name are of the other family.
  [1, fc.record({ kind: unresolvable, name: fc.constant('system'), family: fc.constant('ipv6') })],
  [2, fc.record({ kind: fc.constant('deaf') })],
  [1, fc.record({ kind: fc.constant('denied') })],
  [2, fc.record({ kind: peer, script, family: fc.constantFrom('any', 'ipv4', 'ipv6') })],
  [
    2,
    fc.record({
      kind: peer,
      script,
      tls,
      name: fc.constantFrom('localhost', 'LocalHost', 'any.localhost', 'system'),
    }),
  ],
]);

const properties = fc.record(
  {
    persistent: fc.boolean(),
    name: fc.constantFrom('', 'a', 'näme'),
    bufferSize: weighted([
      [1, fc.constantFrom(-1, 0)],
      [4, fc.constantFrom(100, 1000, 4096, 5000, 65_536, 100_000)],
    ]),
  },
  { requiredKeys: [] },
);

const tlsOptions = weighted([
  [5, fc.constant([])],
  [1, fc.constantFrom([null], [{}], [{ tlsVersion: { min: 'tls1' } }])],
  [
    2,
    fc.constantFrom(
      [{ tlsVersion: { min: 'tls1.3' } }],
      [{ tlsVersion: { max: 'tls1.2' } }],
      [{ tlsVersion: { min: 'tls1.3', max: 'tls1.2' } }],
    ),
  ],
]);

const sent = fc.record({
  size: weighted([
    [60, size],
    [1, fc.constant(1_500_000)],
    [1, fc.constant(200 * 1024 * 1024 + 1)],
  ]),
  view: fc.boolean(),
});

/**
 * @param {string} method
 * @param {fc.Arbitrary<any>} [wanted]
 */
const call = (method, wanted = fc.constant(undefined)) =>
  fc.record({
    do: fc.constant('call'),
    method: fc.constant(method),
    socket,
    with: wanted,
    promised: fc.boolean(),
  });

const oneOf = (/** @type {any[]} */ ...values) => fc.constantFrom(...values);

const anyCall = weighted([
  [4, call('create', fc.tuple(properties))],
  [4, call('update', fc.tuple(properties))],
  [12, call('setPaused', oneOf([true], [false], [false]))],
  [4, call('setKeepAlive', oneOf([true], [false], [true, 0], [true, 10], [true, -1], [false, -1]))],
  [4, call('setNoDelay', oneOf([true], [false]))],
  [10, call('connect', wish)],
  [5, call('disconnect')],
  [6, call('secure', tlsOptions)],
  [24, call('send', sent)],
  [4, call('close')],
  [8, call('getInfo')],
  [2, call('getSockets')],
]);

const act = weighted([
  [2, fc.constantFrom('end', 'destroy', 'reset')],
  [10, fc.constant('write')],
  [2, fc.constantFrom('stop', 'go')],
]);

const anyPeer = fc.record({ do: fc.constant('peer'), socket, what: act, size });

const wait = weighted([
  [2, fc.constant({ do: 'wait', turns: 0, until: 'microtask' })],
  [6, fc.record({ do: fc.constant('wait'), turns: fc.integer({ min: 1, max: 4 }) })],
  [6, fc.constant({ do: 'wait', turns: 24, until: 'something' })],
  [3, fc.constant({ do: 'wait', turns: 1, until: 'rest' })],
]);

const inside = fc.record({
  do: fc.constant('inside'),
  steps: fc.array(
    weighted([
      [5, anyCall],
      [1, anyPeer],
    ]),
    { minLength: 1, maxLength: 3 },
  ),
});

const rest = { do: 'wait', turns: 1, until: 'rest' };

const turns = { do: 'wait', turns: 2 };
/** @param {number} socket */
const callsOn =
  (socket) =>
  (/** @type {string} */ method, /** @type {any} */ wanted = undefined) => ({
    do: 'call',
    method,
    socket,
    with: wanted,
    promised: false,
  });

/** A new socket that is connected, paused before or not, and perhaps encrypted. */
const opening = fc
  .record({ properties, paused: fc.boolean(), wish, socket: fc.nat(89), secured: fc.boolean() })
  .map(({ properties, paused, wish, socket, secured }) => {
    const make = { do: 'call', method: 'create', socket: 0, with: [properties], promised: false };
    const on = callsOn(socket);
    const steps = [make, turns];
    const tls = 'tls' in wish && secured;
    if (paused || tls) steps.push(on('setPaused', [true]));
    steps.push(on('connect', wish));
    if (tls) steps.push(rest, on('secure', []), rest, on('setPaused', [false]));
    else steps.push(turns);
    return steps;
  });

/** A burst of sends, of which the module gathers some. */
const burst = fc
  .record({ send: call('send', sent), count: fc.integer({ min: 2, max: 12 }) })
  .map(({ send, count }) => new Array(count).fill(send));

/** The peer sends data and ends; the application sends and resumes the paused socket. */
const farewell = fc
  .record({
    socket: fc.nat(89),
    size,
    what: fc.constantFrom('destroy', 'reset', 'end'),
    sends: fc.array(sent, { minLength: 1, maxLength: 4 }),
    resumed: fc.boolean(),
    stuffed: weighted([
      [5, fc.constant(false)],
      [1, fc.constant(true)],
    ]),
  })
  .map(({ socket, size, what, sends, resumed, stuffed }) => {
    const on = callsOn(socket);
    // More than the system takes for a peer that does not read.
    const much = new Array(4).fill(on('send', { size: 1_500_000, view: false }));
    return [
      ...(stuffed ? [{ do: 'peer', socket, what: 'stop' }, ...much, turns] : []),
      { do: 'peer', socket, what: 'write', size },
      { do: 'peer', socket, what },
      { do: 'wait', turns: 1 },
      on('send', { size: 1, view: false }),
      { do: 'wait', turns: 1 },
      ...sends.map((each) => on('send', each)),
      ...(resumed ? [on('setPaused', [false])] : []),
      on('getInfo'),
    ];
  });

/** The application goes, and connects again, perhaps while it receives. */
const again = fc
  .record({ socket: fc.nat(89), size, wish, within: fc.boolean() })
  .map(({ socket, size, wish, within }) => {
    const on = callsOn(socket);
    const steps = [on('disconnect'), on('setPaused', [false]), on('connect', wish)];
    return [
      on('setPaused', [false]),
      { do: 'peer', socket, what: 'write', size: 1000 + size },
      ...(within
        ? [
            { do: 'inside', steps },
            { do: 'wait', turns: 3 },
          ]
        : steps),
      { do: 'peer', socket, what: 'write', size },
    ];
  });

/** The application replies inside the event, as most applications do. */
const dialogue = fc
  .record({ socket: fc.nat(89), size, sends: fc.array(sent, { minLength: 1, maxLength: 3 }) })
  .map(({ socket, size, sends }) => {
    const on = callsOn(socket);
    const steps = sends.map((each) => on('send', each));
    return [
      { do: 'peer', socket, what: 'write', size },
      { do: 'inside', steps: [on('getInfo'), ...steps] },
      { do: 'inside', steps },
      on('getInfo'),
      on('setPaused', [false]),
      ...steps,
      { do: 'wait', turns: 4, until: 'something' },
    ];
  });

const one = weighted([
  [30, anyCall],
  [6, anyPeer],
  [12, wait],
  [4, inside],
]).map((step) => [step]);

/** @type {fc.Arbitrary<Step[]>} */
const sequences = fc
  .array(
    weighted([
      [90, one],
      [12, opening],
      [3, burst],
      [1, farewell],
      [1, again],
      [1, dialogue],
    ]),
    { minLength: 1, maxLength: 80, size: 'max' },
  )
  .map(
    (parts) =>
      /** @type {any} */ ([{ do: 'call', method: 'create', socket: 0 }, turns, ...parts.flat()]),
  );

module.exports = { sequences };
