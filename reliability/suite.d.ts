/**
 * A suite is a folder here whose `suite.js` exports this. It runs in a process of its own, with
 * `--expose-gc`; processes that it starts are ended with it.
 */
export interface Suite {
  /** What the suite checks, in a few words. */
  title: string;
  /** The expected maximum duration; after twice that the suite is ended and has failed. */
  seconds: { short: number; long: number };
  /** Why this machine cannot run it, if it cannot. */
  leftOut?(): string | undefined;
  /** Builds missing programs, with a time limit of its own. */
  prepare?(): unknown;
  run(options: Options): Promise<Row[]>;
}

export interface Options {
  long: boolean;
  /** The seed of all random choices. */
  seed: number;
  /** The chosen parts, in a suite that has parts; all if undefined. */
  parts?: string[];
  /** Prints progress. */
  log(text: string): void;
}

/** One line of the table. */
export interface Row {
  what: string;
  /** The measured figure, with its unit. */
  figure: string;
  /** The required figure. */
  bound?: string;
  ok: boolean;
  /** Why the row was left out on this machine; it then neither passes nor fails. */
  leftOut?: string;
}

/** A message from the process of a suite to the runner. */
export interface Report {
  begins?: { title: string; seconds: number };
  log?: string;
  trouble?: string;
  rows?: Row[];
}
