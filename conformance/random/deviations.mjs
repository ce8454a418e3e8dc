/**
 * The named deviations as data. Each maps a program and the transcripts of both worlds to the
 * module's expected behaviour where it deviates from Chromium's.
 */

/**
 * @typedef {[number, string][]} Transcript
 * @typedef {{ expected: Transcript, got: Transcript }} Pair
 * @typedef {object} Deviation
 * @property {string} letter of docs/deviations.md
 * @property {(program: any, pair: Pair) => Pair | undefined} apply the pair to compare instead;
 *   undefined if the deviation does not apply
 */

/** @returns {Map<number, any>} number → operation */
function operationsOf(program) {
  const found = new Map();
  const visit = (operations) => {
    for (const operation of operations) {
      found.set(found.size + 1, operation);
      if (operation.then) visit(operation.then);
    }
  };
  for (const { operations } of program.steps) visit(operations);
  return found;
}

/** More sockets than any program has. */
const MAX_SOCKETS = 10;

const ANSWER = /^(\d+) (\w+): (?:fulfilled )?\((.*)$/;

/** @returns {{ number: number, method: string, rest: string } | undefined} of an entry that answers a call */
function answerOf([, text]) {
  const [, number, method, rest] = ANSWER.exec(text) ?? [];
  return number === undefined ? undefined : { number: Number(number), method, rest };
}

const succeeded = (answer, method) => answer?.method === method && answer.rest.startsWith('0)');

/**
 * Rewrites entries one by one, given the sockets that are secured at that point.
 *
 * @param {Transcript} entries
 * @param {(entry: [number, string], answer: ReturnType<typeof answerOf>, secured: Set<number>) => string | undefined} rewrite
 *   the other text, or undefined to keep it
 * @returns {Transcript | undefined} undefined if nothing was rewritten
 */
function rewriteSecured(entries, rewrite) {
  const secured = new Set();
  let changed = false;
  const rewritten = entries.map((entry) => {
    const [slot] = entry;
    const answer = answerOf(entry);
    const text = rewrite(entry, answer, secured);
    if (succeeded(answer, 'secure')) secured.add(slot);
    if (text === undefined || text === entry[1]) return entry;
    changed = true;
    return /** @type {[number, string]} */ ([slot, text]);
  });
  return changed ? rewritten : undefined;
}

const MAX_TEXT = 80;

const showName = (name) =>
  name.length <= MAX_TEXT
    ? JSON.stringify(name)
    : `${JSON.stringify(name.slice(0, 8))}… ${name.length} characters`;

/** Adds the properties to each socket's info that it would show if `secure()` had kept them. */
function withProperties(text, properties) {
  return text.replace(/\{([^{}]*)socketId: #(\d+)\}/g, (whole, members, slot) => {
    const { bufferSize, name } = properties.get(Number(slot)) ?? {};
    let all = members;
    if (bufferSize > 0 && !all.includes('bufferSize: ')) all = `bufferSize: ${bufferSize}, ${all}`;
    if (name && !all.includes(' name: ')) {
      all = all.replace('paused: ', `name: ${showName(name)}, paused: `);
    }
    return `{${all}socketId: #${slot}}`;
  });
}

const withoutProperties = (text) =>
  text.replace(/bufferSize: \d+, |name: "[^"]*"(… \d+ characters)?, /g, '');

/**
 * Leaves `name` and `bufferSize` out of the infos that steps end with, of the sockets given, and
 * `persistent` of those that were updated during a handshake. An info that then shows no change is
 * left out.
 */
function withoutInfoProperties(entries, slots, updated) {
  const shown = new Map();
  return entries.flatMap((entry) => {
    const [slot, text] = entry;
    if (!slots.has(slot) || !text.startsWith('info ')) return [entry];
    let left = withoutProperties(text);
    if (updated.has(slot)) left = left.replace(/persistent: \w+, /, '');
    if (shown.get(slot) === left) return [];
    shown.set(slot, left);
    return [/** @type {[number, string]} */ ([slot, left])];
  });
}

/** The sockets for which an update with `persistent` is answered during a handshake. */
function updatedDuringHandshake(entries, operations) {
  const securing = new Set();
  const updated = new Set();
  for (const entry of entries) {
    const [slot, text] = entry;
    const answer = answerOf(entry);
    if (/^\d+ secure$/.test(text)) securing.add(slot);
    if (answer?.method === 'secure') securing.delete(slot);
    if (answer?.method !== 'update' || !securing.has(slot)) continue;
    const { args = [] } = operations.get(answer.number) ?? {};
    if ('persistent' in givenBy(args[1])) updated.add(slot);
  }
  return updated;
}

/** The members of an argument that have a value: `update()` ignores undefined and null. */
const givenBy = (properties) =>
  Object.fromEntries(
    Object.entries(properties ?? {}).filter(
      ([, value]) => value !== null && value.$special !== 'undefined',
    ),
  );

/** a: `name` and `bufferSize` survive `secure()`. */
function propertiesSurvive(program, { expected, got }) {
  const operations = operationsOf(program);
  /** The properties of each socket, and those that Chromium has lost. */
  const given = new Map();
  const kept = new Map();
  const changed = rewriteSecured(expected, ([slot, text], answer) => {
    const { args = [] } = operations.get(answer?.number) ?? {};
    if (answer?.method === 'create') given.set(slot, givenBy(args[0]));
    if (answer?.method === 'update' && !text.includes(' lastError ')) {
      given.set(slot, { ...given.get(slot), ...givenBy(args[1]) });
      if (kept.has(slot)) kept.set(slot, { ...kept.get(slot), ...givenBy(args[1]) });
    }
    if (succeeded(answer, 'secure')) kept.set(slot, { ...given.get(slot) });
    return /^(info |\d+ get)/.test(text) ? withProperties(text, kept) : undefined;
  });
  // Chromium may show no info at all, where the one before already was without the properties.
  const rewritten = changed ?? (kept.size > 0 ? expected : undefined);
  if (!rewritten) return undefined;
  // An update changes the info in only one world if it removes a property that the other world has
  // lost.
  const slots = new Set(kept.keys());
  const updated = updatedDuringHandshake(expected, operations);
  return {
    expected: withoutInfoProperties(rewritten, slots, updated),
    got: withoutInfoProperties(got, slots, updated),
  };
}

/** b: `setKeepAlive` and `setNoDelay` work after `secure()`, where they would before. */
function optionsWork(_program, { expected, got }) {
  const own = new Map(got.map((entry) => [answerOf(entry)?.number, entry[1]]));
  const rewritten = rewriteSecured(expected, ([slot, text], answer, secured) => {
    const fits = secured.has(slot) && ['setKeepAlive', 'setNoDelay'].includes(answer?.method);
    if (!fits || !text.endsWith('(-2) lastError "net::ERR_FAILED"')) return undefined;
    const instead = `${answer.number} ${answer.method}: (0)`;
    return own.get(answer.number) === instead ? instead : undefined;
  });
  return rewritten && { expected: rewritten, got };
}

/**
 * g: A server that requests a certificate without requiring it gets none; the transcripts differ
 * from there on.
 */
function askedForCertificate(_program, { expected, got }) {
  const find = (entries, end) =>
    entries.findIndex((entry) => answerOf(entry)?.method === 'secure' && entry[1].includes(end));
  const at = find(expected, '(-110) ');
  if (at < 0) return undefined;
  const { number } = answerOf(expected[at]);
  const own = got.findIndex((entry) => answerOf(entry)?.number === number);
  if (own < 0 || !succeeded(answerOf(got[own]), 'secure')) return undefined;
  return { expected: expected.slice(0, at), got: got.slice(0, own) };
}

/** As in interpret.mjs: the slots of server sockets, and of accepted sockets that a program does not name. */
const SERVER = 1000;
const UNEXPECTED = 2000;

/** The number of the server that has accepted a socket, or -1. */
function serverOf({ servers = [] }, slot) {
  if (slot >= UNEXPECTED) return Math.floor((slot - UNEXPECTED) / 100);
  return servers.findIndex(({ accepts }) => accepts.includes(slot));
}

/** The peers that are clients of a server. */
const callersOf = ({ peers }, server) =>
  peers.flatMap(({ calls }, peer) => (calls === server ? [peer] : []));

/** The program's sockets that connect to one of its servers. */
const clientsOf = (operations, server) =>
  [...operations.values()].flatMap(({ method, args }) =>
    method === 'connect' && args[2]?.$serverPort === server ? [args[0].$socket] : [],
  );

/** The sockets that may be the other end of a socket's connection. */
function otherEndsOf({ servers = [] }, operations, slot) {
  const own = serverOf({ servers }, slot);
  if (own >= 0) return clientsOf(operations, own);
  return servers.flatMap(({ accepts }, server) =>
    clientsOf(operations, server).includes(slot) ? accepts : [],
  );
}

/** Leaves out sockets from a place on, and the peers' view of some connections. */
function withoutSocketsFrom(entries, operations, slots, from, peers) {
  const ofPeers = ([, text]) => peers.some((peer) => text.startsWith(`peer ${peer}.`));
  // In one world the socket may not exist; then its calls belong to none.
  const ofSockets = ([slot, text]) => {
    const { args } = operations.get(Number(/^(\d+) /.exec(text)?.[1])) ?? {};
    return slots.includes(slot) || slots.includes(args?.[0]?.$socket);
  };
  const infos = slots.map((slot) => new RegExp(`\\{[^{}]*socketId: #${slot}\\}(, )?`));
  const mentions = ([, text]) => /^\d+ (tcpServer\.)?getSockets: /.test(text);
  return entries.flatMap((entry, index) => {
    if (index < from) return [entry];
    if (ofSockets(entry) || ofPeers(entry)) return [];
    if (!mentions(entry)) return [entry];
    const text = infos.reduce((left, info) => left.replace(info, ''), entry[1]).replace(', ]', ']');
    return [/** @type {[number, string]} */ ([entry[0], text])];
  });
}

/** The peers that a socket connects to in a program, or that connect to it. */
function peersOf(program, operations, slot) {
  const server = serverOf(program, slot);
  if (server >= 0) return callersOf(program, server);
  const connects = [...operations.values()].filter(
    ({ method, args }) => method === 'connect' && args[0]?.$socket === slot,
  );
  return [...new Set(connects.map(({ args }) => args[2]?.$port).filter((peer) => peer >= 0))];
}

/** The first call of a method that both transcripts answer, each as wanted. */
function firstAnswered(expected, got, method, wanted) {
  const own = new Map(got.map((entry) => [answerOf(entry)?.number, entry[1]]));
  return expected.findIndex((entry) => {
    const answer = answerOf(entry);
    return (
      answer?.method === method &&
      own.has(answer.number) &&
      wanted(entry[1], own.get(answer.number), entry)
    );
  });
}

/**
 * Sockets that connect to the same peer as another socket, if the program has that peer act. The peer
 * acts on its newest connection, which may be that of another socket in each transcript.
 */
function sharersOf(program, operations, slot) {
  const acting = [...operations.values()].flatMap(({ op, peer }) => (op === 'peer' ? [peer] : []));
  const shared = peersOf(program, operations, slot).filter((peer) => acting.includes(peer));
  return Array.from({ length: MAX_SOCKETS }, (_, other) => other).filter(
    (other) =>
      other !== slot && peersOf(program, operations, other).some((peer) => shared.includes(peer)),
  );
}

/**
 * Compares a socket only up to an entry that both transcripts have, and with it those that may be at
 * the other end.
 */
function partAt(program, operations, { expected, got }, slot, isThere) {
  const slots = [
    slot,
    ...otherEndsOf(program, operations, slot),
    ...sharersOf(program, operations, slot),
  ];
  const peers = slots.flatMap((one) => peersOf(program, operations, one));
  const cut = (entries) =>
    withoutSocketsFrom(entries, operations, slots, entries.findIndex(isThere), peers);
  return { expected: cut(expected), got: cut(got) };
}

const answers = (number) => (entry) => answerOf(entry)?.number === number;

/** Whether the program calls one of some methods of the sockets at the other end. */
function otherEndCalls(program, operations, slot, methods) {
  const others = otherEndsOf(program, operations, slot);
  return [...operations.values()].some(
    ({ method, args }) => methods.includes(method) && others.includes(args[0]?.$socket),
  );
}

/** Whether the other end of the socket may have reset or closed a connection. */
function peerEnds(program, operations, slot) {
  const peers = peersOf(program, operations, slot);
  const behaves = peers.some((peer) => /^(closes|resets)/.test(program.peers[peer].behaviour));
  const acts = [...operations.values()].some(
    ({ op, peer, action }) =>
      op === 'peer' && peers.includes(peer) && ['end', 'reset'].includes(action),
  );
  const ends = ['close', 'disconnect', 'secure'];
  return behaves || acts || otherEndCalls(program, operations, slot, ends);
}

/** i: A send on a connection that the peer has reset fails at once; later calls find no connection. */
function sendFailsAtOnce(program, { expected, got }) {
  const operations = operationsOf(program);
  const at = firstAnswered(
    expected,
    got,
    'send',
    (chromium, own, [slot]) =>
      chromium.includes('resultCode: 0}') &&
      own.includes('resultCode: -2}') &&
      peerEnds(program, operations, slot),
  );
  if (at < 0) return undefined;
  const [slot] = expected[at];
  return partAt(
    program,
    operations,
    { expected, got },
    slot,
    answers(answerOf(expected[at]).number),
  );
}

/** h: A socket whose `connect()` was refused is as good as new. */
function refusedIsNew(program, { expected, got }) {
  const operations = operationsOf(program);
  const own = new Map(got.map((entry) => [answerOf(entry)?.number, entry[1]]));
  const refused = new Set();
  let changed = false;
  let parted;
  const rewritten = expected.map((entry, index) => {
    const [slot, text] = entry;
    const answer = answerOf(entry);
    if (answer?.method === 'connect' && answer.rest.startsWith('-102)')) refused.add(slot);
    if (answer?.method === 'disconnect' || text === 'onReceiveError -100') refused.delete(slot);
    if (!refused.has(slot) || !answer) return entry;
    const other = own.get(answer.number);
    if (
      succeeded(answer, 'secure') === false &&
      answer.method === 'secure' &&
      answer.rest.startsWith('-15)')
    ) {
      if (other !== text) parted ??= index;
      return entry;
    }
    const isOption = ['setKeepAlive', 'setNoDelay'].includes(answer.method);
    const instead = `${answer.number} ${answer.method}: (0)`;
    if (!isOption || !answer.rest.startsWith('-2)') || other !== instead) return entry;
    changed = true;
    return /** @type {[number, string]} */ ([slot, instead]);
  });
  const pair = { expected: rewritten, got };
  if (parted !== undefined) {
    const { number } = answerOf(expected[parted]);
    return partAt(program, operations, pair, expected[parted][0], answers(number));
  }
  return changed ? pair : undefined;
}

const TAKING_EFFECT = ['close', 'disconnect', 'setPaused', 'update', 'secure'];

/** Cuts a transcript where a step has settled: the entries between two such places may race. */
function windowsOf(program, entries) {
  const windows = [[]];
  for (const entry of entries) {
    const [, number] = /^step (\d+)$/.exec(entry[1]) ?? [];
    if (number > 1 && program.steps[number - 2].wait === 'settle') windows.push([]);
    if (entry[1] === 'end') windows.push([]);
    windows.at(-1).push(entry);
  }
  return windows;
}

/** The totals of a socket's events in a window. */
function eventsOf(entries, slot) {
  const events = entries.filter(([own, text]) => own === slot && text.startsWith('onReceive'));
  const received = events.findLast(([, text]) => text.startsWith('onReceive up to '))?.[1];
  const errors = events.filter(([, text]) => text.startsWith('onReceiveError'));
  return [received, ...errors.map(([, text]) => text)].filter(Boolean).join();
}

const CALL = /^(\d+) (\w+)$/;

/**
 * j: Calls take effect at once. Chromium has read ahead, so that data and the end of the connection
 * may still come, or come first, where such a call is made while they arrive.
 */
function callsTakeEffect(program, { expected, got }) {
  const operations = operationsOf(program);
  const windows = windowsOf(program, expected);
  const own = windowsOf(program, got);
  for (const [index, window] of windows.entries()) {
    for (const [slot, text] of window) {
      const [, , method] = CALL.exec(text) ?? [];
      if (slot < 0 || !TAKING_EFFECT.includes(method)) continue;
      const isCall = (entry) => entry[1] === text;
      if (!own[index]?.some(isCall)) continue;
      const brings = [window, own[index]].some((entries) => eventsOf(entries, slot) !== '');
      const rest = (all) => eventsOf(all.slice(index).flat(), slot);
      if (!brings || rest(windows) === rest(own)) continue;
      const [, start] = window[0];
      return partAt(program, operations, { expected, got }, slot, (entry) => entry[1] === start);
    }
  }
  return undefined;
}

/**
 * j: A send is made before the end of the connection is reported, and goes out. In Chromium the end,
 * which was read ahead, comes between the call and its answer, and the send finds no connection.
 */
function sendsBeforeTheEnd(program, { expected, got }) {
  /** The part of a step that follows a call. */
  const stepAfter = (entries, isCall) => {
    const rest = entries.slice(entries.findIndex(isCall) + 1);
    const next = rest.findIndex(([, text]) => /^(step \d+|end)$/.test(text));
    return next < 0 ? rest : rest.slice(0, next);
  };
  const callOf = (number) => (entry) => entry[1] === `${number} send`;
  const at = firstAnswered(expected, got, 'send', (chromium, own, [slot, text]) => {
    if (!chromium.includes('resultCode: -15}') || !/resultCode: (0|-2)}/.test(own)) return false;
    const { number } = answerOf([slot, text]);
    const isEnd = (entry) => entry[0] === slot && entry[1] === 'onReceiveError -100';
    const there = stepAfter(expected, callOf(number));
    const here = stepAfter(got, callOf(number));
    const end = here.findIndex(isEnd);
    return there.some(isEnd) && end >= 0 && here.findIndex(answers(number)) < end;
  });
  if (at < 0) return undefined;
  const { number } = answerOf(expected[at]);
  return partAt(program, operationsOf(program), { expected, got }, expected[at][0], callOf(number));
}

const PEER = /^(peer [\d.]+): (\d+) bytes (\w+) (.*)$/;

const OWN_RESET = 'reset by the peer';
const ENDS = ['FIN', 'RST', OWN_RESET];

/** The entries that show how connections have ended for peers, each with its place. */
function endsOf(entries) {
  const ends = new Map();
  for (const [index, [, text]] of entries.entries()) {
    const [, peer, bytes, , how] = PEER.exec(text) ?? [];
    if (ENDS.includes(how)) ends.set(peer, { index, text, bytes: Number(bytes), how });
  }
  return ends;
}

/** Whether a peer, such as `peer 0.1`, does not read some or all of the time. */
function stopsReading(program, peer) {
  const number = Number(/^peer (\d+)/.exec(peer)?.[1]);
  if (program.peers[number]?.reading === 'never') return true;
  const pauses = ({ op, peer: other, action }) =>
    op === 'peer' && other === number && action === 'pause';
  return [...operationsOf(program).values()].some(pauses);
}

/** The number of the step that an entry belongs to. */
const stepAt = (entries, index) =>
  entries.slice(0, index).findLast(([, text]) => /^(step \d+|end)$/.test(text))?.[1];

/**
 * k: The peer gets FIN behind all that was sent, where Chromium resets and may lose some of it. A
 * peer that is not reading sees a reset at once, and FIN, or a reset behind it, when it reads again. It
 * sees neither if it resets the connection itself before.
 */
function closesInOrder(program, { expected, got }) {
  const own = endsOf(got);
  const isLater = (end, other) => {
    const [there, here] = [stepAt(expected, end.index), stepAt(got, other.index)];
    const number = (step) => (step === 'end' ? Infinity : Number(step.slice('step '.length)));
    return number(there) < number(here);
  };
  const left = { expected: new Set(), got: new Set() };
  for (const [peer, end] of endsOf(expected)) {
    const other = own.get(peer);
    if (end.how !== 'RST') continue;
    if (!other || other.how === OWN_RESET) {
      if (!stopsReading(program, peer)) continue;
    } else if (other.bytes < end.bytes || (other.how !== 'FIN' && !isLater(end, other))) {
      continue;
    }
    left.expected.add(end.index);
    if (other) left.got.add(other.index);
  }
  if (left.expected.size === 0) return undefined;
  return {
    expected: expected.filter((_, index) => !left.expected.has(index)),
    got: got.filter((_, index) => !left.got.has(index)),
  };
}

/** l: A send before `connect()` has called back finds no connection; in Chromium it may be in time. */
function sendsBeforeConnected(program, { expected, got }) {
  const operations = operationsOf(program);
  const own = new Map(got.map((entry) => [answerOf(entry)?.number, entry[1]]));
  const connecting = new Map();
  const early = new Map();
  for (const entry of expected) {
    const [slot, text] = entry;
    const [, number, method] = CALL.exec(text) ?? [];
    if (method === 'connect') connecting.set(slot, text);
    if (method === 'send' && connecting.has(slot)) early.set(Number(number), connecting.get(slot));
    const answer = answerOf(entry);
    if (answer?.method === 'connect') connecting.delete(slot);
    const differs = early.has(answer?.number) && answer.rest.includes('resultCode: 0}');
    if (differs && own.get(answer.number)?.includes('resultCode: -15}')) {
      const connect = early.get(answer.number);
      return partAt(program, operations, { expected, got }, slot, (other) => other[1] === connect);
    }
  }
  return undefined;
}

/** Sockets whose `connect()` has not called back, at each answer of `getInfo` or `getSockets`. */
function connectingAt(entries) {
  const connecting = new Set();
  const asked = new Map();
  const found = new Map();
  for (const entry of entries) {
    const [slot, text] = entry;
    const [, number, method] = CALL.exec(text) ?? [];
    if (method === 'connect') connecting.add(slot);
    if (['getInfo', 'getSockets'].includes(method)) asked.set(Number(number), [...connecting]);
    const answer = answerOf(entry);
    if (answer?.method === 'connect') connecting.delete(slot);
    if (asked.has(answer?.number)) found.set(answer.number, asked.get(answer.number));
  }
  return found;
}

/** l: What `getInfo()` shows of a socket whose `connect()` has not called back is a matter of timing. */
function connectedWhenTold(_program, { expected, got }) {
  const connecting = connectingAt(expected);
  const own = new Map(got.map((entry) => [answerOf(entry)?.number, entry[1]]));
  const infoOf = (text, slot) => new RegExp(`\\{[^{}]*socketId: #${slot}\\}`).exec(text)?.[0] ?? '';
  let changed = false;
  const rewritten = expected.map((entry) => {
    let [, text] = entry;
    const number = answerOf(entry)?.number;
    for (const slot of connecting.get(number) ?? []) {
      const [there, here] = [text, own.get(number) ?? ''].map((one) => infoOf(one, slot));
      const states = [there, here].map((info) => /connected: (true|false)/.exec(info)?.[1]);
      if (states.includes(undefined) || states[0] === states[1]) continue;
      text = text.replace(there, here);
      changed = true;
    }
    return /** @type {[number, string]} */ ([entry[0], text]);
  });
  return changed ? { expected: rewritten, got } : undefined;
}

/** m: `secure()` after a reset with much unread: the unread bytes are read as TLS, Chromium's write fails. */
function readsBeforeWriting(_program, { expected, got }) {
  const own = new Set(got.map(([, text]) => text));
  let changed = false;
  const rewritten = expected.map((entry) => {
    const [, start] = /^(\d+ secure: )\(-101\) /.exec(entry[1]) ?? [];
    const instead = `${start}(-107) lastError "net::ERR_SSL_PROTOCOL_ERROR"`;
    if (!start || !own.has(instead)) return entry;
    changed = true;
    return /** @type {[number, string]} */ ([entry[0], instead]);
  });
  return changed ? { expected: rewritten, got } : undefined;
}

/** Whether the other end of the socket may have sent something. */
function peerSends(program, operations, slot) {
  const peers = peersOf(program, operations, slot);
  const byItself = peers.some((peer) => {
    const { behaviour, greeting } = program.peers[peer];
    return behaviour === 'echo' || greeting > 0;
  });
  const told = [...operations.values()].some(
    ({ op, peer, action }) => op === 'peer' && peers.includes(peer) && action === 'write',
  );
  return byItself || told || otherEndCalls(program, operations, slot, ['send']);
}

/** n: Data from before a connection broke is still delivered; until then the socket is connected. */
function dataOutlivesConnection(program, { expected, got }) {
  const operations = operationsOf(program);
  // The answer of an earlier call may come before or after that of the send.
  const rest = (entries, slot, number) =>
    entries
      .slice(entries.findIndex(answers(number)) + 1)
      .filter((entry) => entry[0] === slot && !(answerOf(entry)?.number < number))
      .join();
  const at = firstAnswered(expected, got, 'send', (chromium, own, entry) => {
    const [slot] = entry;
    const { number } = answerOf(entry);
    const failed = [chromium, own].every((text) => text.includes('resultCode: -2}'));
    return (
      failed &&
      peerSends(program, operations, slot) &&
      rest(expected, slot, number) !== rest(got, slot, number)
    );
  });
  if (at < 0) return undefined;
  return partAt(
    program,
    operations,
    { expected, got },
    expected[at][0],
    answers(answerOf(expected[at]).number),
  );
}

const isAccept = ([, text]) => text.startsWith('onAccept #');

/**
 * Compares a server only up to an entry that both transcripts have, with the sockets that it accepts
 * from then on and all of its clients.
 */
function partServerAt(program, { expected, got }, server, isThere) {
  const operations = operationsOf(program);
  const slot = SERVER + server;
  const acceptsOf = (entries) =>
    entries.flatMap((entry) =>
      entry[0] === slot && isAccept(entry) ? [Number(entry[1].split('#')[1])] : [],
    );
  const before = acceptsOf(expected.slice(0, expected.findIndex(isThere)));
  const all = [...program.servers[server].accepts, ...acceptsOf(expected), ...acceptsOf(got)];
  const later = all.filter((one) => !before.includes(one));
  const slots = [slot, ...later, ...clientsOf(operations, server)];
  const cut = (entries) => {
    const from = entries.findIndex(isThere);
    return withoutSocketsFrom(entries, operations, slots, from, callersOf(program, server));
  };
  return { expected: cut(expected), got: cut(got) };
}

/** The course of a server from an entry on: its events, and those of its clients. */
function serviceAfter(program, entries, server, isThere) {
  const from = entries.findIndex(isThere);
  const callers = callersOf(program, server);
  const clients = clientsOf(operationsOf(program), server);
  const isOfClient = ([slot, text]) =>
    callers.some((peer) => text.startsWith(`peer ${peer}.`)) ||
    (clients.includes(slot) && text.startsWith('onReceive'));
  const seen = entries.flatMap((entry, index) =>
    index > from && isOfClient(entry) ? [`${stepAt(entries, index)}: ${entry[1]}`] : [],
  );
  const own = entries.slice(from).filter(([slot]) => slot === SERVER + server);
  const errors = own.filter(([, text]) => text.startsWith('onAcceptError'));
  const listens = own.filter(([, text]) => /^\d+ tcpServer\.listen: /.test(text));
  return {
    accepts: own.filter(isAccept).length,
    errors: errors.length,
    // The first is that of the entry itself where it is a call of listen.
    furtherListens: listens.slice(1).join(),
    seen: seen.join(),
  };
}

/**
 * Cuts a server at the first entry of it that is wanted, and from which on the worlds serve its
 * clients differently.
 */
function partServers(program, pair, isWanted, isDeviation) {
  for (let server = 0; server < (program.servers?.length ?? 0); server += 1) {
    const slot = SERVER + server;
    const at = pair.expected.findIndex(
      (entry, index) => entry[0] === slot && isWanted(entry, pair.expected.slice(0, index)),
    );
    if (at < 0) continue;
    const [, wanted] = pair.expected[at];
    const isThere = ([own, text]) => own === slot && text === wanted;
    if (!pair.got.some(isThere)) continue;
    const [there, here] = [pair.expected, pair.got].map((entries) =>
      serviceAfter(program, entries, server, isThere),
    );
    if (isDeviation(there, here)) return partServerAt(program, pair, server, isThere);
  }
  return undefined;
}

/** p: A server that was resumed accepts again, so that a further listen finds an accept in flight. */
function resumedServerAccepts(program, pair) {
  const operations = operationsOf(program);
  const sets = (paused, [, text]) => {
    const [, number] = /^(\d+) tcpServer\.setPaused$/.exec(text) ?? [];
    return number !== undefined && operations.get(Number(number)).args[1] === paused;
  };
  const isResumed = (entry, before) =>
    sets(false, entry) &&
    before.some(
      (one) => one[0] === entry[0] && (sets(true, one) || one[1].startsWith('onAcceptError')),
    );
  return partServers(
    program,
    pair,
    isResumed,
    (there, here) => there.accepts < here.accepts || there.errors < here.errors,
  );
}

/** q: A second listen gives up the first port. In Chromium it stays open, and further ones meet that. */
function secondListenGivesUp(program, pair) {
  const listened = ([, text]) => /^\d+ tcpServer\.listen: \(0\)/.test(text);
  const isCall = ([, text]) => /^\d+ tcpServer\.listen$/.test(text);
  const isSecond = (entry, before) =>
    isCall(entry) && before.some((one) => one[0] === entry[0] && listened(one));
  return partServers(
    program,
    pair,
    isSecond,
    (there, here) =>
      there.furtherListens !== here.furtherListens ||
      there.accepts > here.accepts ||
      (there.accepts === here.accepts && there.seen !== here.seen),
  );
}

/** @type {Deviation[]} */
const DEVIATIONS = [
  { letter: 'p', apply: resumedServerAccepts },
  { letter: 'q', apply: secondListenGivesUp },
  { letter: 'g', apply: askedForCertificate },
  { letter: 'h', apply: refusedIsNew },
  { letter: 'i', apply: sendFailsAtOnce },
  { letter: 'l', apply: sendsBeforeConnected },
  { letter: 'l', apply: connectedWhenTold },
  { letter: 'j', apply: sendsBeforeTheEnd },
  { letter: 'j', apply: callsTakeEffect },
  { letter: 'k', apply: closesInOrder },
  { letter: 'n', apply: dataOutlivesConnection },
  { letter: 'm', apply: readsBeforeWriting },
  { letter: 'a', apply: propertiesSurvive },
  { letter: 'b', apply: optionsWork },
];

/**
 * @param {any} program
 * @param {Transcript} chromium
 * @param {Transcript} own
 * @returns {Pair & { deviations: string[] }}
 */
export function explain(program, chromium, own) {
  let pair = { expected: chromium, got: own };
  const deviations = [];
  for (const { letter, apply } of DEVIATIONS) {
    // One socket after another.
    for (let socket = 0; socket < MAX_SOCKETS; socket += 1) {
      const changed = apply(program, pair);
      if (!changed || JSON.stringify(changed) === JSON.stringify(pair)) break;
      pair = changed;
      if (!deviations.includes(letter)) deviations.push(letter);
    }
  }
  return { ...pair, deviations };
}
