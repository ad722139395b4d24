import type { RecordedJobEvent } from '../../domain/job/events.ts';
import type { JobState } from '../../domain/job/state.ts';
import type { RecordedQueueEvent } from '../../domain/queue/queue.ts';
import type { LaterBatch } from './later-batch.ts';
import type { Violations } from './violation.ts';

type Claimed = Extract<RecordedJobEvent, { type: 'JobClaimed' }>;

/** Rules about when a job may be claimed. */
export interface ClaimTimes {
  claimed(before: JobState, event: Claimed, tenantId: number): void;
  queueChanged(event: RecordedQueueEvent, tenantId: number): void;
}

/** Times are whole ms, and a batch's may be finer. */
const ROUNDING_MS = 1;

/**
 * Pauses and run-at times, as far as a log can prove them.
 *
 * **Pauses.** A claim reads whether its queue is paused in the snapshot of its statement, without a
 * lock. So a claim whose statement began before the pause was committed may rightly end up behind it in
 * the log. What can be proven: a claim is wrong when its statement *began* after the pause was
 * *committed*, and it did not see a later resume. It began no earlier than its event says. The pause was
 * committed before the time recorded with the batch that follows its own (see LaterBatch). And a claim
 * that saw the resume stands behind it in the log: the resume was committed before the claim drew its
 * inbox number, and the sequencer moves numbers in order within what it sees. So, between QueuePaused
 * and QueueResumed *by position*, each JobClaimed *later than that time* is a violation; an earlier one
 * proves nothing. Where no times of batches are known, nothing is judged.
 *
 * **Too early.** A claim is written with the later of its statement's time and the job's run-at, so that
 * the clock's rounding cannot put it before. That hides a claim that came too early: it says exactly
 * run-at. Such a claim is wrong when the batch after its own was recorded before that time.
 */
export function createClaimTimes(violations: Violations, later: LaterBatch): ClaimTimes {
  /** By tenant and queue: the time by which its pause was surely committed; null while not known. */
  const paused = new Map<string, { committedByMs: number | null }>();

  const judgePause = (event: Claimed, tenantId: number) => {
    const byMs = paused.get(keyOf(event, tenantId))?.committedByMs ?? null;
    if (byMs === null || event.occurredAtMs <= byMs + ROUNDING_MS) return;
    const after = Math.round(event.occurredAtMs - byMs);
    const detail = `claimed ${after} ms or more after the queue "${event.queue}" was paused`;
    violations.add('claimed-while-paused', event, detail);
  };
  const judgeTime = (before: JobState, event: Claimed) => {
    const atMs = event.occurredAtMs;
    if (atMs !== before.runAtMs) return;
    later.whenCommitted((byMs) => {
      if (atMs <= byMs + ROUNDING_MS) return;
      const detail = `claimed ${Math.round(atMs - byMs)} ms or more before its time`;
      violations.add('claimed-early', event, detail);
    });
  };

  return {
    claimed(before, event, tenantId) {
      judgePause(event, tenantId);
      judgeTime(before, event);
    },
    queueChanged(event, tenantId) {
      const key = keyOf(event, tenantId);
      if (event.type === 'QueueResumed') paused.delete(key);
      if (event.type !== 'QueuePaused') return;
      const pause: { committedByMs: number | null } = { committedByMs: null };
      paused.set(key, pause);
      later.whenCommitted((byMs) => {
        pause.committedByMs = byMs;
      });
    },
  };
}

function keyOf({ queue }: Pick<RecordedQueueEvent, 'queue'>, tenantId: number): string {
  return `${tenantId} ${queue}`;
}
