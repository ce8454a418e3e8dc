/** Makes a program smaller for as long as it still shows its difference. */

/** The number of candidates tried at the same time, and in total. */
const CONCURRENCY = 6;
const MAX_CANDIDATES = 400;

const without = (list, index, count = 1) => [...list.slice(0, index), ...list.slice(index + count)];

const replaced = (list, index, item) => [...list.slice(0, index), item, ...list.slice(index + 1)];

const omit = (object, key) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));

/** Lists of operations with one fewer or one simpler. */
function* simplerOperations(operations) {
  for (let index = 0; index < operations.length; index += 1) {
    yield without(operations, index);
    const operation = operations[index];
    if (operation.then) {
      const { then } = operation;
      if (operation.op === 'call') yield replaced(operations, index, omit(operation, 'then'));
      // The actions of the callback, instead of the call that has it.
      yield [...operations.slice(0, index), ...then, ...operations.slice(index + 1)];
      for (const simpler of simplerOperations(then)) {
        if (simpler.length === 0) continue;
        yield replaced(operations, index, { ...operation, then: simpler });
      }
    }
    for (const simpler of simplerArguments(operation)) {
      yield replaced(operations, index, simpler);
    }
  }
}

function* simplerArguments(operation) {
  if (operation.form === 'promise') {
    yield omit(operation, 'form');
  }
  const { args = [] } = operation;
  for (const [index, value] of args.entries()) {
    const put = (simpler) => ({ ...operation, args: replaced(args, index, simpler) });
    if (value?.bytes !== undefined) {
      if (value.as) yield put(omit(value, 'as'));
      for (const size of [1, 10, 1000, 5000]) {
        if (size < value.bytes) yield put({ ...value, bytes: size });
      }
      if (value.first > 0) yield put({ ...value, first: 0 });
    } else if (
      typeof value === 'object' &&
      value !== null &&
      !Object.keys(value)[0]?.startsWith('$')
    ) {
      for (const key of Object.keys(value)) {
        yield put(omit(value, key));
      }
    } else if (operation.op === 'peer' && typeof value === 'number') {
      for (const size of [0, 1, 10, 1000, 5000]) if (size < value) yield put(size);
    }
  }
}

const SIMPLE_PEER = { behaviour: 'silent', tls: 'good', reading: 'always', greeting: 0 };

function* simplerPeers(peers) {
  for (const [index, peer] of peers.entries()) {
    for (const [key, value] of Object.entries(SIMPLE_PEER)) {
      if (peer[key] !== value) yield replaced(peers, index, { ...peer, [key]: value });
    }
  }
}

/** Candidates that are smaller than the program, the boldest first. */
function* candidates(program) {
  const { steps, peers } = program;
  for (let size = steps.length >> 1; size >= 1; size >>= 1) {
    for (let index = 0; index + size <= steps.length; index += size) {
      yield { ...program, steps: without(steps, index, size) };
    }
  }
  for (const [index, step] of steps.entries()) {
    for (const operations of simplerOperations(step.operations)) {
      if (operations.length > 0) {
        yield { ...program, steps: replaced(steps, index, { ...step, operations }) };
      }
    }
    if (program.mode === 'burst' && step.wait !== 'settle') {
      yield { ...program, steps: replaced(steps, index, { ...step, wait: 'settle' }) };
    }
  }
  for (const simpler of simplerPeers(peers)) yield { ...program, peers: simpler };
}

/** @returns {Promise<object | undefined>} the first of some candidates that still shows it */
async function firstThatShows(list, shows) {
  const results = await Promise.all(list.map(shows));
  const index = results.indexOf(true);
  return index < 0 ? undefined : list[index];
}

/**
 * @param {any} program
 * @param {(program: any) => Promise<boolean>} shows whether a program still shows it
 * @returns {Promise<any>} a program of which no candidate does, or the smallest one found
 */
export async function shrink(program, shows) {
  let smallest = program;
  let tried = 0;
  search: while (tried < MAX_CANDIDATES) {
    const all = [...candidates(smallest)];
    for (let index = 0; index < all.length && tried < MAX_CANDIDATES; index += CONCURRENCY) {
      const some = all.slice(index, index + CONCURRENCY);
      tried += some.length;
      const found = await firstThatShows(some, shows);
      if (!found) continue;
      smallest = found;
      continue search;
    }
    break;
  }
  return smallest;
}
