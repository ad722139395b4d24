import type { CaughtUp } from '../contenders/contender.ts';

/** What a contender is made to do, as plain data that can be sent to its process. */
export type LoadSpec =
  | ({ readonly kind: 'cycle' } & CycleSpec)
  | ({ readonly kind: 'submits' } & SubmitsSpec)
  | ({ readonly kind: 'start' } & StartSpec)
  | ({ readonly kind: 'drain' } & DrainSpec)
  | ({ readonly kind: 'endurance' } & EnduranceSpec);

interface Common {
  readonly queues: readonly string[];
}

interface Worked extends Common {
  /** Jobs run before anything is measured. */
  readonly warmUp: number;
}

export interface CycleSpec extends Worked {
  readonly jobs: number;
  /** Bytes of each payload, about. */
  readonly payloadBytes: number;
  readonly workers: number;
  /** Ends the run early; the rate is that of what was completed. */
  readonly limitMs: number;
}

export interface SubmitsSpec extends Common {
  readonly warmUpSeconds: number;
  readonly callers: number;
  readonly seconds: number;
}

export interface StartSpec extends Worked {
  readonly perSecond: number;
  readonly seconds: number;
}

export interface DrainSpec extends Worked {
  /** Jobs to run. */
  readonly jobs: number;
  /** Jobs that wait before the first is run, `jobs` among them. */
  readonly waiting: number;
  /** Jobs due in a day, over ten priorities. */
  readonly scheduled: number;
}

export interface EnduranceSpec extends StartSpec {
  /** Of which each is told apart. */
  readonly intervalSeconds: number;
}

export interface LoadResult {
  /** Jobs that the clock ran for. */
  readonly jobs: number;
  /** From the first call to the last completion (or submission, where nothing runs). */
  readonly ms: number;
  /** From the first call until readers saw everything. */
  readonly caughtUp: readonly CaughtUp[];
  /** Of single calls or jobs, in ms. */
  readonly samples: readonly number[];
  /** Of an endurance run, in order. */
  readonly intervals?: readonly Interval[];
}

export interface Interval {
  /** Jobs that were started. */
  readonly jobs: number;
  readonly ms: number;
  /** From submission to start. */
  readonly p99Ms: number;
  /** What the process of the contender takes at the end. */
  readonly residentBytes: number;
}

/** A load for which all is laid out. */
export interface PreparedLoad {
  /** What is measured; once. */
  run(): Promise<LoadResult>;
  /** Ends the workers. */
  end(): Promise<void>;
}
