import type { RecordedEvent } from '../../../src/domain/event-types.ts';
import type { JobState } from '../../../src/domain/job/state.ts';
import type { RetryPolicy } from '../../../src/domain/retry-policy.ts';

/** A row of job_claims, as far as the domain has to do with it. Rows are never changed in place. */
export interface ClaimRow {
  readonly id: string;
  readonly queue: string;
  readonly version: number;
  readonly priority: number;
  readonly runAtMs: number;
  readonly failures: number;
  readonly maxAttempts: number;
  readonly crashes: number;
  readonly suspect: boolean;
  readonly startMarked: boolean;
  readonly sessionId: string | null;
  readonly leaseToken: string | null;
  readonly claimedAtMs: number | null;
  readonly cancelRequested: boolean;
  readonly cancelReason: string | null;
  readonly uniqueKey: string | null;
  readonly retryPolicy: RetryPolicy | null;
}

export interface DeadRow {
  readonly id: string;
  readonly version: number;
}

export interface SessionRow {
  readonly id: string;
  readonly leaseUntilMs: number;
  readonly endedAtMs: number | null;
  readonly closing: boolean;
  readonly settled: boolean;
}

export interface QueueRow {
  readonly name: string;
  readonly streamId: string;
  readonly version: number;
  readonly paused: boolean;
}

/** A row of event_inbox. */
export interface InboxRow {
  readonly seq: number;
  readonly event: RecordedEvent;
}

/** Numbers of the inbox that were not visible when a batch passed them. */
export interface MissingNumbers {
  readonly numbers: ReadonlySet<number>;
  /** Forgotten once no transaction with this id or a lower one is in progress. */
  readonly fence: number;
}

/** The one row of log_head. */
export interface Head {
  readonly tick: number;
  readonly position: number;
  readonly highestSeq: number;
  readonly missing: readonly MissingNumbers[];
  readonly recordedAtMs: number;
}

/** An event of the log, with the time of its batch. */
export interface LogRow {
  readonly event: RecordedEvent;
  readonly recordedAtMs: number;
}

/** What is committed at one moment: a commit makes a copy, and changes that. */
export interface Tables {
  readonly claims: Map<string, ClaimRow>;
  readonly dead: Map<string, DeadRow>;
  /** Ids of job_payloads: the guard that a stream is born once. */
  readonly born: Set<string>;
  readonly sessions: Map<string, SessionRow>;
  readonly queues: Map<string, QueueRow>;
  readonly inbox: Map<number, InboxRow>;
  /** What folding log and inbox gives for each job. */
  readonly jobs: Map<string, JobState>;
  head: Head;
}

export function emptyTables(): Tables {
  return {
    claims: new Map(),
    dead: new Map(),
    born: new Set(),
    sessions: new Map(),
    queues: new Map(),
    inbox: new Map(),
    jobs: new Map(),
    head: { tick: 0, position: 0, highestSeq: 0, missing: [], recordedAtMs: 0 },
  };
}

export function copyOf(tables: Tables): Tables {
  return {
    claims: new Map(tables.claims),
    dead: new Map(tables.dead),
    born: new Set(tables.born),
    sessions: new Map(tables.sessions),
    queues: new Map(tables.queues),
    inbox: new Map(tables.inbox),
    jobs: new Map(tables.jobs),
    head: tables.head,
  };
}
