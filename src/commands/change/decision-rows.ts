import { eventTypeCodes } from '../../domain/event-types.ts';
import { elapsedMs } from '../../domain/job/elapsed.ts';
import type { JobEvent } from '../../domain/job/events.ts';
import { hasEnded, type JobState } from '../../domain/job/state.ts';
import { invariant } from '../../kernel/invariant.ts';
import type {
  DecidedEventRow,
  DecisionRow,
  RowChange,
} from '../../store/statements/commit-decisions.ts';

/** A decision that waits to be kept: the job before, the events, and the job they make of it. */
export interface Decided {
  readonly id: string;
  readonly before: JobState;
  readonly after: JobState;
  readonly events: readonly JobEvent[];
  readonly atMs: number;
  readonly epoch: number;
  readonly payload: string | null;
}

/** The claim row (or dead row) that the folded state asks for. */
export function decisionRowOf(
  { id, before, after, atMs, payload }: Decided,
  queueIds: ReadonlyMap<string, number>,
  typeIds: ReadonlyMap<string, number>,
): DecisionRow {
  return {
    id,
    expected: before.version,
    version: after.version,
    change: rowChange(before, after),
    at: iso(atMs),
    run_at: iso(after.runAtMs),
    submitted_at: iso(after.submittedAtMs),
    queue_id: idOf(queueIds, after.queue),
    type_id: idOf(typeIds, after.type),
    priority: after.priority,
    failures: after.failures,
    max_attempts: after.maxAttempts,
    crashes: after.crashes,
    suspect: after.suspect,
    holds_lease: after.lease !== null,
    cancel_requested: after.cancelRequested !== null,
    cancel_reason: after.cancelRequested?.reason ?? null,
    timeout_ms: after.timeoutMs,
    payload_bytes: after.payloadBytes,
    unique_key: after.uniqueKey,
    correlation: after.correlation,
    retry_policy: after.retryPolicy,
    tags: tagsOf(after),
    payload,
    payload_hash: payload === null ? null : after.payloadHash,
    erase: after.payloadErased && !before.payloadErased,
  };
}

/** The inbox rows of a decision, in version order. Only the first can end a claim. */
export function eventRowsOf(
  { id, before, after, events, atMs }: Decided,
  queueIds: ReadonlyMap<string, number>,
  typeIds: ReadonlyMap<string, number>,
): DecidedEventRow[] {
  return events.map((event, index) => ({
    stream_id: id,
    version: before.version + 1 + index,
    queue_id: idOf(queueIds, after.queue),
    job_type_id: idOf(typeIds, after.type),
    type: eventTypeCodes[event.type],
    at: iso(atMs),
    elapsed_ms: index === 0 ? elapsedMs(before, event.type, atMs) : null,
    data: event.data,
    correlation: after.correlation,
    tags: tagsOf(after),
  }));
}

function rowChange(before: JobState, after: JobState): RowChange {
  if (before.status === 'dead') return after.status === 'dead' ? 'touch' : 'revive';
  if (hasEnded(before)) return 'bodies';
  if (after.status === 'dead') return 'bury';
  return hasEnded(after) ? 'end' : 'update';
}

function tagsOf({ tags }: JobState): readonly string[] | null {
  return tags.length === 0 ? null : tags;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function idOf(ids: ReadonlyMap<string, number>, name: string): number {
  const id = ids.get(name);
  invariant(id !== undefined, 'names were just looked up');
  return id;
}
