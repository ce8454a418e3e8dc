/**
 * The context that a scenario's `run` gets, and the performance of a scenario. This file and those
 * of context/ run unchanged inside Chromium's service worker and in Node, so they use only features
 * that both have.
 */

import { createCalls } from './context/calls.mjs';
import { Entries } from './context/entries.mjs';
import { Events } from './context/events.mjs';
import { closeAll, createOpeners } from './context/sockets.mjs';
import { Writer } from './context/writer.mjs';

const QUIET_MS = 40;

/** The beginning of the transcript of a scenario that cannot be performed here. */
export const IMPOSSIBLE = 'not performed: ';

const delay = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Conditions that a scenario waits for. */
function createConditions(entries, writer, events) {
  const until = (condition, description) => entries.until(condition, description);
  return {
    until,
    /** Waits until the socket's onReceive events have delivered this many bytes in total. */
    received: (id, total) =>
      until(() => events.stateOf(id).received >= total, `${total} bytes on ${writer.socket(id)}`),
    /** Waits for the socket's n-th onReceiveError. */
    failed: (id, count = 1) =>
      until(() => events.stateOf(id).errors >= count, `onReceiveError of ${writer.socket(id)}`),
    /** Waits for the server socket's n-th onAccept; the accepted socket. */
    accepted: async (id, count = 1) => {
      const { accepted } = events.serverOf(id);
      await until(() => accepted.length >= count, `connection ${count} of a server`);
      return accepted[count - 1];
    },
    /** Waits for the server socket's n-th onAcceptError. */
    acceptFailed: (id, count = 1) =>
      until(() => events.serverOf(id).errors >= count, `onAcceptError of a server`),
    /** Waits for a bounded time, only to show that no further event arrives. */
    quiet: (milliseconds = 100) => delay(milliseconds),
    turn: () => delay(0),
  };
}

const bytes = {
  bytes: (text) => Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer,
  /** n bytes of a pattern that the peer's `receivedPattern` knows. */
  pattern: (length) => Uint8Array.from({ length }, (_, index) => index % 251).buffer,
  text: (buffer) => String.fromCharCode(...new Uint8Array(buffer)),
};

function createContext(scenario, environment, side, { entries, writer, events }) {
  const { tcp, tcpServer, runtime, ask, withoutCrowd = false } = side;
  const log = (...parts) => entries.log(...parts);
  const show = (value) => writer.show(value);
  const peer = { mainPort: environment.ports.main };
  return {
    tcp,
    tcpServer,
    runtime,
    host: '127.0.0.1',
    port: environment.ports.main,
    ports: environment.ports,
    parameters: scenario.parameters,
    log,
    show,
    ...createCalls(side, entries, writer, events),
    ...createOpeners(side, peer, entries, writer, events),
    ...createConditions(entries, writer, events),
    ...bytes,
    stateOf: (id) => events.stateOf(id),
    /**
     * Makes many calls without an effect, so that Chromium gets the scenario's next calls of the
     * same turn as one batch, without other work in between.
     */
    crowd() {
      if (withoutCrowd) return;
      for (let count = 0; count < 1000; count += 1) tcp.getSockets(() => {});
    },
    /** Has the peer do something, or waits for something at the peer. */
    ask: (name, ...args) => ask(name, args),
    /** The same, with the answer in the transcript. */
    report: async (name, ...args) => {
      const answer = await ask(name, args);
      log(`peer: ${name}: ${show(answer)}`);
      return answer;
    },
  };
}

/**
 * @param {{ run: Function, needs?: string, parameters?: unknown, events?: boolean,
 *   chunks?: boolean }} scenario
 *   `needs` is a method of ArrayBuffer that older engines lack; `events: false` leaves the transcript without onReceive and onReceiveError; `chunks: true`
 *   shows every onReceive by itself, instead of neighbours as one
 * @param {{ ports: Record<string, number> }} environment
 * @param {{ tcp: any, tcpServer: any, runtime: any, ask: (name: string, args: unknown[]) => Promise<any>,
 *   withoutCrowd?: boolean }} side
 *   `withoutCrowd`: `crowd()` makes no calls
 * @returns {Promise<string[]>} the transcript
 */
export async function perform(scenario, environment, side) {
  if (scenario.needs && !(scenario.needs in ArrayBuffer.prototype)) {
    return [`${IMPOSSIBLE}there is no ArrayBuffer.prototype.${scenario.needs}`];
  }
  const writer = new Writer(environment.ports);
  const entries = new Entries(writer, scenario.chunks);
  const events = new Events(entries, writer, side);
  const context = createContext(scenario, environment, side, { entries, writer, events });
  if (scenario.events !== false) events.start();
  try {
    await scenario.run(context);
    await delay(QUIET_MS);
  } catch (error) {
    entries.log(`FAILED: ${error}`);
  }
  entries.end();
  events.stop();
  await closeAll(side);
  return entries.lines();
}
