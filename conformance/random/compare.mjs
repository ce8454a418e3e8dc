/**
 * Compares transcripts. The division of a stream into pieces is random, and with several calls in a
 * turn so is the order of events of different sockets. There are levels of strictness; a program is
 * compared at the strictest at which Chromium agrees with itself.
 */

const isCall = (text) => /^\d+ [\w.]+$/.test(text);
const isReceived = (text) => text.startsWith('onReceive up to ');
const isAnswer = (text) => /^\d+ [\w.]+: /.test(text);
const isStep = (text) => /^(step \d+|end)$/.test(text);
const isAccept = ([, text]) => text.startsWith('onAccept #');
const isPeer = (text) => text.startsWith('peer ');

/** Of neighbouring pieces of one stream only the last counts, which shows the total. */
function merge(entries) {
  return entries.filter(([slot, text], index) => {
    const next = entries[index + 1];
    return !(next && isReceived(text) && isReceived(next[1]) && next[0] === slot);
  });
}

/** A socket's info counts where it changes; a deviation may have restored its former value. */
function withoutRepeats(entries) {
  const shown = new Map();
  return entries.filter(([slot, text]) => {
    if (!text.startsWith('info ')) return true;
    const repeated = shown.get(slot) === text;
    shown.set(slot, text);
    return !repeated;
  });
}

/**
 * A disconnect that ends a pending read raises onReceiveError. In Chromium it is a matter of chance
 * which of them comes first, that event or the answer.
 */
function disconnectFirst(entries) {
  const ordered = [...entries];
  for (let index = 1; index < ordered.length; index += 1) {
    const [event, answer] = ordered.slice(index - 1, index + 1);
    const isPair = event[1] === 'onReceiveError -100' && /^\d+ disconnect: /.test(answer[1]);
    if (isPair && event[0] === answer[0]) ordered.splice(index - 1, 2, answer, event);
  }
  return ordered;
}

/**
 * Chromium's browser process hears of a connection to the program's own server and of the answers to
 * calls in an order of chance. Within a step the connections follow the answers.
 */
const acceptsLast = (entries) =>
  stepsOf(entries).flatMap((step) => {
    const accepts = step.filter(isAccept);
    const rest = step.filter((entry) => !isAccept(entry));
    const last = rest.findLastIndex(([, text]) => isAnswer(text));
    return [...rest.slice(0, last + 1), ...accepts, ...rest.slice(last + 1)];
  });

/**
 * A peer that resets on data does so at the first piece. How much that holds depends on how the
 * stream was cut.
 */
const withoutPiece = (text) =>
  text.replace(/: [1-9]\d* bytes \w+ reset by the peer$/, ': some bytes, reset by the peer');

const show = ([slot, text]) => (slot < 0 ? text : `#${slot} ${text}`);

const numberOf = (text) => Number(text.match(/^(?:#\d+ )?(\d+) /)?.[1] ?? 0);

const byNumber = (one, other) => numberOf(one) - numberOf(other);

const bySlot = ([one], [other]) => one - other;

/** Entries without a socket: answers of calls without one, and the last state of each peer. */
function ofNoSocket(entries) {
  const own = entries.filter(([slot]) => slot < 0).map(([, text]) => text);
  const answers = own.filter(isAnswer).sort(byNumber);
  const peers = new Map(own.filter(isPeer).map((text) => [text.split(':')[0], text]));
  const rest = own.filter(
    (text) => !isAnswer(text) && !isPeer(text) && !isCall(text) && !isStep(text),
  );
  return [...answers, ...[...peers.values()].map(withoutPiece).sort(), ...rest];
}

/**
 * Answers in the order of the program's text if they came in the order of the calls, which may be
 * made in callbacks; otherwise as they came.
 */
function inCallOrder(answers, calls) {
  const place = new Map(calls.map(([, text], index) => [numberOf(text), index]));
  const places = answers.map(([, text]) => place.get(numberOf(text)));
  const ordered = places.every((value, index) => index === 0 || value >= places[index - 1]);
  return ordered ? [...answers].sort(([, one], [, other]) => byNumber(one, other)) : answers;
}

/**
 * The order in which each socket's calls were answered and its events arrived, and the observations
 * of the peers.
 */
function perSocket(entries) {
  const ofSockets = entries.filter(([slot, text]) => slot >= 0 && !isCall(text)).sort(bySlot);
  return [...merge(ofSockets).map(show), ...ofNoSocket(entries)];
}

/** Calls whose answers Chromium's browser process gives itself, without the network process. */
const IMMEDIATE =
  /^\d+ (?:tcpServer\.)?(create|update|setPaused|disconnect|close|getInfo|getSockets): /;

/** Groups with an order of their own: answers of one kind, the pieces of a stream, the rest. */
function kindOf(text) {
  if (isReceived(text)) return 'received';
  if (/: threw /.test(text)) return 'thrown';
  if (IMMEDIATE.test(text)) return 'immediate';
  return text.match(/^\d+ ([\w.]+): /)?.[1] ?? 'other';
}

const byKind = ([slot, text], [otherSlot, otherText]) =>
  slot - otherSlot || kindOf(text).localeCompare(kindOf(otherText));

/** The same, where only answers of one kind have an order, that of their calls. */
function perKind(entries) {
  const calls = entries.filter(([, text]) => isCall(text));
  const groups = new Map();
  for (const entry of entries) {
    const [slot, text] = entry;
    if (slot < 0 || isCall(text)) continue;
    const key = `${slot} ${kindOf(text)}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  const ordered = [...groups].sort(([one], [other]) => one.localeCompare(other));
  const shown = ordered.flatMap(([, group]) =>
    merge(isAnswer(group[0][1]) ? inCallOrder(group, calls) : group).map(show),
  );
  return [...shown, ...ofNoSocket(entries)];
}

/** Cuts a transcript into its steps. */
function stepsOf(entries) {
  const steps = [[]];
  for (const entry of entries) {
    if (isStep(entry[1])) steps.push([]);
    steps.at(-1).push(entry);
  }
  return steps;
}

/** A call that a listener makes races with the data that is still arriving. */
function listenerCalls(step) {
  const call = step.findIndex(([, text]) => isCall(text));
  return step.slice(0, Math.max(call, 0)).some(([, text]) => isReceived(text));
}

/** In the end all sockets go together. */
const manyHappen = (step) =>
  step[0]?.[1] === 'end' ||
  step.filter(([, text]) => isCall(text)).length > 1 ||
  listenerCalls(step);

/**
 * Step by step, everything in its order. Where a step has several calls, because callbacks and
 * listeners have made some, these race, and only answers of one kind have an order.
 */
const everything = (entries) =>
  stepsOf(entries).flatMap((step) => (manyHappen(step) ? perKind(step) : merge(step).map(show)));

/** The result of each call and the total data of each socket and each peer. */
function resultsOnly(entries) {
  const ofSockets = entries.filter(([slot, text]) => slot >= 0 && !isCall(text));
  const answers = ofSockets.filter(([, text]) => isAnswer(text));
  const others = ofSockets.filter(([, text]) => !isAnswer(text)).sort(byKind);
  return [
    ...answers.map(show).sort((one, other) => numberOf(one) - numberOf(other)),
    ...merge(others).map(show),
    ...ofNoSocket(entries),
  ];
}

const LEVELS = { everything, 'per socket': perSocket, 'per kind': perKind, results: resultsOnly };

/**
 * The strictest level. Several calls in a turn race with each other and with the peers; calls of
 * the next turn also race with the answers of the previous one, and data that a peer has just
 * written races with the calls of the turn.
 */
function start({ mode, steps }) {
  if (mode === 'settled') return 0;
  return steps.some(races) ? 2 : 1;
}

/** Calls whose answers come from the network process, each kind on a way of its own. */
const WAYS = [['send'], ['setKeepAlive', 'setNoDelay'], ['connect'], ['secure'], ['listen']];

/**
 * The part of a send that Chromium takes at once; the answer to a longer one has to wait for the
 * network process.
 */
const PIPE = 65_536;

const isLong = ({ method, args }) => method === 'send' && args[1]?.bytes > PIPE;

function races({ wait, operations }) {
  const ways = WAYS.filter((way) => operations.some(({ method }) => way.includes(method)));
  const takesTime = operations.some((operation) => operation.op === 'peer' || isLong(operation));
  return wait === 'turn' || ways.length > 1 || (operations.length > 1 && takesTime);
}

/**
 * In settled mode, `everything` already ignores races within a step. Where two sockets of the
 * program are connected to each other, the order of a socket's events and answers is such a race.
 *
 * @returns {string[]} the levels at which a program is compared, the strictest first
 */
export const levelsOf = (program) =>
  Object.keys(LEVELS)
    .slice(start(program))
    .filter((level) => !(program.servers && program.mode === 'settled' && level === 'per socket'));

/** The level itself, or the strictest for this program that is no stricter. */
export const levelFor = (program, level) => {
  const all = Object.keys(LEVELS);
  return levelsOf(program).find((one) => all.indexOf(one) >= all.indexOf(level));
};

/** @returns {string[]} the part of a transcript that is compared at a level */
export const canonical = (level, entries) =>
  LEVELS[level](withoutRepeats(disconnectFirst(acceptsLast(entries))));

/** @returns {boolean} */
export const same = (level, one, other) =>
  canonical(level, one).join('\n') === canonical(level, other).join('\n');

/** @returns {string | undefined} the strictest level at which all transcripts agree */
export const agreement = (program, [first, ...others]) =>
  levelsOf(program).find((level) => others.every((other) => same(level, first, other)));
