/**
 * Compares transcripts. How a stream is cut into pieces is a matter of chance, and with several calls
 * in a turn so is the order of what happens to different sockets. There are levels of strictness; a program is compared at the strictest at which Chromium agrees with itself.
 */

const isCall = (text) => /^\d+ \w+$/.test(text);
const isReceived = (text) => text.startsWith('onReceive up to ');
const isAnswer = (text) => /^\d+ [\w.]+: /.test(text);
const isPeer = (text) => text.startsWith('peer ');

/** Of neighbouring pieces of one stream only the last counts, which tells all that came until then. */
function merge(entries) {
  return entries.filter(([slot, text], index) => {
    const next = entries[index + 1];
    return !(next && isReceived(text) && isReceived(next[1]) && next[0] === slot);
  });
}

/** A socket's info counts where it changes; a deviation may have made it what it was before. */
function withoutRepeats(entries) {
  const shown = new Map();
  return entries.filter(([slot, text]) => {
    if (!text.startsWith('info ')) return true;
    const repeated = shown.get(slot) === text;
    shown.set(slot, text);
    return !repeated;
  });
}

const show = ([slot, text]) => (slot < 0 ? text : `#${slot} ${text}`);

/** Everything in its order. */
const everything = (entries) => merge(entries).map(show);

const numberOf = (text) => Number(text.match(/^(?:#\d+ )?(\d+) /)?.[1] ?? 0);

const byNumber = (one, other) => numberOf(one) - numberOf(other);

const bySlot = ([one], [other]) => one - other;

/** What belongs to no socket: answers of calls without one, and the last that each peer saw. */
function ofNoSocket(entries) {
  const own = entries.filter(([slot]) => slot < 0).map(([, text]) => text);
  const answers = own.filter(isAnswer).sort(byNumber);
  const peers = new Map(own.filter(isPeer).map((text) => [text.split(':')[0], text]));
  const rest = own.filter((text) => !isAnswer(text) && !isPeer(text) && !isCall(text));
  return [...answers, ...[...peers.values()].sort(), ...rest];
}

/** The order in which each socket's calls were answered and its events came, and what the peers saw. */
function perSocket(entries) {
  const ofSockets = entries.filter(([slot, text]) => slot >= 0 && !isCall(text)).sort(bySlot);
  return [...merge(ofSockets).map(show), ...ofNoSocket(entries)];
}

/** Calls whose answers Chromium's browser process gives itself, without the network process. */
const IMMEDIATE = /^\d+ (create|update|setPaused|disconnect|close|getInfo|getSockets): /;

/** What keeps an order of its own: answers of one kind, the pieces of a stream, the rest. */
function kindOf(text) {
  if (isReceived(text)) return 'received';
  if (IMMEDIATE.test(text)) return 'immediate';
  return text.match(/^\d+ (\w+): /)?.[1] ?? 'other';
}

const byKind = ([slot, text], [otherSlot, otherText]) =>
  slot - otherSlot || kindOf(text).localeCompare(kindOf(otherText));

/** The same, where only answers of one kind have an order. */
function perKind(entries) {
  const ofSockets = entries.filter(([slot, text]) => slot >= 0 && !isCall(text)).sort(byKind);
  return [...merge(ofSockets).map(show), ...ofNoSocket(entries)];
}

/** The result of each call and what each socket and each peer got in all. */
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
 * The strictest level. Several calls in a turn race with each other and with the peers; calls of the
 * next turn race with the answers of the one before, too.
 */
function start({ mode, steps }) {
  if (mode === 'settled') return 0;
  return steps.some(({ wait }) => wait === 'turn') ? 2 : 1;
}

/** @returns {string[]} the levels at which a program is compared, the strictest first */
export const levelsOf = (program) => Object.keys(LEVELS).slice(start(program));

/** @returns {string[]} what of a transcript is compared at a level */
export const canonical = (level, entries) => LEVELS[level](withoutRepeats(entries));

/** @returns {boolean} */
export const same = (level, one, other) =>
  canonical(level, one).join('\n') === canonical(level, other).join('\n');

/** @returns {string | undefined} the strictest level at which all transcripts agree */
export const agreement = (program, [first, ...others]) =>
  levelsOf(program).find((level) => others.every((other) => same(level, first, other)));
