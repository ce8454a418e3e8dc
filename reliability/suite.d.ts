/**
 * A suite is a folder here whose `suite.js` exports this. It runs in a process of its own, with
 * `--expose-gc`; processes that it starts are ended with it.
 */
export interface Suite {
  /** What it shows, in a few words. */
  title: string;
  /** How long it takes at most; after twice that it is ended and has failed. */
  seconds: { short: number; long: number };
  /** Why this machine cannot run it, if it cannot. */
  leftOut?(): string | undefined;
  /** Builds what is not there yet, in time of its own. */
  prepare?(): unknown;
  run(options: Options): Promise<Row[]>;
}

export interface Options {
  long: boolean;
  /** Of all that is random. */
  seed: number;
  /** The parts that are wanted, in a suite that has parts; all if undefined. */
  parts?: string[];
  /** Says what is going on. */
  log(text: string): void;
}

/** One line of the table. */
export interface Row {
  what: string;
  /** What was found, with its unit. */
  figure: string;
  /** What it must be. */
  bound?: string;
  ok: boolean;
  /** Why this was left out here; then it counts neither way. */
  leftOut?: string;
}

/** What the process of a suite tells the runner. */
export interface Report {
  begins?: { title: string; seconds: number };
  log?: string;
  trouble?: string;
  rows?: Row[];
}
