/** The rules of the safety check. Stable: programs may tell them apart. */
export type SafetyRule =
  // From the log alone.
  /** Positions are 1, 2, 3, ... */
  | 'position-wrong'
  /** A job is claimed while a claim of it is open: two leases at once. */
  | 'one-lease'
  /** A claim ends that never began. */
  | 'outcome-without-claim'
  /** A claim ends that has ended. */
  | 'outcome-twice'
  /** Attempts are 1, 2, 3, ...: one more with every failure, and with nothing else. */
  | 'attempt-number'
  /** A job is claimed before its time. */
  | 'claimed-early'
  /** A job is claimed from a queue that was paused before the claim began. */
  | 'claimed-while-paused'
  /** Two live jobs hold one unique key. */
  | 'unique-key-twice'
  /** An event that cannot have followed what stands before it in its stream, for another reason. */
  | 'stream-illegal'
  /** A job is still live, where all should have ended. */
  | 'job-not-ended'
  // With what clients have witnessed.
  /** A submission was acknowledged, and its job is not in the log. */
  | 'submission-missing'
  /** A write was acknowledged with a token, and its event is not in the log. */
  | 'write-missing'
  /** An outcome was acknowledged, and the log ends that claim in another way, or does not know it. */
  | 'outcome-missing'
  /** An outcome was rejected as stale, and the log has it. */
  | 'rejected-outcome-recorded'
  /** A claim was completed that no handler ever ran, or whose handler never returned. */
  | 'completed-without-run'
  /** A claim was completed with a result that its own handler did not give. */
  | 'result-of-another'
  /** A handler ran for a claim that the log does not know. */
  | 'run-without-claim'
  /** Two handlers ran for one claim. */
  | 'claim-run-twice';

/** One thing that must never happen, and did. Plain JSON. */
export interface Violation {
  readonly rule: SafetyRule;
  /** The id of the job or of the queue's stream; null where a position is all that is known. */
  readonly streamId: string | null;
  /** The event that shows it: its place in the stream and in the log. Null where an event is missing. */
  readonly version: number | null;
  readonly position: string | null;
  /** What is wrong, in words. */
  readonly detail: string;
}

/** Collects violations: keeps the first ones, and counts all. */
export interface Violations {
  add(
    rule: SafetyRule,
    at: {
      readonly streamId: string | null;
      readonly version?: number;
      readonly position?: bigint | null;
    },
    detail: string,
  ): void;
  readonly kept: readonly Violation[];
  readonly counts: Readonly<Partial<Record<SafetyRule, number>>>;
}

export function createViolations(keep: number): Violations {
  const kept: Violation[] = [];
  const counts: Partial<Record<SafetyRule, number>> = {};
  return {
    kept,
    counts,
    add(rule, { streamId, version, position }, detail) {
      counts[rule] = (counts[rule] ?? 0) + 1;
      if (kept.length >= keep) return;
      const at = { version: version ?? null, position: position?.toString() ?? null };
      kept.push({ rule, streamId, ...at, detail });
    },
  };
}
