import { errorFingerprint } from '../../domain/job/error-fingerprint.ts';
import { sha256 } from '../../kernel/ids.ts';
import type { RecordedEvent } from '../../store/event-codec.ts';
import { sampleLength } from './table.ts';

/** A row of the read model, with names for numbers; times are ms since the epoch. */
export interface FailureGroupRow {
  /** 32 hex digits. */
  readonly fingerprint: string;
  readonly type: string;
  /** Of the newest failure, as are the name, the message and the job. */
  readonly queue: string;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly lastPosition: bigint;
  readonly failures: number;
  /** How many of them ended their job. */
  readonly dead: number;
  readonly jobId: string;
  readonly errorName: string;
  readonly message: string;
}

/** Folds the log, in order, into the rows that the table should have. */
export interface FailureGroupsFold {
  add(event: RecordedEvent): void;
  /** In no particular order. */
  rows(): FailureGroupRow[];
}

export function createFailureGroupsFold(): FailureGroupsFold {
  const groups = new Map<string, FailureGroupRow>();
  /** The fingerprint of each job whose newest event is a failure: what comes next may be its end. */
  const justFailed = new Map<string, string>();
  return {
    add(event) {
      const fingerprint = justFailed.get(event.streamId);
      justFailed.delete(event.streamId);
      if (event.type === 'JobDead' && fingerprint !== undefined) {
        const group = groups.get(fingerprint);
        if (group !== undefined) groups.set(fingerprint, { ...group, dead: group.dead + 1 });
      }
      if (event.type !== 'JobFailed') return;
      const { error } = event.data;
      const type = event.jobType ?? '';
      const found = errorFingerprint(type, error, sha256);
      const before = groups.get(found);
      justFailed.set(event.streamId, found);
      groups.set(found, {
        fingerprint: found,
        type,
        queue: event.queue,
        firstSeenMs: before?.firstSeenMs ?? event.occurredAtMs,
        lastSeenMs: event.occurredAtMs,
        lastPosition: event.position ?? 0n,
        failures: (before?.failures ?? 0) + 1,
        dead: before?.dead ?? 0,
        jobId: event.streamId,
        errorName: error.name,
        message: Array.from(error.message).slice(0, sampleLength).join(''),
      });
    },
    rows: () => [...groups.values()],
  };
}
