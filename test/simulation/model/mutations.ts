/**
 * Guards that can be taken out of the model, to see that the auditor finds what they hold back. What
 * each breaks is a rule of the safety check.
 */
export const mutations = {
  /** Outcomes do not ask for the lease token. */
  'fencing-off': ['result-of-another', 'outcome-missing', 'completed-without-run'],
  /** A claim takes jobs that are claimed. */
  'lease-check-off': ['one-lease'],
  /** A failure leaves the row’s count as it was. */
  'attempts-not-counted': ['attempt-number'],
  /** A claim does not ask whether the queue is paused. */
  'pause-ignored': ['claimed-while-paused'],
  /** A claim does not ask for run-at; its event still says the later of both times. */
  'run-at-ignored': ['claimed-early'],
  /** A decision is kept though its job has changed since it was loaded. */
  'version-unguarded': ['stream-illegal', 'outcome-twice', 'one-lease', 'outcome-without-claim'],
  /** A submission that is repeated makes the job again. */
  'births-unguarded': ['stream-illegal'],
  'unique-keys-unguarded': ['unique-key-twice'],
  /** A session is settled by the statement that closes it, without a second look. */
  'settled-at-once': ['job-not-ended'],
  /** A session is settled where the row, once locked, is closed: by whom, and since when, is not asked. */
  'settled-by-the-locked-row': ['job-not-ended'],
  /** A claim asks for its session in its snapshot, and does not lock it. */
  'session-unlocked': ['job-not-ended'],
  /** The sequencer forgets numbers that were not visible when it passed them. */
  'low-water-mark': ['submission-missing', 'stream-illegal'],
  /** A sequencer goes by the head it has read, whatever has become of it. */
  'head-unlocked': ['position-wrong', 'stream-illegal'],
  /** Answers are sent before the transaction is committed. */
  'answered-before-commit': ['submission-missing', 'outcome-missing', 'run-without-claim'],
} as const;

export type Mutation = keyof typeof mutations;
