'use strict';

/** Counts of user-space instructions, with valgrind. */

const { execFileSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

/** @throws if a program is missing */
function requireValgrind() {
  requireProgram('valgrind', 'valgrind');
  requireProgram('cc', 'gcc');
}

/**
 * @param {string} program
 * @param {string} system the package that has it
 */
function requireProgram(program, system) {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
  } catch {
    throw new Error(
      `--instructions needs the program ${program}, which was not found. It is installed by ` +
        `"apt-get install ${system}" on Debian and Ubuntu, "dnf install ${system}" on Fedora.`,
    );
  }
}

/**
 * Gives `measure` the command and the environment for a program whose instructions shall be counted.
 *
 * @param {(command: string[], environment: Record<string, string>) => Promise<unknown>} measure
 * @returns {Promise<number>}
 */
async function countInstructions(measure) {
  const directory = mkdtempSync(join(tmpdir(), 'bench-valgrind-'));
  const log = join(directory, 'log');
  const clock = join(directory, 'slow-clock.so');
  const out = '--callgrind-out-file=/dev/null';
  try {
    const source = join(__dirname, 'slow-clock.c');
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', clock, source]);
    const command = ['valgrind', '--tool=callgrind', out, `--log-file=${log}`];
    await measure(command, { LD_PRELOAD: clock });
    return collected(readFileSync(log, 'latin1'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * @param {string} log of callgrind
 * @returns {number} the instructions of all threads of the process
 */
function collected(log) {
  const [, count] = /Collected : (\d+)/.exec(log) ?? [];
  if (count === undefined) throw new Error(`callgrind has counted nothing:\n${log}`);
  return Number(count);
}

/**
 * The instructions for one piece of work: two runs differ by the work alone, because the start-up of
 * both is the same.
 *
 * @param {{ work: number, instructions: number }} less
 * @param {{ work: number, instructions: number }} more
 * @returns {number}
 */
function perPiece(less, more) {
  if (more.work <= less.work) throw new RangeError('The second run must do more work.');
  return (more.instructions - less.instructions) / (more.work - less.work);
}

module.exports = { collected, countInstructions, perPiece, requireValgrind };
