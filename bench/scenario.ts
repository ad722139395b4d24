import type { ContenderName } from './contenders/registry.ts';
import type { LoadSpec } from './loads/load.ts';
import type { FreshDatabase, PostgresServer } from './servers/postgres-server.ts';
import type { Run } from './runs/run-once.ts';

/** One thing that is measured; selected by its name. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Only Daybook is measured, so that no peer is needed. */
  readonly alone?: true;
  measure(bench: Bench): Promise<Findings>;
}

/** What scenarios measure with. */
export interface Bench {
  /** Only to see that everything works: small numbers, one run. */
  readonly quick: boolean;
  /** How often each contender runs, in turn with the others. */
  readonly runs: number;
  /** Jobs of one full cycle. */
  readonly jobs: number;
  /** Of the soak. */
  readonly minutes: number;
  /** Those that can run here, and were asked for. */
  readonly contenders: readonly ContenderName[];
  /** Of which every run gets a new database. */
  readonly postgres: PostgresServer;
  /** Runs a load on a contender in a process of its own, and verifies what it keeps. */
  run(contender: ContenderName, load: LoadSpec, staging?: RunStaging): Promise<Run>;
  /** Says what goes on, to whoever waits. */
  tell(text: string): void;
}

export interface RunStaging {
  readonly postgres?: PostgresServer;
  readonly beside?: (database: FreshDatabase) => Promise<() => Promise<void>>;
}

export interface Findings {
  readonly series: readonly Series[];
  readonly goals: readonly Goal[];
  readonly costs?: readonly Costs[];
  /** What else there is to say, a sentence each. */
  readonly notes?: readonly string[];
}

/** What one contender did, once for each run. */
export interface Series {
  readonly name: string;
  /** What the values are: `jobs/s`, `p99 ms`. Series that share it are compared. */
  readonly unit: string;
  readonly values: readonly number[];
}

/** What is wanted of a median or of a ratio of medians. */
export interface Goal {
  readonly what: string;
  /** The least that is good enough, where more is wanted. */
  readonly floor?: boolean;
  readonly value: number;
  readonly bound: { readonly atLeast: number } | { readonly below: number };
  readonly unit: string;
}

/** What it took, medians of all runs. NaN where it cannot be told. */
export interface Costs {
  readonly name: string;
  /** Processor seconds for 100,000 jobs. */
  readonly nodeSeconds: number;
  readonly serverSeconds: number;
  /** For each job. */
  readonly walBytes: number;
  readonly rowsWritten: number;
  readonly transactions: number;
  /** In the whole database at the end. */
  readonly deadTuples: number;
}
