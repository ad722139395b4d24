import type { JobCommand } from '../../../src/domain/job/commands.ts';
import type {
  DeadReason,
  JobChanges,
  JobError,
  JobEvent,
  JobEventData,
} from '../../../src/domain/job/events.ts';

/** The data of a plain submission; ten attempts, due at once. */
export const job: JobEventData['JobSubmitted'] = {
  type: 'send-email',
  priority: 4,
  maxAttempts: 10,
  payloadHash: 'a'.repeat(64),
  payloadBytes: 17,
};

export const boom: JobError = { name: 'Error', message: 'boom' };

export const session = 'session-1';

/** The token of the first claim, and the default of everything below that takes one. */
export const token = 'token-1';

// Events, by the short name of what happened.

export function submitted(data: Partial<JobEventData['JobSubmitted']> = {}): JobEvent {
  return { type: 'JobSubmitted', data: { ...job, ...data } };
}

export function claimed(attempt = 1, leaseToken = token): JobEvent {
  return { type: 'JobClaimed', data: { attempt, session, leaseToken } };
}

export const completed: JobEvent = { type: 'JobCompleted', data: {} };

export function failed(attempt = 1): JobEvent {
  return { type: 'JobFailed', data: { attempt, error: boom } };
}

/** Without a reason, it was a policy's doing; an operator's has one, if only null. */
export function retried(runAtMs: number, reason?: string | null): JobEvent {
  return { type: 'JobRetried', data: { runAtMs, ...(reason === undefined ? {} : { reason }) } };
}

export function revived(
  runAtMs: number,
  maxAttempts: number,
  reason: string | null = null,
): JobEvent {
  return { type: 'JobRetried', data: { runAtMs, reason, revived: { maxAttempts } } };
}

export function dead(reason: DeadReason): JobEvent {
  return { type: 'JobDead', data: { reason } };
}

export function cancelled(reason: string | null = null): JobEvent {
  return { type: 'JobCancelled', data: { reason } };
}

export function cancelRequested(reason: string | null = null): JobEvent {
  return { type: 'JobCancelRequested', data: { reason } };
}

export const released: JobEvent = { type: 'JobInterrupted', data: { reason: 'released' } };

export const expired: JobEvent = { type: 'JobInterrupted', data: { reason: 'lease-expired' } };

/** A lease that lapsed after a suspect had marked its start. */
export const crashed: JobEvent = {
  type: 'JobInterrupted',
  data: { reason: 'lease-expired', crashed: true },
};

export function snoozed(runAtMs: number): JobEvent {
  return { type: 'JobSnoozed', data: { runAtMs } };
}

export function rescheduled(runAtMs: number, reason: string | null = null): JobEvent {
  return { type: 'JobRescheduled', data: { runAtMs, reason } };
}

export function edited(changes: JobChanges, reason: string | null = null): JobEvent {
  return { type: 'JobEdited', data: { changes, reason } };
}

export function moved(to: string, reason: string | null = null): JobEvent {
  return { type: 'JobMoved', data: { from: 'default', to, reason } };
}

export function erased(reason: string | null = null): JobEvent {
  return { type: 'PayloadErased', data: { reason } };
}

// Histories that many tests begin with. The n-th event occurs at occurredAtMs(n).

export const running: readonly JobEvent[] = [submitted(), claimed()];

export const completedJob: readonly JobEvent[] = [...running, completed];

export const deadJob: readonly JobEvent[] = [...running, failed(), dead('not-retryable')];

export const cancelledJob: readonly JobEvent[] = [submitted(), cancelled()];

// Commands.

export const submit: JobCommand = { kind: 'submit', queue: 'default', job };

export function claim(leaseToken = token): JobCommand {
  return { kind: 'claim', session, leaseToken };
}

export function complete(leaseToken = token): JobCommand {
  return { kind: 'complete', leaseToken };
}

type Fail = Extract<JobCommand, { kind: 'fail' }>;

export function fail(options: Partial<Omit<Fail, 'kind'>> = {}): JobCommand {
  return { kind: 'fail', leaseToken: token, error: boom, retryable: true, ...options };
}

export function snooze(delayMs: number, leaseToken = token): JobCommand {
  return { kind: 'snooze', leaseToken, delayMs };
}

export function release(leaseToken = token): JobCommand {
  return { kind: 'release', leaseToken };
}

export function expire(startMarked: boolean): JobCommand {
  return { kind: 'expire', startMarked };
}

export function cancel(reason: string | null = null): JobCommand {
  return { kind: 'cancel', reason };
}

export function retry(delayMs = 0, reason: string | null = null): JobCommand {
  return { kind: 'retry', delayMs, reason };
}

export function reschedule(runAtMs: number, reason: string | null = null): JobCommand {
  return { kind: 'reschedule', runAtMs, reason };
}

export function edit(changes: JobChanges, reason: string | null = null): JobCommand {
  return { kind: 'edit', changes, reason };
}

export function move(queue: string, reason: string | null = null): JobCommand {
  return { kind: 'move', queue, reason };
}

export function erase(reason: string | null = null): JobCommand {
  return { kind: 'erase-payload', reason };
}
