import type { RecordedEvent } from '../../domain/event-types.ts';
import type { RecordedQueueEvent } from '../../domain/queue/queue.ts';
import { createClaimTimes } from './claim-times.ts';
import type { ClientRecords } from './witnesses/client-records.ts';
import { createJudgedStreams } from './judged-streams.ts';
import { createLaterBatch } from './later-batch.ts';
import { createSafetyFacts, type SafetyFacts } from './safety-facts.ts';
import { createUniqueKeys } from './unique-keys.ts';
import { createViolations, type Violation, type Violations } from './violation.ts';
import { createWitnesses } from './witnesses/witnesses.ts';

export interface SafetyOptions {
  /** What clients have witnessed. Used up by the check. */
  readonly records?: ClientRecords;
  /** Every job must have ended where the log ends: for histories whose faults have stopped. */
  readonly everyJobEnded?: boolean;
}

/** What stands beside an event in the log. */
export interface Beside {
  readonly tenantId: number | null;
  /** When the sequencer recorded its batch, in ms; null where that is not known. */
  readonly recordedAtMs: number | null;
}

export interface SafetyReport {
  /** True: no rule is broken. */
  readonly safe: boolean;
  /** The first hundred. */
  readonly violations: readonly Violation[];
  /** How many there are of each rule, those above included. */
  readonly counts: Violations['counts'];
  readonly facts: SafetyFacts;
}

/** A check under way. */
export interface SafetyCheck {
  /** Takes the next event of the log, from position 1 on. */
  take(event: RecordedEvent, beside: Beside): void;
  /** Takes one whose type nobody knows; its stream is not judged any more. */
  skip(streamId: string, position: bigint): void;
  /**
   * The log ends here.
   * @param readAtMs a time of the database's at which all of it was committed, in ms; null for unknown
   */
  end(readAtMs: number | null): SafetyReport;
}

/** Violations that a report lists; the rest is counted. */
const LISTED = 100;

/**
 * Decides from the log alone whether what must never happen did happen; with the records of clients also
 * whether what they were told holds. Pure, in one pass by position. It keeps live and dead jobs, queues
 * and a bounded number of ended jobs; records take as much memory as there are.
 */
export function createSafetyCheck(options: SafetyOptions = {}): SafetyCheck {
  const violations = createViolations(LISTED);
  const later = createLaterBatch();
  const streams = createJudgedStreams(violations);
  const claimTimes = createClaimTimes(violations, later);
  const uniqueKeys = createUniqueKeys(violations);
  const { records, everyJobEnded = false } = options;
  const witnesses = records === undefined ? null : createWitnesses(records, violations);
  const facts = createSafetyFacts();
  let position = 0n;

  const countPosition = (streamId: string, found: bigint | null) => {
    facts.heard();
    const expected = position + 1n;
    if (found !== expected) {
      const at = { streamId, position: found };
      violations.add('position-wrong', at, `position ${expected} should stand here`);
    }
    position = found ?? expected;
  };
  return {
    take(event, { tenantId, recordedAtMs }) {
      const tenant = tenantId ?? 0;
      later.enter(recordedAtMs);
      countPosition(event.streamId, event.position);
      witnesses?.heard(event);
      if (isQueueEvent(event)) {
        streams.takeQueueEvent(event);
        claimTimes.queueChanged(event, tenant);
        return;
      }
      const change = streams.takeJobEvent(event);
      if (change === null) return;
      const { before, after } = change;
      facts.changed(before, after, event);
      uniqueKeys.changed(before, after, event, tenant);
      witnesses?.changed(before, after, event);
      if (event.type === 'JobClaimed' && before !== null) claimTimes.claimed(before, event, tenant);
    },
    skip(streamId, at) {
      countPosition(streamId, at);
      streams.leave(streamId);
    },
    end(readAtMs) {
      if (readAtMs !== null) later.end(readAtMs);
      for (const { id: streamId, version, status } of everyJobEnded ? streams.live() : []) {
        violations.add('job-not-ended', { streamId, version }, `the job is ${status}`);
      }
      witnesses?.end();
      return {
        safe: Object.keys(violations.counts).length === 0,
        violations: violations.kept,
        counts: violations.counts,
        facts: facts.told(witnesses?.facts ?? null),
      };
    },
  };
}

function isQueueEvent(event: RecordedEvent): event is RecordedQueueEvent {
  return event.type.startsWith('Queue');
}
