'use strict';

/** The limit of open files, and the workloads that fit in it. */

/**
 * The descriptors that a process has beside its connections, rounded up: the peer's listeners, and those
 * of Node.
 */
const RESERVE = 200;

/** @returns {number} of each process that is started from here; Infinity where there is no limit */
function fileLimit() {
  // The declaration says that the report is a string.
  const report = /** @type {any} */ (process.report.getReport());
  // Node has raised the soft limit to the hard one. Windows has none.
  const { soft = Infinity } = report.userLimits?.open_files ?? {};
  return Number.isFinite(soft) ? soft : Infinity;
}

/**
 * The most connections that fit, rounded down to two digits.
 *
 * @param {number} limit of open files
 * @returns {number}
 */
function mostConnections(limit) {
  const most = limit - RESERVE;
  if (most < 1 || most === Infinity) return Math.max(most, 0);
  const digit = 10 ** Math.max(Math.floor(Math.log10(most)) - 1, 0);
  return Math.floor(most / digit) * digit;
}

/**
 * The steps that fit, and the most connections that do where that is less than the last step.
 *
 * @param {number[]} steps ascending numbers of connections
 * @param {number} limit of open files
 * @returns {number[]} all steps and that number, ascending
 */
function withMost(steps, limit) {
  const most = mostConnections(limit);
  if (most < 1 || most >= Math.max(...steps) || steps.includes(most)) return steps;
  return [...steps, most].sort((a, b) => a - b);
}

/**
 * The limit that a workload needs. The measured process and the peer have one end of each connection.
 *
 * @param {import('./workloads.js').Parameters} parameters
 * @param {number} warm connections that an idle workload opens beforehand
 * @returns {number}
 */
function filesNeeded({ kind, connections }, warm) {
  return connections + (kind === 'idle' ? warm : 0) + RESERVE;
}

/**
 * The line that says why a workload is left out.
 *
 * @param {string} name
 * @param {number} needed
 * @param {number} limit
 * @returns {string}
 */
function leftOut(name, needed, limit) {
  const command =
    process.platform === 'linux'
      ? `sudo prlimit --pid $$ --nofile=${needed}`
      : `ulimit -Hn ${needed} && ulimit -n ${needed}`;
  return (
    `left out: ${name}: needs ${needed.toLocaleString('en')} open files in a process, ` +
    `and the limit (ulimit -n) is ${limit.toLocaleString('en')}; ` +
    `in the same shell, first raise it: \`${command}\``
  );
}

module.exports = { fileLimit, filesNeeded, leftOut, mostConnections, withMost };
