import { readFile, rename, writeFile } from 'node:fs/promises';

/** Where a reader stands in the order of KurrentDB. */
export interface Place {
  readonly commit: bigint;
  readonly prepare: bigint;
}

/** What is wanted of an event. */
export interface JobEvent {
  readonly streamId: string;
  readonly type: string;
  readonly metadata?: unknown;
}

/** What a job is once this event is the last of its stream; events that are not here change nothing. */
const states: Readonly<Record<string, string>> = {
  JobSubmitted: 'waiting',
  JobClaimed: 'running',
  JobCompleted: 'completed',
  JobRetried: 'waiting',
  JobInterrupted: 'waiting',
  JobSnoozed: 'waiting',
  JobDead: 'dead',
  JobCancelled: 'cancelled',
};

/**
 * A read model of its own: the state of each job, and how many are in each. State and place are
 * written to one file at once, so that after a crash each event still counts once.
 */
export class JobCounts {
  place: Place | 'start' = 'start';
  readonly #states = new Map<string, string>();
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Takes up what an earlier run has written; nothing, the first time. */
  async load(): Promise<void> {
    const text = await readFile(this.#file, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return;
    const { place, jobs } = JSON.parse(text) as {
      place: { commit: string; prepare: string };
      jobs: [string, string][];
    };
    this.place = { commit: BigInt(place.commit), prepare: BigInt(place.prepare) };
    for (const [id, state] of jobs) this.#states.set(id, state);
  }

  /** Events of one job come in the order in which they happened. */
  apply({ streamId, type }: JobEvent, place: Place): void {
    const state = states[type];
    if (state !== undefined) this.#states.set(streamId.slice('job-'.length), state);
    this.place = place;
  }

  async save(): Promise<void> {
    if (this.place === 'start') return;
    const place = { commit: String(this.place.commit), prepare: String(this.place.prepare) };
    const text = JSON.stringify({ place, jobs: [...this.#states] });
    await writeFile(`${this.#file}.next`, text);
    await rename(`${this.#file}.next`, this.#file);
  }

  /** Jobs by state. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const state of this.#states.values()) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }
}
