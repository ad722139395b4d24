import type { ClaimedJob } from '../../../src/commands/work/claim-jobs.ts';

/** A job as its worker gets it, but for what the test says. */
export function claimedJob(told: Partial<ClaimedJob> = {}): ClaimedJob {
  return {
    id: '019b76da-a800-7000-8000-000000000001',
    queue: 'default',
    type: 'greet',
    payload: { name: 'Ada' },
    payloadBytes: 14,
    version: 2,
    leaseToken: '019b76da-a800-7000-8000-000000000002',
    attempt: 1,
    maxAttempts: 10,
    priority: 4,
    timeoutMs: null,
    suspect: false,
    runAtMs: 0,
    submittedAtMs: 0,
    claimedAtMs: 0,
    correlationId: null,
    tags: [],
    ...told,
  };
}
