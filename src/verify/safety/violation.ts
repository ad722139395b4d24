/** The rules of the safety check, and when each is broken. Stable: programs may tell them apart. */
export const safetyRules = {
  // From the log alone.
  'position-wrong': 'positions are 1, 2, 3, ...',
  'one-lease': 'a job is claimed while a claim of it is open: two leases at once',
  'outcome-without-claim': 'a claim ends that never began',
  'outcome-twice': 'a claim ends that has ended',
  'attempt-number': 'attempts are 1, 2, 3, ...: one more with every failure, and with nothing else',
  'claimed-early': 'a job is claimed before its time',
  'claimed-while-paused': 'a job is claimed from a queue that was paused before the claim began',
  'unique-key-twice': 'two live jobs hold one unique key',
  'stream-illegal':
    'an event cannot have followed what stands before it in its stream, for another reason',
  'job-not-ended': 'a job is still live, where all should have ended',
  // With what clients have witnessed.
  'submission-missing': 'a submission was acknowledged, and its job is not in the log',
  'write-missing': 'a write was acknowledged with a token, and its event is not in the log',
  'outcome-missing':
    'an outcome was acknowledged, and the log ends that claim otherwise, or not at all',
  'rejected-outcome-recorded': 'an outcome was rejected as stale, and the log has it',
  'completed-without-run':
    'a claim was completed that no handler ran, or whose handler never returned',
  'result-of-another': 'a claim was completed with a result that its own handler did not give',
  'run-without-claim': 'a handler ran for a claim that the log does not know',
  'claim-run-twice': 'two handlers ran for one claim',
} as const;

export type SafetyRule = keyof typeof safetyRules;

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
