/**
 * The named deviations as data. Each says, from a program and the transcripts of both worlds, what
 * the module does in place of what Chromium does there, and nothing else.
 */

/**
 * @typedef {[number, string][]} Transcript
 * @typedef {{ expected: Transcript, got: Transcript }} Pair
 * @typedef {object} Deviation
 * @property {string} letter as in the main README
 * @property {(program: any, pair: Pair) => Pair | undefined} apply what is to be compared instead;
 *   undefined where it does not matter
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

const LONGEST_TEXT = 80;

const showName = (name) =>
  name.length <= LONGEST_TEXT
    ? JSON.stringify(name)
    : `${JSON.stringify(name.slice(0, 8))}… ${name.length} characters`;

/** Adds to each socket's info what it would show if `secure()` had kept it. */
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

/** a: `name` and `bufferSize` survive `secure()`. */
function propertiesSurvive(program, { expected, got }) {
  const operations = operationsOf(program);
  /** What each socket was given, and what of it Chromium has forgotten. */
  const given = new Map();
  const kept = new Map();
  const rewritten = rewriteSecured(expected, ([slot, text], answer) => {
    const { args = [] } = operations.get(answer?.number) ?? {};
    if (answer?.method === 'create') given.set(slot, { ...args[0] });
    if (answer?.method === 'update' && !text.includes(' lastError ')) {
      given.set(slot, { ...given.get(slot), ...args[1] });
      if (kept.has(slot)) kept.set(slot, { ...kept.get(slot), ...args[1] });
    }
    if (succeeded(answer, 'secure')) kept.set(slot, { ...given.get(slot) });
    return /^(info |\d+ get)/.test(text) ? withProperties(text, kept) : undefined;
  });
  return rewritten && { expected: rewritten, got };
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

/** g: A server that asks for a certificate and does not insist gets none; the paths part there. */
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

/** @type {Deviation[]} */
const DEVIATIONS = [
  { letter: 'g', apply: askedForCertificate },
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
    const changed = apply(program, pair);
    if (!changed) continue;
    pair = changed;
    deviations.push(letter);
  }
  return { ...pair, deviations };
}
