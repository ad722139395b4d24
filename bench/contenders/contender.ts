/** A job as loads make it. Fields that are left out are the contender's own defaults. */
export interface BenchJob {
  readonly queue: string;
  readonly payload: object;
  /** 0 runs first, 9 last. */
  readonly priority?: number;
  readonly delayMs?: number;
}

/** Where a contender works: all of it is fresh. */
export interface Place {
  readonly postgresUrl: string;
  /** The port of a Redis on 127.0.0.1; 0 for contenders that need none. */
  readonly redisPort: number;
  /** All that jobs will be submitted to. */
  readonly queues: readonly string[];
}

/** A job queue that is measured, behind the few verbs that loads need: each is one of its public API. */
export interface Contender {
  /** Connects, and makes tables and queues. */
  open(place: Place): Promise<OpenContender>;
}

export interface OpenContender {
  /** Calls of `submitMany` on their way at the same time, where many are to be made: what suits it best. */
  readonly lanes: number;
  /** Submits one job; resolves when it is accepted. */
  submit(job: BenchJob): Promise<unknown>;
  /** Submits jobs in one call (one for each queue where the API has it so). */
  submitMany(jobs: readonly BenchJob[]): Promise<unknown>;
  /**
   * Works all queues, shared out evenly among `workers`; resolves when they are ready.
   * @param started called in the handler of each job
   */
  work(workers: number, started: (payload: object) => void): Promise<Working>;
  /**
   * To be called while nothing happens. What it resolves with waits until those who read see so many
   * more changes (a submission, a claim and a completion are three); first comes when all had, then parts
   * of them. Left out where readers read what is written.
   */
  watchReaders?(): Promise<(changes: number) => Promise<CaughtUp[]>>;
  /** Proves that nothing was lost. Left out where there is nothing to prove it by. */
  verify?(): Promise<Verified>;
  close(): Promise<void>;
}

export interface Working {
  /** Jobs whose handler has run since work began. */
  readonly ran: number;
  /** Resolves when so many have. */
  hasRun(jobs: number): Promise<void>;
  /** Resolves when all that ran is recorded as completed. Nothing but `stop` may follow. */
  recorded(): Promise<void>;
  /** Finishes what runs, gives back what does not, and ends the workers. */
  stop(): Promise<void>;
}

/** When readers had seen everything, in ms of `performance.now()`. */
export interface CaughtUp {
  readonly readers: string;
  readonly atMs: number;
}

export type Verified =
  | { readonly outcome: 'equal'; readonly events: number }
  | { readonly outcome: 'differs'; readonly differences: string }
  | { readonly outcome: 'takes too long' };
