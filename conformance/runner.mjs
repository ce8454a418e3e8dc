/** Performs one scenario on one side, with its peer. */

import { Peer } from './peers.mjs';
import { completeTranscript } from './transcript.mjs';

/**
 * @typedef {{ kind: string, level?: string, text: string }} Message
 * @typedef {object} Side
 * @property {(request: { subject: string, name: string, environment: object, manifest?: any },
 *   answer: (name: string, args: unknown[]) => Promise<{ value?: unknown, error?: string }>) =>
 *   Promise<{ lines: string[], messages: Message[], dead?: boolean }>} run
 * @property {() => Promise<void>} close
 */

/** The time limit of a scenario: a resolver may wait several times for its server. */
const TIMEOUT_MS = 60_000;

/**
 * @param {Side} side
 * @param {string} subject
 * @param {any} scenario
 * @param {import('./peers.mjs').Certificates} certificates
 * @param {number} [limit] milliseconds after which the scenario counts as stuck
 * @returns {Promise<{ transcript: string[], dead: boolean }>} `dead`: the side is of no
 *   more use, also because the scenario says that it taints everything after it
 */
export async function runScenario(side, subject, scenario, certificates, limit = TIMEOUT_MS) {
  const peer = new Peer(certificates);
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(
      () => resolve({ lines: ['FAILED: did not end in time'], messages: [], dead: true }),
      limit,
    );
  });
  try {
    await scenario.server?.(peer, scenario.parameters);
    const environment = { ports: peer.ports };
    const { name, manifest } = scenario;
    const request = { subject, name, environment, manifest };
    const answer = async (name, args) => {
      try {
        return { value: await peer.perform(name, args) };
      } catch (error) {
        return { error: `peer: ${name}: ${error.message}` };
      }
    };
    const running = side.run(request, answer).catch(({ message }) => ({
      lines: [`FAILED: ${message.split('\n')[0]}`],
      messages: [],
      dead: true,
    }));
    const { lines, messages, dead = false } = await Promise.race([running, late]);
    return {
      transcript: completeTranscript(lines, messages),
      dead: dead || scenario.taints === true,
    };
  } finally {
    clearTimeout(timer);
    peer.close();
  }
}
