/** The coverage of a transcript: which calls had which outcomes in which states. */

/** The state of a socket as its last info shows it. */
function stateOf(info) {
  if (info === undefined) return 'unknown';
  if (info === 'gone') return 'gone';
  const flags = ['connected', 'paused'].filter((flag) => info.includes(`${flag}: true`));
  if (info.includes('localPort: server')) flags.push('listening');
  return flags.join(' and ') || 'idle';
}

/** An outcome without the numbers and names that vary from program to program. */
const outcomeOf = (text) =>
  text
    .replace(/^\d+ /, '')
    .replace(/\{[^}]*socketId[^}]*\}/g, '{info}')
    .replace(/bytesSent: (\d+)/, (_, bytes) => `bytesSent: ${bytes === '0' ? 'none' : 'some'}`)
    .replace(/characters|[0-9a-f]{8}/g, '');

/**
 * @param {any} program
 * @param {[number, string][]} transcript
 * @returns {Set<string>}
 */
export function coverageOf(program, transcript) {
  const covered = new Set();
  const states = new Map();
  const secured = new Set();
  let previous = '';
  for (const [slot, text] of transcript) {
    if (text.startsWith('info ') || text === 'gone') {
      states.set(slot, text);
      continue;
    }
    const answer = /^\d+ [\w.]+: /.test(text);
    const event = text.startsWith('onReceive') || text.startsWith('onAccept');
    if (!answer && !event) continue;
    const outcome = event ? text.replace(/ (up to |#).*/, '') : outcomeOf(text);
    const state = `${secured.has(slot) ? 'secured, ' : ''}${stateOf(states.get(slot))}`;
    covered.add(`${program.mode}: ${state}: ${outcome}`);
    covered.add(`${outcome} after ${previous}`.slice(0, 160));
    previous = outcome.split('(')[0];
    if (/^\d+ secure: \(0\)/.test(text)) secured.add(slot);
  }
  for (const { behaviour, tls, reading, calls } of program.peers) {
    covered.add(`${calls === undefined ? 'peer' : 'client'}: ${behaviour}, ${reading}`);
    if (secured.size > 0) covered.add(`peer: ${tls}`);
  }
  return covered;
}

/**
 * Chooses items that together cover as much as possible: the next one is always the one that adds
 * most, and of those the shortest.
 *
 * @template T
 * @param {{ item: T, covered: Set<string>, size: number }[]} candidates
 * @param {number} count
 * @returns {T[]}
 */
export function choose(candidates, count) {
  const chosen = [];
  const done = new Set();
  const left = new Set(candidates);
  while (chosen.length < count && left.size > 0) {
    let best;
    let most = -1;
    for (const candidate of left) {
      let gain = 0;
      for (const feature of candidate.covered) if (!done.has(feature)) gain += 1;
      const worth = gain - candidate.size / 1e6;
      if (worth > most) {
        most = worth;
        best = candidate;
      }
    }
    left.delete(best);
    chosen.push(best.item);
    for (const feature of best.covered) done.add(feature);
  }
  return chosen;
}
