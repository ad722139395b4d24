import type { RecordedJobEvent } from '../../domain/job/events.ts';
import type { JobState } from '../../domain/job/state.ts';

/** A job as far as its stream was read. */
export interface KnownJob {
  readonly state: JobState;
  readonly last: RecordedJobEvent;
}

/** The jobs of which more may be heard: live ones, dead ones, and those that ended lately. */
export interface KnownJobs {
  get(id: string): KnownJob | undefined;
  set(id: string, job: KnownJob): void;
  /** Jobs that have not ended. */
  live(): Iterable<JobState>;
}

/**
 * Keeps live and dead jobs for as long as they are, and the newest `endedKept` of those that can hardly
 * change any more: what is said about such a job long after its end is judged without its state.
 */
export function createKnownJobs(endedKept: number): KnownJobs {
  const kept = new Map<string, KnownJob>();
  const ended = new Map<string, KnownJob>();

  return {
    get: (id) => kept.get(id) ?? ended.get(id),
    set(id, job) {
      const { status } = job.state;
      if (status !== 'completed' && status !== 'cancelled') {
        kept.set(id, job);
        return;
      }
      kept.delete(id);
      ended.delete(id);
      ended.set(id, job);
      const [oldest] = ended.keys();
      if (ended.size > endedKept && oldest !== undefined) ended.delete(oldest);
    },
    *live() {
      for (const { state } of kept.values()) {
        if (state.status === 'waiting' || state.status === 'running') yield state;
      }
    },
  };
}
